import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import {
  asciiLowerCase,
  ByteBuilder,
  concatBytes,
  Cursor,
  decodeBase64,
  DotStuffer,
  encodeBase64,
  Framer,
  hasOctets,
  isAscii,
  latin1Bytes,
  latin1Text,
  octetSet,
  sameBytes,
  startsWithFolded,
  strictUtf8Text,
  SyntaxFault,
  utf8Bytes,
  utf8Text,
} from '../../src/bytes/index.ts'
import { processorTime } from '../support/processor-time.ts'

test('octets and Latin-1 text are inverse, long ones too', () => {
  const all = Uint8Array.from({ length: 10_000 }, (_, i) => i & 255)
  assert(sameBytes(latin1Bytes(latin1Text(all)), all))
  assert.equal(latin1Text(all, 65, 68), 'ABC')
  assert.throws(() => latin1Bytes('€'), RangeError)
})

test('UTF-8 is read leniently or strictly, as asked', () => {
  assert.equal(utf8Text(utf8Bytes('Grüße')), 'Grüße')
  assert.equal(utf8Text(Uint8Array.of(0x61, 0xff)), 'a\ufffd')
  assert.equal(strictUtf8Text(Uint8Array.of(0x61, 0xff)), undefined)
  assert.equal(strictUtf8Text(Uint8Array.of(0xc0, 0xaf)), undefined)
  assert.equal(strictUtf8Text(utf8Bytes('ß')), 'ß')
  assert.equal(isAscii(utf8Bytes('ß')), false)
})

test('case is folded in ASCII only', () => {
  assert.equal(asciiLowerCase('INBOX K\u212a İ'), 'inbox k\u212a İ')
  assert(startsWithFolded(latin1Bytes('xINBOX/'), 1, 'inbox'))
  assert(!startsWithFolded(latin1Bytes('INBO'), 0, 'inbox'))
})

test('base64 has one spelling (RFC 4648 §3.5, §4)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      const again = decodeBase64(encodeBase64(bytes))
      assert(again !== undefined && sameBytes(again, bytes))
    }),
  )
  for (const wrong of ['A', 'AA', 'AAA', 'AA==AA==', 'AB==', 'AAB=', 'A A=', 'AA=\n', '====', '=AAA', 'AA-_', 'ÄAAA'])
    assert.equal(decodeBase64(wrong), undefined, wrong)
})

test('a cursor fails with what was expected and where (RFC 5234 §3)', () => {
  const cursor = new Cursor(latin1Bytes('UID fetch 12x'))
  assert(cursor.skipWord('uid'))
  cursor.expect(0x20, 'SP')
  assert.equal(latin1Text(cursor.takeWhile(octetSet('az', 'AZ'), 'a command')), 'fetch')
  assert.equal(cursor.take(), 0x20)
  assert.equal(latin1Text(cursor.takeWhile(octetSet('09'), 'a number')), '12')
  assert.equal(cursor.peek(), 0x78)
  assert.equal(cursor.peek(1), -1)
  assert.throws(
    () => cursor.takeWhile(octetSet('09'), 'a number'),
    fault => fault instanceof SyntaxFault && fault.expected === 'a number' && fault.at === 12,
  )
  assert.throws(() => cursor.end(), SyntaxFault)
  assert.equal(cursor.remainder(), 'x')
  assert.equal(cursor.rest().length, 1)
  cursor.end()
  assert(cursor.atEnd)
  assert.throws(() => cursor.take('SP'), { expected: 'SP', at: 13 })
})

test('a builder gathers octets and never touches a chunk it gave out', () => {
  const out = new ByteBuilder(4)
  out.latin1('* ').number(0).byte(0x20).number(4_294_967_295).utf8(' ü').bytes(Uint8Array.of(1, 2))
  const first = out.flush()
  const was = latin1Text(first)
  assert.equal(was, '* 0 4294967295 \xc3\xbc\x01\x02')
  for (let i = 0; i < 3000; i++) out.number(i).byte(0x2c)
  assert.equal(latin1Text(first), was)
  assert.equal(latin1Text(out.flush()), Array.from({ length: 3000 }, (_, i) => `${i},`).join(''))
  assert.equal(out.length, 0)
  assert.throws(() => out.number(-1), RangeError)
  assert.throws(() => out.latin1('€'), RangeError)
})

const stuffed = (message: string, cuts: readonly number[]): string => {
  const stuffer = new DotStuffer()
  const bytes = latin1Bytes(message)
  const out: Uint8Array[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    out.push(...stuffer.stuff(bytes.subarray(from, cut)))
    from = cut
  }
  return latin1Text(concatBytes([...out, stuffer.end()]))
}

test('lines that begin with a dot get a second one (RFC 1939 §3)', () => {
  assert.equal(stuffed('', []), '.\r\n')
  assert.equal(stuffed('.', []), '..\r\n.\r\n')
  assert.equal(stuffed('.\r\n..\r\na.b\r\n', []), '..\r\n...\r\na.b\r\n.\r\n')
  assert.equal(stuffed('a\n.\nb', []), 'a\n..\nb\r\n.\r\n')
  assert.equal(stuffed('a\r', []), 'a\r\r\n.\r\n')
})

test('what is stuffed arrives as it was, however both are cut (RFC 5321 §4.5.2)', () => {
  const unit = fc.constantFrom('.', 'a', '\r\n')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), fc.array(fc.nat(100), { maxLength: 8 }), (body, at) => {
      const message = `${body}\r\n`
      const cuts = at.map(n => n % message.length).sort((a, b) => a - b)
      const wire = stuffed(message, cuts)
      assert.equal(wire, stuffed(message, []))
      const framer = new Framer()
      framer.dotData()
      framer.push(latin1Bytes(wire))
      const got: Uint8Array[] = []
      for (let frame = framer.next(); frame !== undefined; frame = framer.next()) if (frame.kind === 'data') got.push(frame.bytes)
      assert.equal(latin1Text(concatBytes(got)), message)
      assert.equal(framer.buffered, 0)
    }),
    { numRuns: 3000 },
  )
})

test('8 MB of dots are stuffed in linear time (P15)', () => {
  const piece = latin1Bytes('.\r\n'.repeat(21_845))
  const stuffer = new DotStuffer()
  const began = processorTime()
  let octets = 0
  for (let fed = 0; fed < 8_388_608; fed += piece.length) for (const slice of stuffer.stuff(piece)) octets += slice.length
  const took = processorTime() - began
  assert(octets > 11_000_000)
  assert(took < 1000, `${took.toFixed(0)} ms`)
})

test('text is found in octets as in strings', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'ü', '€'), maxLength: 12 })
  fc.assert(
    fc.property(text, text, (all, wanted) => {
      const octets = utf8Bytes(`<${all}>`)
      assert.equal(hasOctets(octets, 1, octets.length - 1, utf8Bytes(wanted)), all.includes(wanted))
    }),
  )
  const long = 'ab'.repeat(60)
  assert(hasOctets(utf8Bytes(`x${long}y`), 0, 122, utf8Bytes(long)))
  assert(!hasOctets(utf8Bytes(`x${long}y`), 0, 122, utf8Bytes(`${long}z`)))
})

test('a builder that was rewound writes into the same memory', () => {
  const builder = new ByteBuilder(16)
  const chunk = builder.latin1('one').flush()
  builder.rewind()
  assert.equal(latin1Text(builder.slice(latin1Bytes('-two-'), 1, 4).flush()), 'two')
  assert.equal(latin1Text(chunk), 'two')
  builder.byte(1)
  assert.throws(() => builder.rewind(), /not flushed/)
})
