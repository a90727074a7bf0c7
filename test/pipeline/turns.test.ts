/** A message that was made to keep us busy leaves the event loop to others (M2, G21). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from 'mailwright/net'
import { longestTurn } from '../support/processor-time.ts'
import { address, connectionOf, houseOf, spooled } from './house.ts'

/** As many parts as go into what the spool keeps in memory. */
const PARTS = `Subject: parts\nX-Mark: here\nContent-Type: multipart/mixed; boundary=b\n\n${'--b\n'.repeat(50_000)}`

for (const [name, edit] of Object.entries({ 'nobody surveyed it': false, 'its header is edited': true })) {
  test(`a message of 50,000 parts is looked through in turns: ${name}`, { timeout: 60_000 }, async t => {
    const house = houseOf({
      clock: systemClock,
      middleware: [
        {
          name: 'unmark',
          message(context, next) {
            if (edit) context.edits.remove('X-Mark')
            return next()
          },
        },
      ],
    })
    const { reception } = await house.host.receive(connectionOf(), { sender: address('zoe@far.example') })
    await reception.recipient(address('ann@example.org'))
    const content = spooled(PARTS)
    const { result, longest } = await longestTurn(() => reception.message(content))
    t.diagnostic(`${longest.toFixed(0)} ms in one turn at most`)
    assert.deepEqual(result.outcomes, [{ kind: 'accept' }])
    assert.ok(longest < 100, `${longest} ms in one turn`)
  })
}
