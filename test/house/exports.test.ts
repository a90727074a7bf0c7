import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { none } from './none.ts'
import { manifest } from './manifest.ts'
import { doorFaults, referenceFaults } from './rules/exports.ts'
import { house, root, treeOf } from './tree.ts'

test('the exports of the package are the public files', () => none(doorFaults(house, manifest.exports)))

test('the reference covers every public door', () => {
  const { entryPoints } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')) as { entryPoints: readonly string[] }
  none(referenceFaults(entryPoints, manifest.exports))
  assert.equal(referenceFaults([...entryPoints.slice(1), 'src/bytes/index.ts'], manifest.exports).length, 2)
})

test('the export rule finds doors without rooms and rooms without doors', () => {
  const imap = { 'mailwright-source': './src/imap/index.ts', types: './dist/imap/index.d.ts', default: './dist/imap/index.js' }
  const tree = treeOf({
    'src/imap/index.ts': '',
    'src/imap/commands/index.ts': '',
    'src/bytes/index.ts': '',
    'src/stores/shared/rows.ts': '',
  })
  assert.deepEqual(doorFaults(tree, { './imap': imap, './package.json': './package.json' }), [])
  assert.equal(doorFaults(tree, {}).length, 1, 'a room without a door')
  assert.equal(doorFaults(tree, { './imap': imap, './pop3': imap }).length, 1, 'a door without a room')
  assert.equal(doorFaults(tree, { './imap': { ...imap, types: './dist/index.d.ts' } }).length, 1, 'a door to the wrong room')
  assert.equal(doorFaults(tree, { './imap': imap, './imap/*': './src/imap/*.ts' }).length, 1, 'a wildcard')
})
