/** Cases about limits: exact, checked in the same step, kept by additions only. RFC 9208 §5. */

import { ALL_UIDS } from '../../contracts/index.ts'
import { inboxOf, kindOf, letterOf, look, open, promised, read, refuses, runs, same, type StoreCase, type World } from './world.ts'

/** The sum over all mailboxes, message by message. */
async function held(world: World): Promise<readonly [octets: number, messages: number]> {
  const account = await open(world)
  let octets = 0
  let messages = 0
  for (const { id } of await account.mailboxes()) {
    for (const { size } of await read(account.mailbox(id))) {
      octets += size
      messages += 1
    }
  }
  return [octets, messages]
}

/** Cases about limits. */
export const quotaCases: readonly StoreCase[] = [
  {
    name: 'I34: an addition that would pass the limit of octets or of messages is refused as a whole, one that reaches it is not (RFC 9208 §5.1, §5.2)',
    async run(world) {
      const account = await world.store.open('ann', { quota: { octets: 100, messages: 3 } })
      const inbox = await inboxOf(account)
      await inbox.append([letterOf(60)])
      await refuses('41 more octets', inbox.append([letterOf(41)]), 'over-quota')
      await refuses('two that are too much together', inbox.append([letterOf(20), letterOf(21)]), 'over-quota')
      await refuses('a copy that is too much', inbox.copy(ALL_UIDS, inbox.id), 'over-quota')
      same('nothing came of it', (await look(inbox)).length, 1)
      await inbox.append([letterOf(40)])
      await refuses('one octet more', inbox.append([letterOf(1)]), 'over-quota')
      await inbox.append([letterOf(0)])
      await refuses('one message more', inbox.append([letterOf(0)]), 'over-quota')
      same('three messages, a hundred octets', await held(world), [100, 3])
      await inbox.expunge(runs(1, 1))
      await inbox.append([letterOf(60)])
      same('what was expunged makes room', await held(world), [100, 3])
    },
  },
  {
    name: 'I34: whoever is over the limit can still read, flag, move, expunge and add nothing; only additions are refused (RFC 9208 §3)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letterOf(100), letterOf(100)])
      const tight = await world.store.open('ann', { quota: { octets: 50, messages: 1 } })
      const box = tight.mailbox((await tight.create('box')).id)
      const over = await inboxOf(tight)
      await refuses('an addition', over.append([letterOf(1)]), 'over-quota')
      await refuses('even an empty message', over.append([letterOf(0)]), 'over-quota')
      await over.append([])
      same('flags change', (await over.flag(ALL_UIDS, { kind: 'add', flags: ['x'] })).changed.length, 1)
      same('messages move', (await over.move?.(runs(1, 1), box.id))?.from ?? [1], [1])
      same('copies of nothing are made', (await over.copy(runs(8, 9), box.id)).to, [])
      await over.expunge(ALL_UIDS)
      await box.expunge(ALL_UIDS)
      await over.append([letterOf(50)])
      same('and there is room again', await held(world), [50, 1])
    },
  },
  {
    name: 'A handle without limits keeps none, and a limit concerns its own account only',
    async run(world) {
      await world.store.open('ann', { quota: { octets: 10 } })
      const inbox = await inboxOf(await open(world))
      await inbox.append([letterOf(100)])
      const bob = await inboxOf(await world.store.open('bob', { quota: { octets: 10 } }))
      await bob.append([letterOf(10)])
      await refuses('bob is full', bob.append([letterOf(1)]), 'over-quota')
      await inbox.append([letterOf(100)])
      same('ann is not', (await look(inbox)).length, 2)
    },
  },
  {
    name: 'I34: however many add at once, the limit is never passed and is reached',
    async run(world) {
      const tight = async (): ReturnType<typeof open> => world.store.open('ann', { quota: { octets: 1000 } })
      const inbox = await inboxOf(await tight())
      const box = await (await tight()).create('box')
      await inbox.append([letterOf(100)])
      const results = await Promise.allSettled(
        Array.from({ length: 24 }, async (_, n) => {
          const account = await tight()
          const mailbox = account.mailbox(n % 2 === 0 ? inbox.id : box.id)
          return n % 3 === 0 ? account.mailbox(inbox.id).copy(runs(1, 1), box.id) : mailbox.append([letterOf(100)])
        }),
      )
      const refused = results.filter(({ status }) => status === 'rejected')
      for (const result of results) if (result.status === 'rejected') same('refused for the limit', kindOf(result.reason), 'over-quota')
      same('exactly the limit is used', await held(world), [1000, 10])
      same('nine fitted', results.length - refused.length, 9)
    },
  },
  {
    name: 'I34: usage is the sum of all sizes and the number of all messages, after every kind of change and never negative',
    needs: ['usage'],
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const check = async (when: string): Promise<void> => {
        const usage = await account.usage?.()
        same(`usage ${when}`, [usage?.octets, usage?.messages], await held(world))
        promised('never negative', (usage?.octets ?? 0) >= 0 && (usage?.messages ?? 0) >= 0, () => JSON.stringify(usage))
      }
      await check('at first')
      await inbox.append([letterOf(10), letterOf(20), { ...letterOf(30), prefix: new Uint8Array(5) }])
      await check('after append')
      const made = await account.create('box')
      const box = account.mailbox(made.id)
      await inbox.copy(ALL_UIDS, box.id)
      await check('after copy')
      await box.move?.(runs(1, 2), inbox.id)
      await check('after move')
      await inbox.move?.(runs(1, 1), inbox.id)
      await check('after move within one mailbox')
      await inbox.expunge(runs(2, 3))
      await check('after expunge')
      await inbox.expunge(runs(2, 3))
      await check('after expunge of nothing')
      await account.rename(made.id, 'chest')
      await check('after rename')
      await account.remove(made.id)
      await check('after the mailbox was removed')
      await inbox.expunge(ALL_UIDS)
      same('nothing is left', await account.usage?.(), { octets: 0, messages: 0 })
    },
  },
]
