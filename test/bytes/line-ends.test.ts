/** Lines counted four octets at a time are those counted one at a time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import { LineCounter } from '../../src/bytes/line-ends.ts'

/** Octets that are often CR, LF or their neighbours, at any distance from a boundary of four. */
const octets = fc
  .tuple(
    fc.nat(7),
    fc.array(fc.oneof(fc.constantFrom(0x0d, 0x0a, 0x0e, 0x09, 0x0b, 0x8a, 0x8d, 0x00, 0xff), fc.constant(0x58), fc.nat(255)), {
      maxLength: 60,
    }),
  )
  .map(([offset, list]) => {
    const whole = new Uint8Array(offset + list.length + 3).fill(0x0a)
    whole.set(list, offset)
    return whole.subarray(offset, offset + list.length)
  })

test('line feeds and the longest line are counted, however the octets are cut (RFC 5322 §2.1)', () => {
  fc.assert(
    fc.property(fc.array(octets, { maxLength: 5 }), pieces => {
      const counter = new LineCounter()
      for (const piece of pieces) counter.push(piece)
      const text = pieces.map(piece => Buffer.from(piece).toString('latin1')).join('')
      const lines = text.split('\n')
      assert.equal(counter.feeds, lines.length - 1)
      const lengths = lines.map((line, at) => line.length + (at < lines.length - 1 ? 1 : 0))
      assert.equal(counter.longest, Math.max(...lengths))
    }),
    { numRuns: 2000 },
  )
})
