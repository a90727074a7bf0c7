/** Groups are gathered where many deliver at once; who delivers one message after another waits for nobody. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folderOf, message, octetsOf, storeIn } from './sqlite-fixtures.ts'

test('one sender after another has a group for each message, many at once share groups', async t => {
  const store = storeIn(t, folderOf(t))
  const deliver = (name: string): Promise<unknown> => store.deliver([{ account: 'ann', message: message(octetsOf(name)) }])
  for (let n = 0; n < 50; n++) await deliver(`warm ${n}`)
  const before = store.counters.groups
  const start = performance.now()
  for (let n = 0; n < 100; n++) await deliver(`alone ${n}`)
  const alone = (performance.now() - start) / 100
  assert.equal(store.counters.groups - before, 100)
  const middle = store.counters.groups
  await Promise.all(
    Array.from({ length: 10 }, async (_, sender) => {
      for (let n = 0; n < 30; n++) await deliver(`sender ${sender}, message ${n}`)
    }),
  )
  const groups = store.counters.groups - middle
  t.diagnostic(`alone ${alone.toFixed(2)} ms a message; ten senders: ${(300 / groups).toFixed(1)} messages a group`)
  assert.ok(groups < 150, `${groups} groups for 300 messages of ten senders`)
})
