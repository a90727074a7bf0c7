/** Cases about delivering one message to many mailboxes in one step. RFC 5321 §6.1. */

import type { DeliveryResult, DeliveryTarget, MailboxChange } from '../../contracts/index.ts'
import { inboxOf, infoOf, kindOf, letter, letterOf, look, namesOf, octets, open, promised, read, same, slowSource } from './world.ts'
import { ALL_UIDS } from '../../contracts/index.ts'
import { contentOf, sameOctets, type StoreCase, wholeOf, type World } from './world.ts'

async function deliver(world: World, targets: readonly DeliveryTarget[]): Promise<readonly DeliveryResult[]> {
  return (await world.store.deliver?.(targets)) ?? []
}

const outcome = (result: DeliveryResult | undefined): string => (result === undefined ? 'none' : result.ok ? 'ok' : kindOf(result.error))

/** Cases about delivery. */
export const deliveryCases: readonly StoreCase[] = [
  {
    name: 'A message is delivered to many at once, each with its own prefix, flags and date; accounts and mailboxes are made as needed',
    needs: ['deliver'],
    async run(world) {
      const ann = await open(world)
      const told: MailboxChange[] = []
      ann.watch(change => told.push(change))
      await ann.create('Trash can', { specialUse: 'Trash' })
      const content = slowSource(octets('Subject: to all\r\n\r\nHello\r\n'))
      const message = (n: number): DeliveryTarget['message'] =>
        letter({ content, prefix: octets(`Delivered-To: ${n}\r\n`), flags: [`k${n}`], internalDate: n * 1000 })
      const targets: readonly DeliveryTarget[] = [
        { account: 'ann', message: message(0) },
        { account: 'ann', mailbox: 'lists/new', message: message(1) },
        { account: 'ann', mailbox: { specialUse: 'Trash' }, message: message(2) },
        { account: 'ann', mailbox: { specialUse: 'Junk' }, message: message(3) },
        { account: 'never opened', message: message(4) },
        { account: 'ann', mailbox: 'lists/new', message: message(5) },
      ]
      const results = await deliver(world, targets)
      same(
        'one result for each target, in order',
        results.map(result => [result.account, outcome(result)]),
        targets.map(({ account }) => [account, 'ok']),
      )
      const names = ['INBOX', 'lists/new', 'Trash can', 'INBOX', 'INBOX', 'lists/new']
      for (const [at, result] of results.entries()) {
        if (!result.ok) continue
        const account = await open(world, result.account)
        const info = await infoOf(account, names[at] ?? '')
        same('it says where', [result.mailbox, result.uidValidity], [info.id, info.uidValidity])
        const [record] = await read(account.mailbox(info.id), [{ first: result.uid, last: result.uid }], ['source'])
        same('the target’s own flags and date', [record?.flags, record?.internalDate], [[`k${at}`], at * 1000])
        sameOctets('the target’s own octets', await contentOf(record), await wholeOf(message(at)))
      }
      same('no mailbox is made for a use', await namesOf(ann), ['INBOX', 'Trash can', 'lists/new'])
      same(
        'all is told',
        told.filter(({ kind }) => kind === 'added').flatMap(change => ('messages' in change ? change.messages : [])).length,
        5,
      )
    },
  },
  {
    name: 'A target that is over its limits or cannot be fails alone; the others are delivered (I34)',
    needs: ['deliver'],
    async run(world) {
      await (await inboxOf(await open(world, 'full'))).append([letterOf(90)])
      const message = letterOf(20)
      const results = await deliver(world, [
        { account: 'ann', message },
        { account: 'full', quota: { octets: 100 }, message },
        { account: 'full', quota: { octets: 100 }, mailbox: 'made for it', message },
        { account: '', message },
        { account: 'bob', mailbox: 'a//b', message },
        { account: 'bob', mailbox: 'inbox', message },
        { account: 'carl', quota: { messages: 1 }, message },
        { account: 'carl', quota: { messages: 1 }, message },
        { account: 'dora', message },
      ])
      const expected = ['ok', 'over-quota', 'over-quota', 'invalid', 'invalid', 'invalid', 'ok', 'over-quota', 'ok']
      same('each for itself', results.map(outcome), expected)
      const counts = await Promise.all(
        ['ann', 'full', 'bob', 'carl', 'dora'].map(async name => (await look(await inboxOf(await open(world, name)))).length),
      )
      same('what is ok is there, nothing else is', counts, [1, 1, 0, 1, 1])
      same('no mailbox is made in vain', await namesOf(await open(world, 'full')), ['INBOX'])
    },
  },
  {
    name: 'A delivery whose message cannot be read stores nothing anywhere',
    needs: ['deliver'],
    async run(world) {
      const broken = letter({ content: { size: 10, read: () => Promise.reject(new Error('the spool is gone')) } })
      const results = await deliver(world, [
        { account: 'ann', message: letter() },
        { account: 'bob', mailbox: 'new', message: broken },
      ]).catch((): readonly DeliveryResult[] => [])
      const bob = await open(world, 'bob')
      same('nothing for bob', [outcome(results[1]) === 'ok', await namesOf(bob), await look(await inboxOf(bob))], [false, ['INBOX'], []])
      const there = (await look(await inboxOf(await open(world)))).length
      same('ann has it exactly when it was said', there, outcome(results[0]) === 'ok' ? 1 : 0)
    },
  },
  {
    name: 'I1, I38: many deliveries at once into one mailbox that others rename and remove: every one that is acknowledged is there, or went with the mailbox',
    needs: ['deliver'],
    async run(world) {
      const account = await open(world)
      const removed = new Set<string>()
      const messing = (async () => {
        for (let round = 0; round < 5; round++) {
          const box =
            (await account.mailboxes()).find(({ name }) => name === 'target') ?? (await account.create('target').catch(() => undefined))
          if (box === undefined) continue
          if (round % 2 === 0) await account.rename(box.id, `kept ${round}`)
          else {
            removed.add(box.id)
            await account.remove(box.id)
          }
        }
      })()
      const deliveries = Array.from({ length: 40 }, (_, n) =>
        deliver(world, [{ account: 'ann', mailbox: 'target', message: letter({ text: `${n}` }) }]),
      )
      const [, results] = await Promise.all([messing, Promise.all(deliveries)])
      for (const result of results.flat()) {
        promised('a mailbox that was renamed or removed is no reason to fail', result.ok, () => outcome(result))
        if (!result.ok || removed.has(result.mailbox)) continue
        const found = await read(account.mailbox(result.mailbox), [{ first: result.uid, last: result.uid }])
        same('it is where it was said to be', found.length, 1)
      }
      const places = results.flat().map(result => (result.ok ? `${result.mailbox} ${result.uid}` : ''))
      same('no two are in one place', new Set(places).size, places.length)
    },
  },
  {
    name: 'Delivering to nobody does nothing',
    needs: ['deliver'],
    async run(world) {
      same('no results', await deliver(world, []), [])
      same('no mail', await read(await inboxOf(await open(world)), ALL_UIDS), [])
    },
  },
]
