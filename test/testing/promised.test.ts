/** How the kits compare: data is the same wherever its prototypes come from, as under Jest, and nothing else is. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { differenceOf } from '../../src/testing/promised.ts'

test('what another context made is the same data', () => {
  const mine = { uids: [1, 2, 3], flags: new Set(['a']), octets: Uint8Array.of(1, 2), none: undefined }
  const theirs: unknown = runInNewContext(`({ uids: [1, 2, 3], flags: new Set(['a']), octets: Uint8Array.of(1, 2), none: undefined })`)
  assert.throws(() => assert.deepEqual(theirs, mine), 'they have other prototypes')
  assert.equal(differenceOf(theirs, mine), undefined)
})

test('a difference is a difference, in any context', () => {
  for (const [text, mine] of [
    ['[1, 2]', [1, 3]],
    ["({ a: '1' })", { a: 1 }],
    ['({})', { a: undefined }],
    ['[]', {}],
    ['Uint8Array.of(1)', Uint16Array.of(1)],
    ['[() => 1]', [() => 1]],
  ] as const)
    assert.notEqual(differenceOf(runInNewContext(text), mine), undefined, text)
})
