/** What is crossed sixteen octets at a time is what one octet at a time would tell. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import { DotData, type DataFaults } from '../../src/bytes/dot-data.ts'
import { lineScanModule } from '../../tools/wasm.ts'

const ROOT = join(import.meta.dirname, '../..')

test('the module in the sources is made of its text', async () => {
  assert.equal(readFileSync(join(ROOT, 'src/bytes/line-scan-module.ts'), 'utf8'), await lineScanModule())
})

/** The reader of RFC 5321 §4.5.2 as one would write it for clarity: one octet at a time. */
function plainly(octets: Uint8Array, normalise: boolean, maxLineLength: number): { text: string; read: number; faults: DataFaults } {
  const text = Buffer.from(octets).toString('latin1')
  const faults = { bareCr: 0, bareLf: 0, nul: 0, lineTooLong: 0, longestLine: 0, lineFeeds: 0 }
  let out = ''
  let line = 0
  const put = (octet: string): void => {
    out += octet
    line++
    if (octet === '\n') faults.lineFeeds++
    faults.longestLine = Math.max(faults.longestLine, line)
  }
  const endLine = (): void => {
    if (line > maxLineLength) faults.lineTooLong++
    line = 0
  }
  let isLineStart = true
  for (let at = 0; at < text.length;) {
    if (isLineStart && text.startsWith('.\r\n', at)) return { text: out, read: at + 3, faults }
    if (isLineStart && text[at] === '.') at++
    isLineStart = false
    const octet = text[at]
    if (octet === undefined) break
    if (octet === '\0') faults.nul++
    if (octet === '\r' && text[at + 1] === '\n') {
      put('\r')
      put('\n')
      endLine()
      isLineStart = true
      at += 2
      continue
    }
    if (octet === '\r' && at + 1 < text.length) faults.bareCr++
    if (octet === '\n') faults.bareLf++
    if (normalise && octet === '\n') put('\r')
    put(octet)
    if (normalise && octet === '\r' && at + 1 < text.length) put('\n')
    if (normalise && (octet === '\n' || (octet === '\r' && at + 1 < text.length))) endLine()
    at++
  }
  return { text: out, read: text.length, faults }
}

function read(octets: Uint8Array, cuts: readonly number[], normalise: boolean, maxLineLength: number): ReturnType<typeof plainly> {
  const reader = new DotData({ normalise, maxLineLength })
  const out: Uint8Array[] = []
  let at = 0
  for (const cut of [...cuts, octets.length]) {
    const to = Math.min(Math.max(cut, at), octets.length)
    const piece = octets.subarray(at, to)
    const slices: Uint8Array[] = []
    const used = reader.take(piece, 0, slices)
    out.push(...slices.map(slice => Uint8Array.from(slice)))
    if (reader.ended) return { text: Buffer.concat(out).toString('latin1'), read: at + used, faults: reader.faults }
    at = to
  }
  return { text: Buffer.concat(out).toString('latin1'), read: at, faults: reader.faults }
}

/** Text with everything that decides, and with runs that are longer than a step. */
const data = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('\r\n', '\r\n.', '\r', '\n', '.', '\0', '\t', '\r\n..', '\x0e', '\x8d\x8a') },
      { weight: 2, arbitrary: fc.nat(40).map(length => 'x'.repeat(length)) },
      { weight: 1, arbitrary: fc.constantFrom('.\r\n', '\r\n.\r\n') },
    ),
    { maxLength: 40 },
  )
  // A last CR or dot would wait for what follows it: whoever reads plainly does not wait.
  .map(parts => Buffer.from(`${parts.join('')}z`, 'latin1'))

for (const normalise of [false, true]) {
  test(`message data ${normalise ? 'made of CRLF' : 'as it came'} is what a plain reader reads, however it is cut (RFC 5321 §4.5.2)`, () => {
    fc.assert(
      fc.property(data, fc.array(fc.nat(300), { maxLength: 6 }), fc.constantFrom(3, 30, Number.MAX_SAFE_INTEGER), (octets, cuts, most) => {
        const sorted = [...cuts].sort((a, b) => a - b)
        assert.deepEqual(read(octets, sorted, normalise, most), plainly(octets, normalise, most))
      }),
      { numRuns: 5000 },
    )
  })
}

test('a chunk longer than the window is crossed as a whole, with a CRLF and a dot across its edges', () => {
  for (const edge of ['\r\n', '\r\n..', '\r\n.\r\n', '\rx', '\n', '\0']) {
    for (let shift = -5; shift <= 5; shift++) {
      const octets = Buffer.from(`${'x'.repeat(65_536 + shift)}${edge}${'y'.repeat(70_000)}z`, 'latin1')
      for (const normalise of [false, true]) {
        assert.deepEqual(read(octets, [], normalise, 1000), plainly(octets, normalise, 1000), `${JSON.stringify(edge)} ${shift}`)
      }
    }
  }
})
