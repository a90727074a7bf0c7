import assert from 'node:assert/strict'
import { test } from 'node:test'
import { none } from './none.ts'
import { impurities } from './rules/purity.ts'
import { house, treeOf } from './tree.ts'

test('pure rooms read no clock, throw no dice and set no timer', () => none(impurities(house)))

test('the purity rule finds each way out', () => {
  const planted = (text: string, file = 'src/imap/session.ts'): number => impurities(treeOf({ [file]: text })).length
  for (const text of [
    'export const now = (): number => Date.now()',
    'export const now = (): Date => new Date()',
    'export const die = (): number => Math.random()',
    'setTimeout(() => {}, 1)',
    'export const late = (): AbortSignal => AbortSignal.timeout(5)',
    'export const id = (): string => crypto.randomUUID()',
    'export const port = process.env',
    'export const then = performance.now()',
  ]) {
    assert.equal(planted(text), 1, text)
  }
  assert.equal(planted('export const parsed = new Date(0)'), 0, 'a date made from a number')
  assert.equal(planted('// Date.now() is not ours'), 0, 'a comment')
  assert.equal(planted(`export const name = 'Date.now()'`), 0, 'a string')
  assert.equal(planted('export const at = (process: { now(): number }): number => process.now()'), 0, 'a parameter of that name')
  assert.equal(planted('setTimeout(() => {}, 1)', 'src/net/listener.ts'), 0, 'a room with a clock')
})
