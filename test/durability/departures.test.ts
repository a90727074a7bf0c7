/** The whole server, killed again and again while people submit: what it acknowledged reaches the next server (RFC 5321 §4.5.4, §6.1; D16). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { departures } from '../../bench/lib/departures.ts'
import { verified } from '../../bench/lib/torture.ts'

const KILLS = 8

test(`${KILLS} kills under load, and every acknowledged message leaves (RFC 5321 §4.5.4)`, { timeout: 300_000 }, async t => {
  const result = await departures({ kills: KILLS, verify: verified })
  t.diagnostic(
    `${result.acknowledged} acknowledged, ${result.again} arrived again of ${result.inFlight} in flight, the slowest restart ${result.slowestRestart.toFixed(0)} ms`,
  )
  assert.ok(result.acknowledged > KILLS * 10, 'the load was worth the name')
  assert.deepEqual(
    { lost: result.lost, corrupt: result.corrupt, twice: result.twice, problems: result.problems },
    { lost: [], corrupt: [], twice: [], problems: [] },
  )
})
