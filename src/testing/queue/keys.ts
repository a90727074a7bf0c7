/** The same message twice under one idempotency key is one message. */

import { DAY, delivered, idsOf, letter, promised, type QueueCase, same, take } from './world.ts'

export const keyCases: readonly QueueCase[] = [
  {
    name: 'Queueing again under the same key and account answers the first id and queues nothing',
    async run(world) {
      const first = await world.queue.enqueue(letter('bob@example.net', { account: 'ann', idempotencyKey: 'k1' }))
      const again = await world.queue.enqueue(letter('eve@example.net', { account: 'ann', idempotencyKey: 'k1' }))
      same('the first is new', first.repeated, false)
      same('the second is the first', again, { id: first.id, repeated: true })
      same('one message is there', await idsOf(world), [first.id])
      const other = await world.queue.enqueue(letter('bob@example.net', { account: 'ann', idempotencyKey: 'k2' }))
      same('another key is another message', [other.repeated, other.id === first.id], [false, false])
    },
  },
  {
    name: 'Keys belong to their account: another account’s, and nobody’s, are other messages',
    async run(world) {
      const ids = new Set<string>()
      for (const account of ['ann', 'bob', undefined]) {
        const { id, repeated } = await world.queue.enqueue(
          letter('cid@example.net', { ...(account === undefined ? {} : { account }), idempotencyKey: 'k' }),
        )
        same(`it is new to ${account ?? 'nobody'}`, repeated, false)
        ids.add(id)
      }
      same('three messages', ids.size, 3)
      same('nobody’s again', (await world.queue.enqueue(letter('cid@example.net', { idempotencyKey: 'k' }))).repeated, true)
    },
  },
  {
    name: 'Of many that come at once under one key, one is queued',
    async run(world) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => world.queue.enqueue(letter('bob@example.net', { account: 'ann', idempotencyKey: 'k' }))),
      )
      same('all are answered the same id', new Set(answers.map(({ id }) => id)).size, 1)
      same('one was queued', answers.filter(({ repeated }) => !repeated).length, 1)
      same('one is there', (await idsOf(world)).length, 1)
    },
  },
  {
    name: 'A key is remembered after its message left, as long as the queue remembers it and no longer',
    async run(world) {
      const short = await world.another({ rememberMs: 2 * DAY })
      const message = letter('bob@example.net', { account: 'ann', idempotencyKey: 'k' })
      const { id } = await short.queue.enqueue(message)
      await short.queue.settle((await take(short)).map(lease => delivered(short, lease)))
      short.clock.advance(2 * DAY - 1)
      same('it is known', await short.queue.enqueue(message), { id, repeated: true })
      short.clock.advance(1)
      const again = await short.queue.enqueue(message)
      promised('it is forgotten, and queued anew', !again.repeated && again.id !== id, () => JSON.stringify(again))
      same('and known again', await short.queue.enqueue(message), { id: again.id, repeated: true })
    },
  },
]
