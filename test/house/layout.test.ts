import assert from 'node:assert/strict'
import { test } from 'node:test'
import { none } from './none.ts'
import { foreignTexts, longFiles, silencedTests, topLevelFaults } from './rules/layout.ts'
import { house, topLevel, treeOf } from './tree.ts'

test('the top level holds what it should and nothing else', () => none(topLevelFaults(topLevel())))

test('no TypeScript file has more than 400 lines', () => none(longFiles(house)))

test('no file names a registry or a path of one machine', () => none(foreignTexts(house)))

test('no test is silenced without a reason', () => none(silencedTests(house)))

test('the top-level rule finds what is too much and what is missing', () => {
  const names = topLevel()
  assert.equal(topLevelFaults([...names, 'notes.txt']).length, topLevelFaults(names).length + 1)
  assert.equal(topLevelFaults(names.filter(name => name !== 'package.json')).length, topLevelFaults(names).length + 1)
})

test('the size rule counts lines, not line ends', () => {
  assert.equal(longFiles(treeOf({ 'src/a.ts': 'a\n'.repeat(400) })).length, 0)
  assert.equal(longFiles(treeOf({ 'src/a.ts': `${'a\n'.repeat(400)}a` })).length, 1)
})

test('the rule on foreign texts finds hosts, addresses and paths', () => {
  const host = ['registry', 'npmjs', 'org'].join('.')
  const planted = (text: string): number => foreignTexts(treeOf({ 'docs/a.md': text })).length
  assert.equal(planted(['"resolved": "https', '//example.org/a.tgz"'].join(':')), 1)
  assert.equal(planted(`see ${host}`), 1)
  assert.equal(planted(`cd ${['', 'home', 'ann', 'mail'].join('/')}`), 1)
  assert.equal(planted('cd ./data and /etc/ssl/certs/'), 0)
})

test('the rule on silenced tests finds only and skip', () => {
  const planted = (text: string): number => silencedTests(treeOf({ 'test/a.test.ts': text })).length
  assert.equal(planted([`test`, `only('a', run)`].join('.')), 1)
  assert.equal(planted([`test('a', { skip`, `true }, run)`].join(': ')), 1)
  assert.equal(planted(`test('a', { skip: requireProgram('swaks') }, run)`), 0)
})
