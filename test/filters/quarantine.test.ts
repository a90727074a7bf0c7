/** A mailbox for what filters put aside, and the ways out of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, quarantine, reject } from 'mailwright/contracts'
import type { MailStore, Middleware } from 'mailwright/contracts'
import type { QuarantinedMessage } from 'mailwright/filters/quarantine'
import { junkTeacher } from 'mailwright/filters/junk-teacher'
import { quarantined, quarantineMailbox, releaseMessage } from 'mailwright/filters/quarantine'
import { memoryStore } from 'mailwright/stores/memory'
import { address, connectionOf, houseOf, mailOf, spooled } from '../pipeline/house.ts'
import type { TestHouse } from '../pipeline/house.ts'

const LETTER = 'From: <bob@example.com>\nReceived: from x by y with SMTP id forged1; Fri, 2 Jan 2026 03:00:00 +0000\nSubject: hi\n\nhi\n'

async function sent(house: TestHouse): Promise<string> {
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  await reception.recipient(address('ann@example.org'))
  const { outcomes, id } = await reception.message(spooled(LETTER))
  return outcomes[0]?.kind === 'accept' ? id : (outcomes[0]?.kind ?? '')
}

async function counts(store: MailStore): Promise<string> {
  const boxes = ['INBOX', 'Junk', 'Quarantine', 'Held']
  const all = await Promise.all(boxes.map(async name => `${name} ${(await mailOf(store, 'ann', name)).length}`))
  return all.filter(text => !text.endsWith(' 0')).join(', ')
}

async function told(messages: AsyncIterable<QuarantinedMessage>): Promise<readonly QuarantinedMessage[]> {
  const all: QuarantinedMessage[] = []
  for await (const message of messages) all.push(message)
  return all
}

const aside: Middleware = { name: 'aside', message: () => Promise.resolve(quarantine('looks odd')) }

test('what a filter puts aside lies in the quarantine, whichever phase it was decided in; other verdicts stay', async () => {
  const cases: readonly (readonly [string, Middleware])[] = [
    ['Quarantine 1', aside],
    ['Quarantine 1', { name: 'copy', deliver: () => Promise.resolve(quarantine('for this account')) }],
    ['Held 1', { name: 'named', message: () => Promise.resolve(quarantine('x', 'Held')) }],
    ['INBOX 1', { name: 'good', message: () => Promise.resolve(accept()) }],
    ['', { name: 'bad', message: () => Promise.resolve(reject('no')) }],
  ]
  for (const [where, middleware] of cases) {
    const house = houseOf({ middleware: [quarantineMailbox(), middleware] })
    await sent(house)
    assert.equal(await counts(house.store), where, middleware.name)
  }
  const house = houseOf({ middleware: [quarantineMailbox({ mailbox: 'Held' }), aside] })
  await sent(house)
  assert.equal(await counts(house.store), 'Held 1')
})

test('a host lets a message out by its id, once, and by no forged one', async () => {
  const house = houseOf({ middleware: [quarantineMailbox(), aside] })
  const [first, second] = [await sent(house), await sent(house)]
  assert.equal(await releaseMessage(house.store, 'ann', 'forged1'), false)
  assert.equal(await releaseMessage(house.store, 'ben', first), false)
  await assert.rejects(releaseMessage(house.store, 'ann', first, { to: 'Nowhere' }), { kind: 'no-such-mailbox' })
  assert.equal(await releaseMessage(house.store, 'ann', first), true)
  assert.equal(await counts(house.store), 'INBOX 1, Quarantine 1')
  assert.equal(await releaseMessage(house.store, 'ann', first), false)
  assert.match((await mailOf(house.store, 'ann'))[0] ?? '', new RegExp(`\\bid ${first}\\b`))
  assert.notEqual(first, second)
})

test('what lies in quarantine is told with its id, author and subject, the latest alone where so many were asked for', async () => {
  const house = houseOf({ middleware: [quarantineMailbox(), aside] })
  const ids = [await sent(house), await sent(house), await sent(house)]
  const all = await told(quarantined(house.store, 'ann'))
  assert.deepEqual(
    all.map(({ id }) => id),
    ids,
  )
  const { author, subject, mailbox } = all[0] ?? {}
  assert.deepEqual({ author, subject, mailbox }, { author: '<bob@example.com>', subject: 'hi', mailbox: 'Quarantine' })
  for (const [last, expected] of [
    [1, ids.slice(2)],
    [2, ids.slice(1)],
    [3, ids],
    [9, ids],
  ] as const) {
    const some = await told(quarantined(house.store, 'ann', { last }))
    assert.deepEqual([some.map(({ id }) => id)], [expected])
  }
  assert.deepEqual(await told(quarantined(house.store, 'ben')), [])
})

test('Junk is a quarantine too, named by its special use (RFC 6154 §2)', async () => {
  const house = houseOf({ middleware: [aside] })
  const id = await sent(house)
  const from = { specialUse: 'Junk' } as const
  assert.deepEqual(
    (await told(quarantined(house.store, 'ann', { from }))).map(message => [message.id, message.mailbox]),
    [[id, 'Junk']],
  )
  assert.equal(await releaseMessage(house.store, 'ann', id), false)
  assert.equal(await releaseMessage(house.store, 'ann', id, { from }), true)
  assert.equal(await counts(house.store), 'INBOX 1')
})

test('a store that cannot move copies and removes', async () => {
  const store = memoryStore()
  const withoutMove: MailStore = new Proxy(store, {
    get(target, key) {
      if (key !== 'open') return Reflect.get(target, key, target) as unknown
      return async (...args: Parameters<MailStore['open']>) => {
        const account = await target.open(...args)
        const mailbox: typeof account.mailbox = id => {
          const opened = account.mailbox(id)
          const own: Record<string, unknown> = { id: opened.id }
          for (const name of ['records', 'copy', 'expunge', 'append', 'status', 'flag'] as const) own[name] = opened[name].bind(opened)
          return own as unknown as typeof opened
        }
        return { ...account, id: account.id, mailboxes: account.mailboxes.bind(account), mailbox }
      }
    },
  })
  const house = houseOf({ store, middleware: [quarantineMailbox(), aside] })
  const id = await sent(house)
  assert.equal(await releaseMessage(withoutMove, 'ann', id), true)
  assert.equal(await counts(store), 'INBOX 1')
})

test('what is let out was wanted, what is moved there was not', async () => {
  const store = memoryStore()
  const lessons: string[] = []
  const pupil = { learn: () => Promise.resolve('learned' as const) }
  const teacher = junkTeacher({
    store,
    pupils: [pupil],
    aside: ['Quarantine'],
    onLesson: ({ as, why }) => void lessons.push(`${as}: ${why}`),
  })
  const house = houseOf({ store, middleware: [quarantineMailbox(), teacher, aside] })
  await teacher.follow('ann')
  const id = await sent(house)
  await releaseMessage(store, 'ann', id)
  await new Promise(resolve => setImmediate(resolve))
  await teacher.settled()
  assert.deepEqual(lessons, ['ham: moved from Quarantine to INBOX'])
  await releaseMessage(store, 'ann', id, { from: 'INBOX', to: 'Quarantine' })
  await new Promise(resolve => setImmediate(resolve))
  await teacher.settled()
  assert.deepEqual(lessons.slice(1), ['spam: moved from INBOX to Quarantine'])
  await teacher.close()
})

test('the inbox is no quarantine', () => {
  for (const mailbox of ['', 'Inbox']) assert.throws(() => quarantineMailbox({ mailbox }), { code: 'MW_QUARANTINE_MAILBOX' })
})
