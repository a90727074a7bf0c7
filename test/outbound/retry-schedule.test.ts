import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_RETRIES, retryDelay } from 'mailwright/outbound'

const always = (octet: number): { bytes(length: number): Uint8Array } => ({ bytes: length => new Uint8Array(length).fill(octet) })

test('the first tries are quick, later ones are hours apart, and none comes in step with others (RFC 5321 §4.5.4.1)', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 100].map(failures => Math.round(retryDelay(failures, always(0x80)) / 60_000)),
    [5, 15, 30, 60, 120, 240, 240, 240],
  )
  assert.equal(retryDelay(1, always(0)), (DEFAULT_RETRIES[0] ?? 0) * 0.9)
  assert.equal(retryDelay(1, always(255)), (DEFAULT_RETRIES[0] ?? 0) * 1.1)
})
