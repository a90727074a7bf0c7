/** The conformance kit of tables of counters: every promise of `contracts/state.ts` as a case that any test runner can host. */

import type { StateRow, StateTable } from '../../contracts/index.ts'
import { fakeClock } from '../fake-clock.ts'
import type { FakeClock } from '../fake-clock.ts'
import { asBrokenPromise, type ConformanceCase, refuses, same } from '../promised.ts'

/** How the kit gets tables to try. */
export interface StateTableFactory {
  /** A fresh, empty table that goes by this clock and holds so many rows of a space. */
  make(options: { readonly clock: FakeClock; readonly rowsPerSpace: number }): Promise<StateTable>
  /** Throws a closed table away with all it left behind. Default: nothing is done. */
  dispose?(table: StateTable): Promise<void>
}

interface StateCase {
  readonly name: string
  readonly rowsPerSpace?: number
  readonly run: (table: StateTable, clock: FakeClock) => Promise<void>
}

function counters(row: StateRow | undefined): readonly [number, number] | undefined {
  return row === undefined ? undefined : [row.first, row.second]
}

async function all(table: StateTable, space: string): Promise<readonly StateRow[]> {
  const rows: StateRow[] = []
  for await (const page of table.entries(space)) rows.push(...page)
  return rows
}

const cases: readonly StateCase[] = [
  {
    name: 'A table of counters adds, makes what is not there, and tells the rows in the order of the changes',
    async run(table, clock) {
      const made = clock.now()
      same('a new row', await table.add('a', [{ key: 'x', first: 2 }]), [
        { key: 'x', first: 2, second: 0, createdAt: made, changedAt: made },
      ])
      clock.advance(1000)
      const rows = await table.add('a', [
        { key: 'y', second: 1, expiresAt: made + 5000 },
        { key: 'x', first: 1, second: 4 },
        { key: 'y', second: 1 },
      ])
      same('old and new, the same twice', rows, [
        { key: 'y', first: 0, second: 1, createdAt: made + 1000, changedAt: made + 1000, expiresAt: made + 5000 },
        { key: 'x', first: 3, second: 4, createdAt: made, changedAt: made + 1000 },
        { key: 'y', first: 0, second: 2, createdAt: made + 1000, changedAt: made + 1000, expiresAt: made + 5000 },
      ])
      same('read again', [...(await table.read('a', ['x', 'nothing', 'y'])).values()], [rows[1], rows[2]])
      same('another space is another world', (await table.read('b', ['x'])).size, 0)
    },
  },
  {
    name: 'A counter stops at 0 and at 2^53 - 1',
    async run(table) {
      const [low] = await table.add('a', [{ key: 'x', first: 3, second: -3 }])
      same('a new one', counters(low), [3, 0])
      const [lower] = await table.add('a', [{ key: 'x', first: -9, second: Number.MAX_SAFE_INTEGER }])
      same('an old one', counters(lower), [0, Number.MAX_SAFE_INTEGER])
      const [high] = await table.add('a', [{ key: 'x', second: 1 }])
      same('no further', counters(high), [0, Number.MAX_SAFE_INTEGER])
    },
  },
  {
    name: 'Increments that overlap are all counted, and exactly one is the first',
    async run(table) {
      const rows = await Promise.all(Array.from({ length: 50 }, () => table.add('a', [{ key: 'x', first: 1 }])))
      same(
        'each another count',
        rows.map(([row]) => row?.first).sort((a, b) => (a ?? 0) - (b ?? 0)),
        Array.from({ length: 50 }, (_, n) => n + 1),
      )
    },
  },
  {
    name: 'A row past its end is not there, and begins anew when it comes back',
    async run(table, clock) {
      const end = clock.now() + 1000
      await table.add('a', [{ key: 'x', first: 7, expiresAt: end }])
      clock.advance(999)
      same('still there', counters((await table.read('a', ['x'])).get('x')), [7, 0])
      clock.advance(1)
      same('gone for read', (await table.read('a', ['x'])).size, 0)
      same('gone for entries', await all(table, 'a'), [])
      const [row] = await table.add('a', [{ key: 'x', first: 1 }])
      same('a new row without an end', row, { key: 'x', first: 1, second: 0, createdAt: end, changedAt: end })
    },
  },
  {
    name: 'A sweep removes what is past its end and says how much',
    async run(table, clock) {
      await table.add('a', [
        { key: 'x', first: 1, expiresAt: clock.now() + 10 },
        { key: 'y', first: 1 },
      ])
      clock.advance(10)
      same('one', await table.sweep(), 1)
      same('none left to remove', await table.sweep(), 0)
      same(
        'the other stays',
        (await all(table, 'a')).map(({ key }) => key),
        ['y'],
      )
    },
  },
  {
    name: 'Put gives a row its counters and its end, and keeps when it was made',
    async run(table, clock) {
      const made = clock.now()
      await table.add('a', [{ key: 'x', first: 5, expiresAt: made + 60_000 }])
      clock.advance(10)
      await table.put('a', [
        { key: 'x', first: 1, second: 2 },
        { key: 'y', first: 0, second: 0, expiresAt: made + 20 },
      ])
      same(
        'both',
        [...(await table.read('a', ['x', 'y'])).values()],
        [
          { key: 'x', first: 1, second: 2, createdAt: made, changedAt: made + 10 },
          { key: 'y', first: 0, second: 0, createdAt: made + 10, changedAt: made + 10, expiresAt: made + 20 },
        ],
      )
    },
  },
  {
    name: 'Rows are dropped by key, or a space as a whole',
    async run(table) {
      for (const space of ['a', 'b'])
        await table.add(space, [
          { key: 'x', first: 1 },
          { key: 'y', first: 1 },
        ])
      await table.drop('a', ['x', 'nothing'])
      same(
        'one key',
        (await all(table, 'a')).map(({ key }) => key),
        ['y'],
      )
      await table.drop('a')
      same('all of it', await all(table, 'a'), [])
      same('the neighbour stays', (await all(table, 'b')).length, 2)
      await table.drop('never-there')
    },
  },
  {
    name: 'Entries come in order of keys, in pages, all of them once',
    async run(table) {
      const keys = Array.from({ length: 2500 }, (_, n) => `k${(n * 7919) % 2500}`)
      await table.add(
        'a',
        keys.map(key => ({ key, first: 1 })),
      )
      const seen = (await all(table, 'a')).map(({ key }) => key)
      same('sorted', seen, [...keys].sort())
      await table.add('order', [{ key: '\u{1f600}' }, { key: '\uffee' }, { key: 'Z' }, { key: 'a' }])
      same(
        'by code point',
        (await all(table, 'order')).map(({ key }) => key),
        ['Z', 'a', '\uffee', '\u{1f600}'],
      )
    },
  },
  {
    name: 'A space keeps to its bound: the rows changed longest ago go first, and other spaces lose nothing',
    rowsPerSpace: 10,
    async run(table, clock) {
      await table.add('b', [{ key: 'mine', first: 1 }])
      for (let n = 0; n < 10; n++) {
        clock.advance(1)
        await table.add('a', [{ key: `k${n}`, first: 1 }])
      }
      clock.advance(1)
      await table.add('a', [{ key: 'k0', first: 1 }])
      for (let n = 10; n < 15; n++) {
        clock.advance(1)
        await table.add('a', [{ key: `k${n}`, first: 1 }])
      }
      await table.sweep()
      const left = (await all(table, 'a')).map(({ key }) => key)
      same('what was touched last', left.sort(), ['k0', 'k6', 'k7', 'k8', 'k9', 'k10', 'k11', 'k12', 'k13', 'k14'].sort())
      same('the neighbour', (await all(table, 'b')).length, 1)
    },
  },
  {
    name: 'Hostile names are data, and what cannot be one is invalid',
    async run(table) {
      const keys = ["'; DROP TABLE counter; --", '__proto__', 'constructor', '%', '*', '\n', 'ä', ' ', 'x'.repeat(500)]
      for (const key of keys) await table.add(key.slice(0, 300), [{ key, first: 1 }])
      for (const key of keys) same(JSON.stringify(key), counters((await table.read(key.slice(0, 300), [key])).get(key)), [1, 0])
      for (const bad of ['', 'a\0b', '\ud800', 'x'.repeat(501)]) {
        await refuses(`the key ${JSON.stringify(bad).slice(0, 20)}`, table.add('a', [{ key: bad, first: 1 }]), 'invalid')
        await refuses(`the space ${JSON.stringify(bad).slice(0, 20)}`, table.read(bad, ['x']), 'invalid')
      }
      await refuses('a fraction', table.add('a', [{ key: 'x', first: 0.5 }]), 'invalid')
      await refuses('a counter below 0', table.put('a', [{ key: 'x', first: -1, second: 0 }]), 'invalid')
      await refuses(
        'too many keys',
        table.read(
          'a',
          Array.from({ length: 10_001 }, (_, n) => `k${n}`),
        ),
        'invalid',
      )
      same('nothing of it was done', await all(table, 'a'), [])
    },
  },
  {
    name: 'After close every call is unavailable',
    async run(table) {
      const last = table.add('a', [{ key: 'x', first: 1 }])
      await table.close()
      same('what ran was ended', counters((await last)[0]), [1, 0])
      await refuses('read', table.read('a', ['x']), 'unavailable')
      await refuses('add', table.add('a', [{ key: 'x' }]), 'unavailable')
      await refuses('sweep', table.sweep(), 'unavailable')
      await table.close()
    },
  },
]

/**
 * The cases. Each has a fresh table; they may run in any order.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { memoryState } from 'mailwright/stores/memory'
 * import { stateTableSuite } from 'mailwright/testing'
 *
 * for (const { name, run } of stateTableSuite({ make: async options => memoryState(options) })) test(name, run)
 * ```
 */
export function stateTableSuite(factory: StateTableFactory): readonly ConformanceCase[] {
  return cases.map(({ name, rowsPerSpace = 100_000, run }) => ({
    name,
    run: async () => {
      const clock = fakeClock()
      const table = await factory.make({ clock, rowsPerSpace })
      try {
        await run(table, clock)
      } catch (error) {
        throw asBrokenPromise(name, error)
      } finally {
        await table.close()
        await factory.dispose?.(table)
      }
    },
  }))
}
