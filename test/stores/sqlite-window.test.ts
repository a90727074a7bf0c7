/** What is read ahead of what was asked for is looked at again once something has been written there. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailAccount } from 'mailwright/contracts'
import { folderOf, message, octetsOf, storeIn } from './sqlite-fixtures.ts'

async function bodies(account: MailAccount): Promise<string[]> {
  const found: string[] = []
  const inbox = (await account.mailboxes())[0]
  assert.ok(inbox)
  for await (const page of account.mailbox(inbox.id).records([{ first: 1, last: 4_294_967_295 }] as never, ['source'])) {
    for (const { source } of page) if (source !== undefined) found.push(Buffer.from(await source.read(0, source.size)).toString('latin1'))
  }
  return found
}

test('messages are read right after they came, one behind another in a segment that is written ahead', async t => {
  const store = storeIn(t, folderOf(t))
  const account = await store.open('ann')
  const sent: string[] = []
  for (let round = 0; round < 120; round++) {
    const octets = octetsOf(`message ${round}`, 5000)
    sent.push(Buffer.from(octets).toString('latin1'))
    await store.deliver([{ account: 'ann', message: message(octets) }])
    // Reading in order makes the reader look ahead, beyond the last message.
    if (round % 3 === 0) assert.deepEqual(await bodies(account), sent, `after ${round + 1} messages`)
  }
})
