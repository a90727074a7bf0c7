import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireText } from 'mailwright/outbound'
import { seededRandom } from 'mailwright/testing'
import { processorTimeOf } from '../support/processor-time.ts'

const PIECES = [
  '\r',
  '\n',
  '\r\n',
  '.',
  '..',
  '\r\n.\r\n',
  '\n.\n',
  '\r.\r',
  '\r\n.\n',
  'MAIL FROM:<x@y>',
  'a',
  'Zeile ',
  '\0',
  '\u00fc',
] as const

/** Cuts octets at random places, so that pairs are torn apart. */
function cut(octets: Uint8Array, random: ReturnType<typeof seededRandom>): Uint8Array[] {
  const slices: Uint8Array[] = []
  for (let at = 0; at < octets.length;) {
    const length = 1 + random.below(7)
    slices.push(octets.subarray(at, at + length))
    at += length
  }
  return slices
}

/** The strictest server: CRLF alone ends a line, a bare CR or LF anywhere is a crime. Answers the one message, and what came after it. */
function strictly(wire: string): { readonly message: string; readonly rest: string } {
  assert.ok(!/\r(?!\n)/.test(wire), 'a bare CR on the wire')
  assert.ok(!/(?<!\r)\n/.test(wire), 'a bare LF on the wire')
  const lines: string[] = []
  let at = 0
  for (;;) {
    const end = wire.indexOf('\r\n', at)
    assert.ok(end >= 0, 'the data has no end')
    const line = wire.slice(at, end)
    at = end + 2
    if (line === '.') return { message: lines.map(text => `${text}\r\n`).join(''), rest: wire.slice(at) }
    lines.push(line.startsWith('.') ? line.slice(1) : line)
  }
}

function wireOf(slices: readonly Uint8Array[], dots: boolean): string {
  const text = new WireText({ dots })
  const out = slices.map(slice => text.push(slice))
  out.push(text.end())
  return Buffer.concat(out).toString('latin1')
}

test('S2: 10,000 random messages leave as one message each, without a bare CR or LF (RFC 5321 §2.3.8, §4.5.2)', () => {
  const random = seededRandom(2)
  for (let round = 0; round < 10_000; round++) {
    const text = Array.from({ length: random.below(20) }, () => random.pick(PIECES)).join('')
    const octets = new TextEncoder().encode(text)
    const latin = Buffer.from(octets).toString('latin1')
    const lines = latin.replace(/\r\n|\r|\n/g, '\r\n')
    const expected = lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`
    const slices = cut(octets, random)
    const { message, rest } = strictly(wireOf(slices, true))
    assert.equal(rest, '', `an early end in ${JSON.stringify(text)}`)
    assert.equal(message, expected)
    assert.equal(wireOf(slices, false), expected, 'BDAT')
    assert.equal(wireOf([octets], true), wireOf(slices, true), 'cut otherwise')
  }
})

test('a megabyte of the worst takes time in its length (RFC 5321 §4.5.2)', () => {
  for (const unit of ['\r', '\n', '.', '\n.', '\r\n.', '\r\n.\r\n']) {
    const octets = new TextEncoder().encode(unit.repeat(1_000_000 / unit.length))
    const took = processorTimeOf(() => void wireOf([octets], true))
    assert.ok(took < 2000, `${JSON.stringify(unit)}: ${took} ms`)
  }
})
