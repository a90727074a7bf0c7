import assert from 'node:assert/strict'
import { test } from 'node:test'
import { none } from './none.ts'
import { circles, climbing, scatteredDependencies } from './rules/stairs.ts'
import { manifest } from './manifest.ts'
import { house, treeOf } from './tree.ts'

test('imports in src go down the stairs only', () => none(climbing(house)))

test('no circle of imports, type-only ones included', () => none(circles(house)))

test('each dependency is imported in one room', () => {
  none(scatteredDependencies(house, Object.keys(manifest.dependencies)))
})

test('the stairs rule finds every way up', () => {
  const planted = (file: string, text: string): number => climbing(treeOf({ [file]: text })).length
  assert.equal(planted('src/imap/session.ts', `import { a } from '../pop3/session.ts'`), 1, 'a neighbour')
  assert.equal(planted('src/contracts/clock.ts', `import type { A } from '../bytes/index.ts'`), 1, 'a type from above')
  assert.equal(planted('src/bytes/framer.ts', `export type { A } from '../mime/index.ts'`), 1, 'a type passed on')
  assert.equal(planted('src/mime/index.ts', `export const a = (): Promise<unknown> => import('../net/index.ts')`), 1, 'a late import')
  assert.equal(planted('src/pop3/wire.ts', `export type A = import('node:net').Socket`), 1, 'a type of a socket in an engine')
  assert.equal(planted('src/stores/sqlite/index.ts', `import { connect } from 'node:net'`), 1, 'a socket outside net')
  assert.equal(planted('src/server/index.ts', `import '../testing/index.ts'`), 1, 'testing in the server')
  assert.equal(planted('src/cli/main.ts', `import { A } from 'mailwright/server'`), 1, 'the package by its own name')
  assert.equal(planted('src/cli/main.ts', `import { readFile } from 'fs/promises'`), 1, 'a module of Node without node:')
  assert.equal(planted('src/imap/session.ts', `import { a } from '../../test/support/a.ts'`), 1, 'outside src')
  assert.equal(planted('src/cellar/index.ts', 'export const a = 1'), 1, 'a room that is not on the stairs')
  assert.equal(planted('src/net/listener.ts', `import { createServer } from 'node:net'\nimport type { A } from '../contracts/index.ts'`), 0)
})

test('the circle rule finds a circle of types', () => {
  const tree = treeOf({
    'src/imap/a.ts': `import type { B } from './b.ts'`,
    'src/imap/b.ts': `export { c } from './c.ts'`,
    'src/imap/c.ts': `export type A = import('./a.ts').A`,
  })
  assert.deepEqual(circles(tree), ['src/imap/a.ts → src/imap/b.ts → src/imap/c.ts → src/imap/a.ts: move what both need into a third file.'])
})

test('the dependency rule finds a second room', () => {
  const tree = treeOf({ 'src/mime/a.ts': `import { a } from 'libmime'`, 'src/imap/b.ts': `import { b } from 'libmime/lib/charset.js'` })
  assert.equal(scatteredDependencies(tree, ['libmime']).length, 1)
})
