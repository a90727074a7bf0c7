import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../../src/bytes/index.ts'

test('the example of the standard, both ways (RFC 3501 §5.1.3)', () => {
  const name = '~peter/mail/&U,BTFw-/&ZeVnLIqe-'
  assert.equal(decodeModifiedUtf7(name), '~peter/mail/台北/日本語')
  assert.equal(encodeModifiedUtf7('~peter/mail/台北/日本語'), name)
})

const same: readonly (readonly [string, string])[] = [
  ['', ''],
  ['INBOX', 'INBOX'],
  ['a&-b', 'a&b'],
  ['&-&-', '&&'],
  ['Entw&APw-rfe', 'Entwürfe'],
  ['&2D3eCQ-', '😉'],
  ['&Jjo-!', '☺!'],
  ['&Jjo-&-', '☺&'],
  ['&,,8-', '\uffff'],
  ['&AKA-', '\u00a0'],
]
test('one name, one spelling (RFC 3501 §5.1.3)', () => {
  for (const [wire, name] of same) {
    assert.equal(decodeModifiedUtf7(wire), name)
    assert.equal(encodeModifiedUtf7(name), wire)
  }
})

const refused: readonly (readonly [string, string])[] = [
  ['&AC8-', 'encoded /'],
  ['&AGE-', 'encoded a'],
  ['&ACY-', 'encoded &'],
  ['&AAA-', 'NUL'],
  ['&AAo-', 'LF'],
  ['&AH8-', 'DEL'],
  ['&AIU-', 'C1'],
  ['&Jjo', 'no end'],
  ['&', 'lone &'],
  ['a&b', 'shift without end'],
  ['&Jjo-&Jjo-', 'adjoining shifts'],
  ['&Jjp-', 'left-over bits'],
  ['&JjoA-', 'left-over digit'],
  ['&J-', 'too short'],
  ['&Jjo/-', 'slash of base64'],
  ['&Jjo=-', 'padding'],
  ['&2D0-', 'lone high surrogate'],
  ['&3gk-', 'lone low surrogate'],
  ['Entwürfe', '8-bit'],
  ['a\tb', 'TAB'],
  ['a\x7f', 'DEL'],
  ['\0', 'raw NUL'],
]
test('a second spelling, a control character or broken Unicode is no name (RFC 3501 §5.1.3, P9)', () => {
  for (const [wire, why] of refused) assert.equal(decodeModifiedUtf7(wire), undefined, why)
})

test('decode after encode is the name itself (RFC 3501 §5.1.3)', () => {
  const unit = fc.oneof(fc.constantFrom('&', '-', ',', '/', 'a', ' '), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), name => {
      if (/[\0-\x1f\x7f-\x9f]/.test(name)) assert.equal(decodeModifiedUtf7(encodeModifiedUtf7(name)), undefined)
      else assert.equal(decodeModifiedUtf7(encodeModifiedUtf7(name)), name)
    }),
    { numRuns: 20_000 },
  )
})

test('what decodes, encodes to the same octets (RFC 3501 §5.1.3)', () => {
  const unit = fc.constantFrom(...'&-,+/AaBJjoxyz019'.split(''))
  let decoded = 0
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), wire => {
      const name = decodeModifiedUtf7(wire)
      if (name === undefined) return
      decoded++
      assert.equal(encodeModifiedUtf7(name), wire)
    }),
    { numRuns: 20_000 },
  )
  assert(decoded > 1000)
})

test('a lone surrogate cannot be named (RFC 3501 §5.1.3)', () => {
  assert.throws(() => encodeModifiedUtf7('a\ud800'), RangeError)
})
