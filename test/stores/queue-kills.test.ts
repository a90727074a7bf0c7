/** Processes that share a queue, killed at every step and at random: nothing acknowledged is lost, nothing is said twice (RFC 5321 §6.1; D16). */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { queueTorture } from '../../bench/lib/queue-torture.ts'
import { FAILPOINTS } from '../../src/stores/sqlite/failpoints.ts'
import { folderOf } from './sqlite-fixtures.ts'

const KILLS = 12

test(
  `deaths at each step and ${KILLS} kills at random lose nothing that a queue acknowledged (RFC 5321 §6.1)`,
  { timeout: 240_000 },
  async t => {
    // Some passes first, so that there is something to lose.
    const failpoints = FAILPOINTS.map(point => `${point}:${point.startsWith('compact') || point === 'after-segment-create' ? 1 : 40}`)
    const result = await queueTorture({ kills: KILLS, failpoints })
    const { lost, twice, wrong, problems } = result
    t.diagnostic(
      `${failpoints.length} deaths and ${KILLS} kills: ${result.queued} messages and ${result.settled} outcomes acknowledged, ${lost.length} lost, ${twice.length} twice; ${result.again} handed over again of ${result.inFlight} in flight; slowest start to first lease ${result.slowestStart} ms`,
    )
    assert.deepEqual({ lost, twice, wrong, problems }, { lost: [], twice: [], wrong: [], problems: [] })
    assert.ok(result.again <= result.inFlight, 'again at most what was in flight')
    assert.ok(result.queued > 500, 'the load was worth the name')
  },
)

test('a process that nobody killed and that ends is told of, not waited for', { timeout: 30_000 }, async t => {
  const program = join(folderOf(t), 'ends.ts')
  writeFileSync(program, "process.stdout.write('ready\\n')\nprocess.exitCode = 3\n")
  await assert.rejects(queueTorture({ kills: 4, program }), /a process ended by itself with 3/)
})
