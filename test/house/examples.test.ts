import assert from 'node:assert/strict'
import { test } from 'node:test'
import { none } from './none.ts'
import { unrunExamples } from './rules/examples.ts'
import { house, treeOf } from './tree.ts'

test('every example is run by a test', () => none(unrunExamples(house)))

test('the example rule finds one that is never run', () => {
  const tree = treeOf({ 'examples/a.ts': '', 'examples/b.ts': '', 'test/examples/a.test.ts': `run('examples/a.ts')` })
  assert.equal(unrunExamples(tree).length, 1)
})
