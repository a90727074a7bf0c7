/** Two thousand clients that hold on to connections as slowly as they may, and fifty that only want to send (S26, G24; RFC 5321 §4.5.3.2). */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { flood } from '../../bench/lib/flood.ts'
import { serverOn, user } from '../durability/child.ts'
import { crowding } from '../support/crowding.ts'

const ATTACKERS = 2000
const HONEST = 50

// Ten thousand of them: `npm run bench -- flood`.
test(
  `${ATTACKERS} slow clients do not keep ${HONEST} honest senders from sending (RFC 5321 §4.5.3.2; S26)`,
  { timeout: 120_000 },
  async t => {
    const data = mkdtempSync(join(tmpdir(), 'mailwright-flood-'))
    const server = await serverOn(data)
    try {
      const { times, refused, at, held, thrownOut, turnedAway } = await flood({
        ports: server.ports,
        user,
        attackers: ATTACKERS,
        honest: HONEST,
        messages: 8,
      })
      t.diagnostic(
        `${ATTACKERS} slow clients (${held} held on, thrown out ${thrownOut} times, turned away ${turnedAway} times), ` +
          `${HONEST} senders, ${times.length + refused.length} messages: ` +
          `median ${at(0.5).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, longest ${at(1).toFixed(0)} ms, refused ${refused.length}`,
      )
      assert.deepEqual(
        refused.filter(reply => !/^4\d\d /.test(reply)),
        [],
      )
      assert.ok(times.length >= HONEST * 8 * 0.99)
      assert.ok(at(0.99) < 2000 * crowding(), `p99 was ${at(0.99)} ms`)
      // Five hundred come from one network, which may open a hundred; the others are let in.
      assert.ok(held > 1200 && held <= 1600, `${held} held on`)
      assert.ok(turnedAway >= 400)
    } finally {
      await server.stop('SIGKILL')
      rmSync(data, { recursive: true, force: true })
    }
  },
)
