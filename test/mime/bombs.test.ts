import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import { decodeTransfer, readSummary, summarise, SummaryBuilder } from 'mailwright/mime'
import { parseForm } from './form.ts'
import { processorTime, processorTimeOf } from '../support/processor-time.ts'

const octets = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Milliseconds of the faster of three tries. */
function time(work: () => void): number {
  return Math.min(...Array.from({ length: 3 }, () => processorTimeOf(work)))
}

/** Every bomb as a function of its size. */
const BOMBS: Readonly<Record<string, (n: number) => string>> = {
  'multipart in multipart (M1)': n => {
    let text = ''
    for (let i = 0; i < n; i++) text += `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`
    return text
  },
  'message in message (M1)': n => 'Content-Type: message/rfc822\r\n\r\n'.repeat(n),
  'parts without end (M2)': n => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(n)}--b--\r\n`,
  'a boundary that comes back inside (M1, M2)': n =>
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'.repeat(n)}`,
  'lines of hyphens (M2)': n => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--c\r\n'.repeat(n)}`,
  'near-boundary lines under 99 boundaries (M1, M2)': n => {
    let text = ''
    for (let i = 0; i < 99; i++) text += `Content-Type: multipart/mixed; boundary=${'b'.repeat(32)}${i}\r\n\r\n--${'b'.repeat(32)}${i}\r\n`
    return `${text}\r\n${`--${'b'.repeat(32)}x\r\n`.repeat(n)}`
  },
  'source routes without an end, in many parts (M6)': n =>
    `Content-Type: multipart/digest; boundary=b\r\n\r\n${`--b\r\n\r\nFrom: ${'<@,'.repeat(20_000)}\r\n\r\n`.repeat(n / 4000)}--b--\r\n`,
  'To lines (M3)': n => `${'To: a@b.example\r\n'.repeat(n)}\r\n`,
  'addresses in one line (M3)': n => `To: ${'a@b.example, '.repeat(n)}\r\n\r\n`,
  'encoded-words (M3)': n => `Subject: ${'=?utf-8?q?a?= '.repeat(n)}\r\n\r\n`,
  'RFC 2231 parameters (M3)': n => `Content-Type: text/plain${Array.from({ length: n }, (_, i) => `; a*${i}=b`).join('')}\r\n\r\n`,
  'open comments (M6)': n => `From: ${'('.repeat(n)}\r\nContent-Type: ${'('.repeat(n)}\r\n\r\n`,
  'open quotes and backslashes (M6)': n => `From: ${'"\\'.repeat(n)}\r\nContent-Type: text/plain; a=${'"\\'.repeat(n)}\r\n\r\n`,
  'angle brackets (M6)': n => `From: ${'<'.repeat(n)}\r\n\r\n`,
  'colons and commas (M6)': n => `From: ${':,'.repeat(n)}\r\n\r\n`,
  'encoded-word openings (M6)': n => `Subject: ${'=?'.repeat(n)}\r\n\r\n`,
  'one long line': n => `Subject: x\r\n\r\n${'x'.repeat(n * 10)}`,
  'html of open brackets': n => `Content-Type: text/html\r\n\r\n${'<'.repeat(n)}`,
}

for (const [name, make] of Object.entries(BOMBS)) {
  test(`${name} cost time in proportion to their size`, () => {
    const [small, large] = [octets(make(20_000)), octets(make(40_000))]
    const once = time(() => summarise(small))
    const twice = time(() => summarise(large))
    assert.ok(twice < 1000, `${large.length} octets took ${twice.toFixed(0)} ms`)
    assert.ok(twice < once * 2.5 + 15, `${once.toFixed(1)} ms became ${twice.toFixed(1)} ms at twice the size`)
    const summary = readSummary(summarise(large))
    parseForm(summary.envelope)
    assert.ok(summary.bodyStructure.length < 1_500_000)
  })
}

test('ten thousand parts a hundred deep are told as far as their numbers stay short together (M1, M2)', () => {
  const within = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'
  const text = within.repeat(99) + '\r\nx\r\n--b\r\n'.repeat(20_000)
  const summary = summarise(octets(text))
  const { parts, lineCount } = readSummary(summary)
  // 50,000 levels: 5,000 for the way down, and then a hundred for each leaf.
  assert.ok(parts.length > 500 && parts.length < 700, `${parts.length} parts`)
  assert.ok(parts.reduce((sum, { path }) => sum + path.length, 0) <= 50_000)
  assert.ok(summary.length < 400_000, `${summary.length} octets of summary for ${text.length}`)
  assert.equal(lineCount, text.split('\n').length - 3)
})

test('any octets give a summary whose parts lie within the message (RFC 7103)', () => {
  const words = [
    'Content-Type: multipart/mixed; boundary=b\r\n',
    'Content-Type: message/rfc822\r\n',
    '\r\n',
    '--b\r\n',
    '--b--\r\n',
    '--b1\n',
    'text\n',
    ' folded\r\n',
    '\0',
    '\r',
    'From: "a" <b@c>\r\n',
    'é',
    ':',
    'Content-Transfer-Encoding: base64\r\n',
  ]
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...words), fc.string()), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      (pieces, size) => {
        const message = octets(pieces.join(''))
        const summary = summarise(message)
        const builder = new SummaryBuilder()
        for (let at = 0; at < message.length; at += size) builder.push(message.subarray(at, at + size))
        assert.deepEqual(builder.finish(), summary)
        const view = readSummary(summary)
        parseForm(view.envelope)
        parseForm(view.bodyStructure)
        parseForm(view.body)
        for (const { location } of view.parts) {
          assert.ok(location.headerStart <= location.headerEnd && location.headerEnd <= location.bodyStart)
          assert.ok(location.bodyStart <= location.bodyEnd && location.bodyEnd <= message.length)
        }
      },
    ),
    { numRuns: 400 },
  )
})

test('decoding never grows what it is given, and takes nonsense (RFC 2045 §6.7, §6.8)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('base64', 'quoted-printable', 'x-unknown'), (bytes, encoding) => {
      assert.ok(decodeTransfer(bytes, encoding).length <= bytes.length)
    }),
  )
  const text = 'If =C3=A9 then=\r\n soft  \r\n=ZZ'
  assert.equal(Buffer.from(decodeTransfer(octets(text), 'quoted-printable')).toString(), 'If é then soft\r\n=ZZ')
  assert.equal(Buffer.from(decodeTransfer(octets('SGVs\r\nbG8=\r\n'), 'BASE64')).toString(), 'Hello')
})

test('what is told of parts is bounded for the message as a whole, and every part keeps its place (M1, M3)', () => {
  const parts = 40
  const part = `--b\r\nContent-Type: message/rfc822\r\n\r\nTo: ${`${'a'.repeat(90)}@b, `.repeat(2000)}\r\nSubject: s\r\n\r\nx\r\n`
  const message = octets(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(parts)}--b--\r\n`)
  assert.ok(message.length > 7_000_000)
  const summary = summarise(message)
  assert.ok(summary.length < 2_000_000, `${summary.length} octets`)
  const view = readSummary(summary)
  parseForm(view.bodyStructure)
  for (let number = 1; number <= parts; number++) {
    const location = view.part([number])
    assert.ok(location?.isMessage)
    assert.equal(location.bodyEnd - location.bodyStart, part.length - '--b\r\nContent-Type: message/rfc822\r\n\r\n'.length - 2)
  }
  assert.match(Buffer.from(view.bodyStructure).toString('latin1'), /aaaa/)
})

test('a header that arrives octet by octet is read in linear time (S26, M3)', () => {
  const message = octets(`X: ${'y'.repeat(200_000)}\r\nSubject: kept\r\n\r\n`)
  const began = processorTime()
  const builder = new SummaryBuilder()
  for (let at = 0; at < message.length; at++) builder.push(message.subarray(at, at + 1))
  assert.equal(readSummary(builder.finish()).field('subject'), 'kept')
  assert.ok(processorTime() - began < 1000)
})
