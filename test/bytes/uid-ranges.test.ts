import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import { intersectRanges, normaliseRanges, rangesHave, rangesOf, spanOf, subtractRanges, uniteRanges } from '../../src/bytes/uid-ranges.ts'
import type { Uid, UidRange } from '../../src/contracts/index.ts'

const small = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
const expand = (ranges: readonly UidRange[]): number[] =>
  ranges.flatMap(range => Array.from({ length: range.last - range.first + 1 }, (_, i) => range.first + i))
const set = (uids: readonly number[]): number[] => [...new Set(uids)].sort((a, b) => a - b)

test('runs agree with plain sets in union, intersection and difference (RFC 9051 §9, sequence-set)', () => {
  fc.assert(
    fc.property(small, small, (a, b) => {
      const [x, y] = [rangesOf(a), rangesOf(b)]
      assert.deepEqual(expand(x), set(a))
      assert.deepEqual(expand(uniteRanges(x, y)), set([...a, ...b]))
      assert.deepEqual(expand(intersectRanges(x, y)), set(a.filter(uid => b.includes(uid))))
      assert.deepEqual(expand(subtractRanges(x, y)), set(a.filter(uid => !b.includes(uid))))
      assert.equal(spanOf(x), set(a).length)
      for (let uid = 1; uid <= 60; uid++) assert.equal(rangesHave(x, uid), a.includes(uid))
    }),
  )
})

test('reversed, touching and overlapping runs become one ascending list', () => {
  const run = (first: number, last: number): UidRange => ({ first: first as Uid, last: last as Uid })
  assert.deepEqual(normaliseRanges([run(5, 9), run(1, 4), run(8, 12), run(20, 19)]), [run(1, 12)])
})
