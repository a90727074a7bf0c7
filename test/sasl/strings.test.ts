/** Base64 and preparation over seeded chance. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeBase64, encodeBase64, prepareString } from 'mailwright/sasl'
import { seededRandom } from 'mailwright/testing'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

test('decode ∘ encode is identity, and agrees with Node (RFC 4648 §4)', () => {
  const random = seededRandom(4648)
  for (let round = 0; round < 2000; round++) {
    const octets = random.bytes(random.below(70))
    const text = encodeBase64(octets)
    assert.equal(text, Buffer.from(octets).toString('base64'))
    assert.deepEqual(decodeBase64(ascii(text)), octets)
  }
})

test('whatever decodes encodes to the very same text: each octet string has one spelling (RFC 4648 §3.5)', () => {
  const random = seededRandom(35)
  const characters = 'AQgwBZ09+/=='
  let decoded = 0
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: 4 * random.below(3) }, () => characters.charAt(random.below(characters.length))).join('')
    const octets = decodeBase64(ascii(text))
    if (octets === undefined) continue
    decoded++
    assert.equal(encodeBase64(octets), text)
  }
  assert.ok(decoded > 1000)
})

test('the vectors of RFC 4648 §10', () => {
  for (const [plain, text] of [
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ] as const) {
    assert.equal(encodeBase64(ascii(plain)), text)
    assert.deepEqual(decodeBase64(ascii(text)), ascii(plain))
  }
})

const prepared: readonly (readonly [string, string, string | undefined])[] = [
  ['ASCII is left alone', 'correct horse', 'correct horse'],
  ['a soft hyphen is nothing (RFC 4013 §3)', 'I\u00adX', 'IX'],
  ['case is kept (RFC 4013 §3)', 'USER', 'USER'],
  ['compatibility characters stay apart', '\u2168', '\u2168'],
  ['a control is refused (RFC 4013 §3)', '\u0007', undefined],
  ['DEL is refused', 'a\u007f', undefined],
  ['a C1 control is refused', 'a\u0085', undefined],
  ['NFD becomes NFC', 'e\u0301', '\u00e9'],
  ['a no-break space is a space', 'a\u00a0b', 'a b'],
  ['nothing is refused', '', undefined],
  ['what becomes nothing is refused', '\u200b\ufeff', undefined],
  ['private use is refused', 'a\ue001', undefined],
  ['a lone surrogate is refused', 'a\ud800', undefined],
  ['no character is refused', 'a\ufdd0', undefined],
  ['a direction mark is refused', 'a\u202eb', undefined],
  ['a tag is refused', 'a\u{e0041}', undefined],
  ['an emoji is fine', '\u{1f511}', '\u{1f511}'],
  ['1,024 octets are fine', 'x'.repeat(1024), 'x'.repeat(1024)],
  ['1,025 are not', 'x'.repeat(1025), undefined],
  ['nor are 1,024 characters of two octets', 'ä'.repeat(1024), undefined],
]
for (const [what, text, expected] of prepared) {
  test(`preparation: ${what}`, () => {
    assert.equal(prepareString(text), expected)
    if (expected !== undefined) assert.equal(prepareString(expected), expected)
  })
}

test('preparing twice changes nothing, over random text', () => {
  const random = seededRandom(4013)
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: random.below(8) }, () => String.fromCodePoint(random.below(0x3100))).join('')
    const once = prepareString(text)
    if (once !== undefined) assert.equal(prepareString(once), once, JSON.stringify(text))
  }
})
