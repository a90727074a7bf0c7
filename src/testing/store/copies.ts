/** Cases about copying and moving. RFC 9051 §6.4.7; RFC 6851 §3.3; RFC 4315 §3. */

import { ALL_UIDS, type MailAccount, type Mailbox, type MailboxChange } from '../../contracts/index.ts'
import { inboxOf, letter, letterOf, look, open, promised, read, refuses, runs, runsText, same, type StoreCase } from './world.ts'
import { contentOf, sameOctets, whileLooking } from './world.ts'

async function two(account: MailAccount): Promise<readonly [Mailbox, Mailbox]> {
  return [await inboxOf(account), account.mailbox((await account.create('box')).id)]
}

/** What stays of a message when it is copied: all but UID and MODSEQ. */
async function cargo(mailbox: Mailbox): Promise<readonly string[]> {
  return (await look(mailbox)).map(line => line.replace(/^\d+ modseq=\d+ /, ''))
}

/** Cases about copying and moving. */
export const copyCases: readonly StoreCase[] = [
  {
    name: 'I13: a copy has the flags, date and octets of its source, which does not change; the answer maps UIDs in order (RFC 9051 §6.4.7)',
    async run(world) {
      const [inbox, box] = await two(await open(world))
      const letters = [1, 2, 3, 4, 5].map(n => letter({ text: `letter ${n}`, flags: ['\\Seen', `k${n}`], internalDate: n * 1000 }))
      await inbox.append(letters)
      await box.append([letter({ text: 'was here' }), letter({ text: 'too' }), letter({ text: 'three' })])
      await inbox.expunge(runs(3, 3))
      const before = await look(inbox)
      const result = await inbox.copy(runs(2, 99), box.id)
      same('from: those that were there, ascending', result.from.join(), '2,4,5')
      same('UIDVALIDITY is the target’s', result.uidValidity, (await box.status()).uidValidity)
      same(
        'to: as many, ascending',
        result.to.join(),
        (await read(box))
          .slice(3)
          .map(({ uid }) => uid)
          .join(),
      )
      same('sources do not change', await look(inbox), before)
      same('flags, sizes and dates are the same', (await cargo(box)).slice(3), (await cargo(inbox)).slice(1))
      const copies = await read(box, ALL_UIDS, ['source', 'summary'])
      const sources = await read(inbox, ALL_UIDS, ['source', 'summary'])
      for (const [at, uid] of result.to.entries()) {
        const copy = copies.find(record => record.uid === uid)
        const source = sources.find(record => record.uid === result.from[at])
        sameOctets(`octets of copy ${uid}`, await contentOf(copy), await contentOf(source))
        sameOctets(`summary of copy ${uid}`, copy?.summary ?? new Uint8Array(), source?.summary ?? new Uint8Array())
      }
      await inbox.flag(ALL_UIDS, { kind: 'set', flags: ['source-only'] })
      await inbox.expunge(runs(4, 5))
      same('copies go their own way', (await cargo(box)).length, 6)
      same('with their own flags', (await read(box, runs(result.to[0] ?? 0, result.to[0] ?? 0)))[0]?.flags.includes('k2'), true)
    },
  },
  {
    name: 'Copying nothing changes nothing, copying into the same mailbox adds, copying into a missing one is refused',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      await inbox.append([letter({ flags: ['a'] }), letter()])
      const before = [await look(inbox), await inbox.status()]
      const nothing = await inbox.copy(runs(50, 60), inbox.id)
      same('empty lists', [nothing.from, nothing.to], [[], []])
      same('all is as before', [await look(inbox), await inbox.status()], before)
      await refuses('a target that is not there', inbox.copy(ALL_UIDS, 'no such id'), 'no-such-mailbox')
      const twice = await inbox.copy(runs(1, 2), inbox.id)
      same('into the same mailbox', [twice.from.join(), (await read(inbox)).length], ['1,2', 4])
      same('with the flags', (await read(inbox))[2]?.flags, ['a'])
    },
  },
  {
    name: 'I14: a copy that does not fit as a whole leaves nothing behind (RFC 9051 §6.4.7)',
    async run(world) {
      const account = await open(world)
      const [inbox, box] = await two(account)
      await inbox.append([letterOf(100), letterOf(100), letterOf(100)])
      const tight = await world.store.open('ann', { quota: { octets: 500 } })
      const told: string[] = []
      account.watch(change => told.push(change.kind))
      await refuses('three more do not fit', tight.mailbox(inbox.id).copy(ALL_UIDS, box.id), 'over-quota')
      same('none is there, none was told', [await look(box), told], [[], []])
      await tight.mailbox(inbox.id).copy(runs(1, 2), box.id)
      same('two do', (await look(box)).length, 2)
    },
  },
  {
    name: 'I14: whoever looks while copies are made sees each copy whole or not at all',
    async run(world) {
      const account = await open(world)
      const [inbox, box] = await two(account)
      await inbox.append(Array.from({ length: 7 }, (_, n) => letter({ text: `${n}` })))
      await whileLooking(
        async () => {
          const { messages } = await box.status()
          promised('a multiple of 7 messages at every moment', messages % 7 === 0, () => `${messages} messages`)
        },
        () => Promise.all(Array.from({ length: 12 }, async () => (await open(world)).mailbox(inbox.id).copy(ALL_UIDS, box.id))),
      )
      same('all are there', (await read(box)).length, 84)
    },
  },
  {
    name: 'Moving gives the target the messages with flags, date and octets, and tells an addition and an expunge of one MODSEQ (RFC 6851 §3.3)',
    needs: ['move'],
    async run(world) {
      const account = await open(world)
      const [inbox, box] = await two(account)
      await inbox.append([1, 2, 3].map(n => letter({ text: `${n}`, flags: [`k${n}`], internalDate: n * 1000 })))
      const before = await cargo(inbox)
      const highest = Math.max((await inbox.status()).highestModSeq, (await box.status()).highestModSeq)
      const told: MailboxChange[] = []
      account.watch(change => told.push(change))
      const result = await inbox.move?.(runs(1, 2, 8, 9), box.id)
      same('from those that were there', [result?.from.join(), result?.uidValidity], ['1,2', (await box.status()).uidValidity])
      same(
        'into the target',
        (await read(box)).map(({ uid }) => uid),
        result?.to,
      )
      same('as they were', await cargo(box), before.slice(0, 2))
      same(
        'gone from the source',
        (await read(inbox)).map(({ uid }) => uid),
        [3],
      )
      same(
        'told as addition, then expunge',
        told.map(change => ('mailbox' in change ? [change.kind, change.mailbox] : [])),
        [
          ['added', box.id],
          ['expunged', inbox.id],
        ],
      )
      same('with one MODSEQ', told[0]?.modSeq, told[1]?.modSeq)
      promised('which is new', (told[0]?.modSeq ?? 0) > highest, () => `${told[0]?.modSeq} after ${highest}`)
      const status = [await inbox.status(), await box.status()]
      same('moving nothing does nothing', (await inbox.move?.(runs(1, 2), box.id))?.from, [])
      same('in neither mailbox', [await inbox.status(), await box.status()], status)
      await refuses('a target that is not there', inbox.move?.(ALL_UIDS, 'no such id') ?? Promise.resolve(), 'no-such-mailbox')
      same('keeps the message where it is', (await read(inbox)).length, 1)
    },
  },
  {
    name: 'Moving within one mailbox gives new UIDs (RFC 6851 §3.3)',
    needs: ['move', 'vanishedSince'],
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letter({ text: 'a' }), letter({ text: 'b' }), letter({ text: 'c' })])
      const { highestModSeq } = await inbox.status()
      const before = await cargo(inbox)
      const result = await inbox.move?.(runs(1, 2), inbox.id)
      same(
        'they are at the end now',
        (await read(inbox)).map(({ uid }) => uid),
        [3, ...(result?.to ?? [])],
      )
      same('as they were', await cargo(inbox), [before[2], before[0], before[1]])
      same('the old UIDs vanished', runsText('vanished', (await inbox.vanishedSince?.(highestModSeq)) ?? []), '1:2')
    },
  },
  {
    name: 'I14: a message that is moved is in exactly one of the two mailboxes at every moment (RFC 6851 §3.3)',
    needs: ['move'],
    async run(world) {
      const account = await open(world)
      const [inbox, box] = await two(account)
      const total = 40
      await inbox.append(Array.from({ length: total }, (_, n) => letter({ internalDate: n * 1000 })))
      const here = async (mailbox: Mailbox): Promise<ReadonlySet<number>> =>
        new Set((await read(mailbox)).map(({ internalDate }) => internalDate))
      // Two racers for each message: it must arrive once.
      const uids = Array.from({ length: total }, (_, n) => n + 1)
      const moves = await whileLooking(
        async () => {
          // Messages only go from the inbox to the box: whoever is in the box already cannot be in the inbox later,
          // and whoever has left the inbox must be in the box from then on.
          const [arrived, left] = [await here(box), await here(inbox)]
          const twice = [...arrived].filter(date => left.has(date))
          promised('no message is in both', twice.length === 0, () => `${twice.length} of ${total} are`)
          const there = await here(box)
          const lost = Array.from({ length: total }, (_, n) => n * 1000).filter(date => !left.has(date) && !there.has(date))
          promised('no message is in neither', lost.length === 0, () => `${lost.length} of ${total} are`)
        },
        () => Promise.all([...uids, ...uids].map(async uid => (await open(world)).mailbox(inbox.id).move?.(runs(uid, uid), box.id))),
      )
      const moved = moves.flatMap(result => result?.from ?? [])
      same(
        'each was moved once',
        moved.sort((a, b) => a - b),
        uids,
      )
      same('all arrived', [(await read(inbox)).length, (await read(box)).length, (await here(box)).size], [0, total, total])
    },
  },
]
