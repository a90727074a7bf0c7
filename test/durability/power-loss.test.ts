/** The power goes, and with it what no sync brought to the disk: what was acknowledged is there all the same (RFC 5321 §6.1; D5, D21). */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { explore, type Exploration, type Explored } from '../../bench/lib/power-loss/explore.ts'
import { MEMORY } from '../../bench/lib/power-loss/power-loss.ts'
import { PLAYS, record, SECOND_ACT } from '../../bench/lib/power-loss/recording.ts'
import type { Naming } from '../../bench/lib/power-loss/disk.ts'
import type { Moment } from '../../bench/lib/power-loss/trace.ts'
import { requireProgram } from '../support/programs.ts'

const SEED = 20_260_101

/** The recording as it would be had the store left out the syncs of these paths, from a moment on. */
function without(moments: readonly Moment[], path: RegExp, from: number = 0): readonly Moment[] {
  const left = new Set<number>()
  for (const moment of moments.slice(from)) {
    if (moment.kind === 'begin' && moment.change.kind === 'sync' && path.test(moment.change.path)) left.add(moment.id)
  }
  assert.ok(left.size > 0, `something syncs ${path.source}`)
  return moments.filter(moment => moment.kind === 'line' || !left.has(moment.id))
}

function examine(moments: readonly Moment[], naming: Naming, states: number, more: Partial<Exploration> = {}): Promise<Explored> {
  return explore({ moments, naming, seed: SEED, states, memory: MEMORY, wholeEvery: 40, sparse: true, ...more })
}

describe('a store whose power went', { skip: requireProgram('strace'), timeout: 120_000 }, () => {
  const recorded = new Map<string, readonly Moment[]>()

  before(() => {
    for (const [play, acts] of Object.entries(PLAYS)) recorded.set(play, record(acts))
  })

  for (const [play, naming, states] of [
    ['life', 'strict', 120],
    ['life', 'ordered', 60],
    ['kill', 'strict', 40],
  ] as const) {
    test(`has everything that was acknowledged in ${states} states (${play}, ${naming} names)`, async () => {
      const { states: examined, losses } = await examine(recorded.get(play) ?? [], naming, states)
      assert.deepEqual(losses, [])
      assert.equal(examined, states)
    })
  }

  for (const [what, path, naming] of [
    ['the segment files', /\.seg$/, 'ordered'],
    ['the folder of the segment files', /mail\/segments$/, 'strict'],
    ['the folder of the database', /data\/mail$/, 'strict'],
    ['the folders above', /^(?:data)?$/, 'strict'],
    ['the log of the database (synchronous = OFF)', /mail\.sqlite(?:-wal)?$/, 'ordered'],
    ['the database when the log is moved into it', /mail\.sqlite$/, 'ordered'],
    ['a backup', /backup\//, 'strict'],
  ] as const) {
    test(`is found to have lost something when ${what} would not be synced`, async () => {
      const moments = without(recorded.get('life') ?? [], path)
      // There is one backup, near the end.
      const from =
        what === 'a backup'
          ? moments.findIndex(moment => moment.kind === 'line' && 'effects' in moment.line && moment.line.effects.backup)
          : 0
      const { losses } = await examine(moments, naming, 400, { most: 1, from })
      assert.notDeepEqual(losses, [])
    })
  }

  test('is found to have lost what was seen after a kill when opening would not sync what the killed process wrote', async () => {
    const moments = recorded.get('kill') ?? []
    const from = moments.findLastIndex(moment => moment.kind === 'line' && moment.line.op < SECOND_ACT)
    const { losses } = await examine(without(moments, /mail\.sqlite(?:-wal)?$/, from), 'ordered', 400, { most: 1, from })
    assert.notDeepEqual(losses, [])
  })
})
