import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasEightBit } from '../../src/outbound/eight-bit.ts'

test('an octet beyond ASCII is found wherever it stands, in slices read at once or by promise (RFC 6152 §3)', async () => {
  for (const size of [0, 1, 262_143, 262_144, 262_145, 17_000_000]) {
    for (const place of [undefined, 0, size - 1]) {
      const octets = new Uint8Array(size).fill(0x7f)
      if (place !== undefined && place >= 0) octets[place] = 0x80
      const expected = size > 0 && place !== undefined
      const read = (start: number, end: number): Uint8Array => octets.subarray(start, end)
      assert.equal(await hasEightBit({ size, read }), expected, `${size} octets, one at ${place}`)
      assert.equal(await hasEightBit({ size, read: (start, end) => Promise.resolve(read(start, end)) }), expected)
    }
  }
})
