import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  bodyCanonicaliser,
  canonicalField,
  canonicalSignature,
  chosenFields,
  readSignableHeader,
  type Canonicalization,
} from 'mailwright/dkim'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { hashOf, octets } from './messages.ts'

function canonicalBody(text: string, canonicalization: Canonicalization, slice: number): string {
  let out = ''
  const body = bodyCanonicaliser(canonicalization, piece => {
    out += latin1Text(piece)
  })
  const bytes = latin1Bytes(text)
  for (let at = 0; at < bytes.length; at += slice) body.push(bytes.subarray(at, at + slice))
  body.finish()
  return out
}

/** The definitions, word for word, with regular expressions over the whole text. */
function defined(text: string, canonicalization: Canonicalization): string {
  if (canonicalization === 'simple') return `${text.replace(/(?:\r\n)*$/, '')}\r\n`
  const lines = text.split('\r\n').map(line => line.replace(/[ \t]+$/, '').replace(/[ \t]+/g, ' '))
  const body = lines.join('\r\n').replace(/(?:\r\n)*$/, '')
  return body === '' ? '' : `${body}\r\n`
}

test('the examples for header and body (RFC 6376 §3.4.5)', () => {
  const message = octets('A: X \nB : Y\t\n\tZ  \n\n C \nD \t E\n\n\n')
  const { fields, bodyStart } = readSignableHeader(message)
  assert.deepEqual(
    fields.map(({ key }) => key),
    ['a', 'b'],
  )
  assert.equal(fields.map(({ text }) => canonicalField(text, 'relaxed')).join(''), 'a:X\r\nb:Y Z\r\n')
  assert.equal(fields.map(({ text }) => canonicalField(text, 'simple')).join(''), 'A: X \r\nB : Y\t\r\n\tZ  \r\n')
  const body = latin1Text(message.subarray(bodyStart))
  assert.equal(canonicalBody(body, 'relaxed', 100), ' C\r\nD E\r\n')
  assert.equal(canonicalBody(body, 'simple', 100), ' C \r\nD \t E\r\n')
})

test('bodies are canonicalised alike in slices of every size (RFC 6376 §3.4.3, §3.4.4)', () => {
  const bodies = [
    '',
    '\r\n',
    '\r\n\r\n',
    ' ',
    ' \r\n',
    'a',
    'a ',
    'a\r\n',
    'a\r',
    'a \r',
    'a\r\r\n',
    'a\n',
    '\r',
    ' \r ',
    '\r\r\n\n',
    'a\r\n\r\nb',
    'a \t\r\n \r\n\tb\t ',
    'a\r\n \r\n\r\n',
    'a\r\n\r',
    'a\0\r\n',
  ]
  for (const body of bodies)
    for (const canonicalization of ['simple', 'relaxed'] as const)
      for (const slice of [1, 2, 3, 1000])
        assert.equal(
          canonicalBody(body, canonicalization, slice),
          defined(body, canonicalization),
          JSON.stringify([body, canonicalization, slice]),
        )
})

test('thousands of empty lines and spaces between words stay what they are, across pieces of work', () => {
  for (const gap of ['\r\n'.repeat(20_000), ' '.repeat(40_000), ' \r\n'.repeat(17_000), '\r'.repeat(33_000)])
    for (const canonicalization of ['simple', 'relaxed'] as const) {
      const body = `a${gap}b${gap}`
      assert.equal(canonicalBody(body, canonicalization, 16_385), defined(body, canonicalization))
    }
})

test('several limits cost snapshots of one hash (RFC 6376 §3.5)', () => {
  const body = octets('one  two\nthree \n\n\n')
  const relaxed = 'one two\r\nthree\r\n'
  const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('base64')
  const lengths = [0, 3, 16, 17, 3]
  assert.deepEqual(
    hashOf(
      body,
      lengths.map(length => ({ canonicalization: 'relaxed', length })),
      2,
    ),
    [sha256(''), sha256('one'), sha256(relaxed), undefined, sha256('one')],
  )
})

test('a line of 20 MB costs no more than lines of 78 (S18)', () => {
  const fill = (pattern: string): Uint8Array => {
    const body = new Uint8Array(20_000_000)
    const seed = latin1Bytes(pattern)
    for (let at = 0; at < body.length; at += seed.length) body.set(seed.subarray(0, body.length - at), at)
    return body
  }
  const cost = (body: Uint8Array): number => {
    const before = process.cpuUsage()
    hashOf(body, [{ canonicalization: 'relaxed' }, { canonicalization: 'simple' }], 65_536)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  cost(fill('warm up\r\n'))
  const lines = cost(fill(`${'abcdef '.repeat(11)}\r\n`))
  const figures = ['a', ' ', '\t', '\r', '\n', '\r\n', ' \r\n', 'a ', ' \r'].map(
    pattern => [JSON.stringify(pattern), Math.round(cost(fill(pattern)))] as const,
  )
  console.log(`20 MB hashed both ways, ms of CPU: lines of 78 ${Math.round(lines)}; ${figures.map(pair => pair.join(' ')).join(', ')}`)
  for (const [pattern, spent] of figures) assert.ok(spent < 20 * Math.max(lines, 20), `${pattern}: ${spent} ms against ${lines}`)
})

test('fields are chosen from the last up, each once, in the order of h= (RFC 6376 §5.4.2)', () => {
  const { fields } = readSignableHeader(octets('Received: A\nReceived: B\nreceived : C\nFrom: D\n\n'))
  const chosen = chosenFields(fields, ['received', 'subject', 'received', 'from', 'from'])
  assert.deepEqual(
    chosen.map(({ text }) => text),
    ['received : C\r\n', 'Received: B\r\n', 'From: D\r\n'],
  )
})

test('a line that is no field hangs on the one above, a fold before the colon is part of a name (RFC 5322 §4.5.8)', () => {
  const { fields } = readSignableHeader(octets('not a field\nFrom\n : a\nnor this\nTo: b\n'))
  assert.deepEqual(
    fields.map(({ key, text }) => [key, text]),
    [
      ['', 'not a field\r\n'],
      ['from', 'From\r\n : a\r\nnor this\r\n'],
      ['to', 'To: b\r\n'],
    ],
  )
})

test('only the value of b= leaves the field of the signature (RFC 6376 §3.7)', () => {
  const cases: readonly (readonly [string, Canonicalization, string])[] = [
    ['DKIM-Signature: a=1; b=abc\r\n def\r\n', 'relaxed', 'dkim-signature:a=1; b='],
    ['DKIM-Signature: a=1; b=abc\r\n def\r\n', 'simple', 'DKIM-Signature: a=1; b='],
    ['DKIM-Signature: b = abc ; bh=b=\r\n', 'simple', 'DKIM-Signature: b =; bh=b='],
    ['DKIM-Signature: bh=x; b=y;\r\n', 'relaxed', 'dkim-signature:bh=x; b=;'],
  ]
  for (const [text, canonicalization, expected] of cases) assert.equal(canonicalSignature(text, canonicalization), expected)
})
