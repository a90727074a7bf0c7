import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSummary, summarise, SummaryBuilder, type MessageSummary } from 'mailwright/mime'
import { parseForm, type Form } from './form.ts'

/** Messages on whose structure two Dovecots and a Cyrus agree. */
const SUITE = join(import.meta.dirname, '../../../shared/suites/mime')
const skip = existsSync(SUITE) ? false : 'the public MIME suite is not beside the repository (../shared/suites/mime)'

interface Expected {
  readonly shape: readonly (readonly [string, string, readonly (readonly [string, string])[] | null, string | null, number | null])[]
  readonly envelope: readonly unknown[]
  readonly size: string
  readonly leaves: Readonly<Record<string, string>>
}

function message(name: string): Buffer {
  // As a server stores it: CRLF line ends.
  return Buffer.from(readFileSync(join(SUITE, name), 'latin1').replace(/\r?\n/g, '\r\n'), 'latin1')
}

function shapeOf(form: Form, path: string, shape: unknown[][]): void {
  if (!Array.isArray(form)) throw new Error('a body is a list')
  if (Array.isArray(form[0])) {
    const children = form.filter(
      entry => Array.isArray(entry) && Array.isArray(entry) && form.indexOf(entry) < form.findIndex(item => typeof item === 'string'),
    )
    shape.push([
      path === '' ? 'TOP' : path,
      `multipart/${String(form.find(item => typeof item === 'string')).toLowerCase()}`,
      null,
      null,
      null,
    ])
    for (const [index, child] of children.entries()) shapeOf(child, path === '' ? `${index + 1}` : `${path}.${index + 1}`, shape)
    return
  }
  const here = path === '' ? '1' : path
  const [type, subtype, parameters, , , encoding, size] = form
  const pairs: string[][] = []
  if (Array.isArray(parameters))
    for (let i = 0; i < parameters.length; i += 2)
      pairs.push([String(parameters[i]), String(parameters[i + 1])].map(word => word.toLowerCase()))
  const name = `${String(type)}/${String(subtype)}`.toLowerCase()
  // The suite leaves the default of RFC 2045 §5.2 out.
  const told = pairs.filter(pair => pair.join() !== 'charset,us-ascii')
  shape.push([here, name, told, String(encoding).toLowerCase(), Number(size)])
  if (name !== 'message/rfc822') return
  const inner = form[8]
  if (inner === undefined) return
  if (Array.isArray(inner) && Array.isArray(inner[0])) {
    const children = inner.filter(entry => Array.isArray(entry))
    const before = inner.findIndex(item => typeof item === 'string')
    for (const [index, child] of children.slice(0, before).entries()) shapeOf(child, `${here}.${index + 1}`, shape)
  } else shapeOf(inner, `${here}.1`, shape)
}

function leaves(summary: MessageSummary, octets: Buffer): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { path, location } of summary.parts) {
    if (path.length === 0 || location.isMultipart) continue
    found[path.join('.')] = createHash('sha1').update(octets.subarray(location.bodyStart, location.bodyEnd)).digest('hex').slice(0, 12)
  }
  return found
}

const expected = skip === false ? (JSON.parse(readFileSync(join(SUITE, 'expected.json'), 'utf8')) as Record<string, Expected>) : {}
const names =
  skip === false
    ? readdirSync(SUITE)
        .filter(name => name.endsWith('.eml'))
        .sort()
    : ['the suite']

for (const name of names) {
  test(`${name}: structure, envelope, size and leaves are what Dovecot and Cyrus say (RFC 9051 §7.5.2)`, { skip }, () => {
    const octets = message(name)
    const want = expected[name]
    assert.ok(want)
    const summary = readSummary(summarise(octets))
    const shape: unknown[][] = []
    shapeOf(parseForm(summary.bodyStructure), '', shape)
    const wanted = want.shape.filter(row => row[0] !== undefined)
    assert.deepEqual(shape, wanted)
    assert.deepEqual(parseForm(summary.envelope), want.envelope)
    assert.equal(String(octets.length), want.size)
    const all = leaves(summary, octets)
    for (const [path, hash] of Object.entries(want.leaves)) assert.equal(all[path], hash, `BODY[${path}]`)
  })
}

test('a summary is the same however the message was cut into slices', { skip }, () => {
  for (const name of names.slice(0, 12)) {
    const octets = message(name).subarray(0, 6000)
    const whole = summarise(octets)
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const builder = new SummaryBuilder()
      for (let at = 0; at < octets.length; at += size) builder.push(octets.subarray(at, at + size))
      assert.deepEqual(builder.finish(), whole, `${name} in slices of ${size}`)
    }
  }
})
