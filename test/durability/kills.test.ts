/** The whole server, killed again and again under load: what it acknowledged is there (RFC 5321 §6.1; G1, G3). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { torture, verified } from '../../bench/lib/torture.ts'
import { crowding } from '../support/crowding.ts'

const KILLS = 30

test(`${KILLS} kills under load lose nothing that was acknowledged (RFC 5321 §6.1)`, { timeout: 240_000 }, async t => {
  const result = await torture({ kills: KILLS, verify: verified })
  t.diagnostic(
    `${result.acknowledged} acknowledged, restart ${result.medianRestart.toFixed(0)} ms, the slowest ${result.slowestRestart.toFixed(0)} ms`,
  )
  assert.ok(result.acknowledged > KILLS * 10, 'the load was worth the name')
  assert.ok(result.medianRestart < 2000 * crowding(), `a restart took ${result.medianRestart} ms`)
  assert.deepEqual(
    { lost: result.lost, corrupt: result.corrupt, duplicate: result.duplicate, problems: result.problems },
    { lost: [], corrupt: [], duplicate: [], problems: [] },
  )
})
