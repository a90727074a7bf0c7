/** Cases about endings: closing, giving up, crashing. */

import { ALL_UIDS, type MailAccount, type MailboxChange, type MessageSource } from '../../contracts/index.ts'
import { inboxOf, infoOf, letter, letterOf, look, namesOf, octets, open, promised, read, refuses, runs, runsText, same } from './world.ts'
import { contentOf, sameOctets, slowSource, type StoreCase, wholeOf } from './world.ts'

/** Everything that a client could see of an account. */
async function portrait(account: MailAccount): Promise<unknown> {
  const mailboxes = []
  for (const info of [...(await account.mailboxes())].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const mailbox = account.mailbox(info.id)
    const { highestModSeq: _, ...status } = await mailbox.status()
    mailboxes.push({ ...info, ...status, messages: await look(mailbox) })
  }
  return { mailboxes, subscriptions: [...(await account.subscriptions())].sort(), usage: await account.usage?.() }
}

/** Cases about endings. */
export const endingCases: readonly StoreCase[] = [
  {
    name: 'Closing ends what runs, then refuses every call as `unavailable`',
    async run(world) {
      const { store } = world
      const account = await open(world)
      const inbox = await inboxOf(account)
      await inbox.append([letter()])
      const heard: MailboxChange[] = []
      account.watch(change => heard.push(change))
      let answered = false
      const running = inbox.append([letter({ content: slowSource(new Uint8Array(100_000)) })]).then(
        () => {
          answered = true
        },
        () => {
          answered = true
        },
      )
      await store.close()
      promised('a call that runs is answered when closing is done', answered, () => 'it is not')
      await running
      await refuses('open', store.open('ann'), 'unavailable')
      await refuses('mailboxes', account.mailboxes(), 'unavailable')
      await refuses('create', account.create('box'), 'unavailable')
      await refuses('subscribe', account.subscribe('box'), 'unavailable')
      await refuses('status', inbox.status(), 'unavailable')
      await refuses('records', read(inbox), 'unavailable')
      await refuses('append', inbox.append([letter()]), 'unavailable')
      await refuses('flag', inbox.flag(ALL_UIDS, { kind: 'add', flags: ['x'] }), 'unavailable')
      await refuses('copy', inbox.copy(ALL_UIDS, inbox.id), 'unavailable')
      await refuses('expunge', inbox.expunge(ALL_UIDS), 'unavailable')
      if (inbox.move !== undefined) await refuses('move', inbox.move(ALL_UIDS, inbox.id), 'unavailable')
      if (account.usage !== undefined) await refuses('usage', account.usage(), 'unavailable')
      if (store.deliver !== undefined) await refuses('deliver', store.deliver([{ account: 'ann', message: letter() }]), 'unavailable')
      await store.close()
    },
  },
  {
    name: 'A call whose signal has fired already rejects with the signal’s reason and changes nothing, or happens as a whole',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const { id: box } = await account.create('box')
      await inbox.append([letter()])
      const reason = new Error('the client left')
      const signal = AbortSignal.abort(reason)
      const told: string[] = []
      account.watch(change => told.push(change.kind))
      const calls: Readonly<Record<string, () => Promise<unknown> | undefined>> = {
        create: () => account.create('new', { signal }),
        rename: () => account.rename(box, 'new name', { signal }),
        subscribe: () => account.subscribe('new', { signal }),
        append: () => inbox.append([letter()], { signal }),
        flag: () => inbox.flag(ALL_UIDS, { kind: 'add', flags: ['x'] }, { signal }),
        copy: () => inbox.copy(ALL_UIDS, box, { signal }),
        deliver: () => world.store.deliver?.([{ account: 'ann', message: letter() }], { signal }),
        move: () => inbox.move?.(runs(1, 1), box, { signal }),
        expunge: () => inbox.expunge(ALL_UIDS, { signal }),
        remove: () => account.remove(box, { signal }),
      }
      for (const [name, call] of Object.entries(calls)) {
        const before = await portrait(account)
        const running = call()
        if (running === undefined) continue
        const refusal = await running.then(
          () => undefined,
          (error: unknown) => ({ error }),
        )
        if (refusal === undefined) {
          promised(`${name} resolved, so it happened and was told`, told.splice(0).length > 0, () => 'nothing was told')
          continue
        }
        promised(`${name} rejects with the reason`, refusal.error === reason, () => String(refusal.error))
        same(`${name} changed nothing and told nothing`, [await portrait(account), told], [before, []])
      }
    },
  },
  {
    name: 'A call that is given up while it runs happens as a whole or not at all, and says which',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      await inbox.append([letter(), letter(), letter()])
      for (let round = 0; round < 20; round++) {
        const before = await look(inbox)
        const ending = new AbortController()
        const gate: MessageSource = {
          size: 50_000,
          async read(start, end) {
            if (round % 4 === 0) ending.abort()
            return new Uint8Array(Math.min(end, 50_000) - start)
          },
        }
        const { signal } = ending
        const calls = [
          () => inbox.append([letter(), letter({ content: gate }), letter()], { signal }),
          () => inbox.copy(runs(1, 3), inbox.id, { signal }),
        ]
        const call = calls[round % 2]?.()
        if (round % 4 === 2) await Promise.resolve()
        ending.abort()
        const resolved = await call?.then(
          () => true,
          () => false,
        )
        const added = (await look(inbox)).length - before.length
        same(`three more or none (${resolved === true ? 'resolved' : 'rejected'})`, added, resolved === true ? 3 : 0)
      }
    },
  },
  {
    name: 'Whatever was acknowledged is there after a crash, with the same UIDs, UIDVALIDITY, MODSEQ and octets (I1-I4, I19)',
    needs: ['reopen'],
    async run(world) {
      let account = await open(world)
      let inbox = await inboxOf(account)
      const large = letter({ content: slowSource(new Uint8Array(300_000).map((_, at) => at % 251)), prefix: octets('X: 1\r\n') })
      await inbox.append([letter({ text: 'one', flags: ['\\Seen'] }), large, letter({ text: 'three' }), letterOf(0)])
      await inbox.flag(runs(1, 3), { kind: 'add', flags: ['kept'] })
      const box = await account.create('box', { specialUse: 'Archive' })
      await account.create('box/below')
      await account.rename(box.id, 'chest')
      await account.remove((await account.create('gone')).id)
      await inbox.copy(runs(1, 2), box.id)
      await inbox.move?.(runs(3, 3), box.id)
      const { highestModSeq: point } = await inbox.status()
      const goneUids = await inbox.expunge(runs(4, 4))
      await account.subscribe('chest')
      await world.store.deliver?.([{ account: 'ann', message: letter({ text: 'delivered' }) }])
      await world.store.deliver?.([{ account: 'bob', mailbox: 'new', message: letter() }])
      const highest = await inbox.status()
      const before = await portrait(account)
      const ids = (await read(inbox, ALL_UIDS, ['emailId', 'summary'])).map(({ emailId, summary }) => [emailId, summary?.length])
      for (let round = 0; round < 2; round++) {
        await world.crash()
        account = await open(world)
        inbox = await inboxOf(account)
        same('all is as it was', await portrait(account), before)
        const [record] = await read(inbox, runs(2, 2), ['source'])
        sameOctets('octets are as they were', await contentOf(record), await wholeOf(large))
        const after = await inbox.status()
        promised(
          'HIGHESTMODSEQ did not fall',
          after.highestModSeq >= highest.highestModSeq,
          () => `${after.highestModSeq} after ${highest.highestModSeq}`,
        )
        same(
          'email ids and summaries too',
          (await read(inbox, ALL_UIDS, ['emailId', 'summary'])).map(({ emailId, summary }) => [emailId, summary?.length]),
          ids,
        )
        const vanished = await inbox.vanishedSince?.(point)
        if (vanished !== undefined) {
          const covered = vanished.some(({ first, last }) => first <= 4 && last >= 4)
          promised(`what vanished is remembered (${runsText('', goneUids)})`, covered, () => runsText('vanished', vanished))
        }
      }
      if (world.powers.has('deliver')) same('bob has his', await namesOf(await open(world, 'bob')), ['INBOX', 'new'])
    },
  },
  {
    name: 'After a crash numbers go on above all that were given before: no UID, UIDVALIDITY, id or MODSEQ comes again (I1, I3, I20)',
    needs: ['reopen'],
    async run(world) {
      let account = await open(world)
      const ids = new Set<string>()
      const pairs = new Set<string>()
      let highestUid = 0
      let highestModSeq = 0
      for (let round = 0; round < 4; round++) {
        const inbox = await inboxOf(account)
        const { uids } = await inbox.append([letter(), letter()])
        promised('UIDs are new', (uids[0] ?? 0) > highestUid, () => `${uids} after ${highestUid}`)
        highestUid = uids[1] ?? 0
        const record = (await read(inbox)).at(-1)
        promised('MODSEQ is new', (record?.modSeq ?? 0) > highestModSeq, () => `${record?.modSeq} after ${highestModSeq}`)
        await inbox.expunge(ALL_UIDS)
        highestModSeq = (await inbox.status()).highestModSeq
        const box = await account.create('box')
        promised('the id is new', !ids.has(box.id), () => box.id)
        promised('(name, UIDVALIDITY) is new', !pairs.has(`${box.uidValidity}`), () => `${box.uidValidity}`)
        ids.add(box.id)
        pairs.add(`${box.uidValidity}`)
        await account.remove((await infoOf(account, 'box')).id)
        await world.crash()
        account = await open(world)
      }
    },
  },
  {
    name: 'A crash in the middle of many additions loses none that was acknowledged and shows none by half',
    needs: ['reopen'],
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const acknowledged: string[] = []
      const adding = Array.from({ length: 60 }, async (_, n) => {
        const pair = [0, 1].map(half =>
          letter({ text: `pair ${n}`, internalDate: (n * 2 + half) * 1000, content: slowSource(octets(`${n}`.repeat(500))) }),
        )
        const { uids } = await inbox.append(pair)
        acknowledged.push(...uids.map((uid, half) => `${uid} ${(n * 2 + half) * 1000}`))
      })
      await Promise.race(adding)
      const promisedNow = [...acknowledged]
      await world.crash()
      await Promise.allSettled(adding)
      const after = await inboxOf(await open(world))
      const records = await read(after, ALL_UIDS, ['source'])
      const there = new Set(records.map(({ uid, internalDate }) => `${uid} ${internalDate}`))
      const lost = promisedNow.filter(message => !there.has(message))
      promised(
        'what was acknowledged before the crash is there',
        lost.length === 0,
        () => `${lost.length} of ${promisedNow.length} are lost`,
      )
      const dates = new Set(records.map(({ internalDate }) => internalDate / 1000))
      const halves = [...dates].filter(date => !dates.has(date % 2 === 0 ? date + 1 : date - 1))
      promised('each pair is there whole or not at all', halves.length === 0, () => `${halves.length} halves`)
      for (const record of records) {
        sameOctets('with its octets', await contentOf(record), octets(`${Math.floor(record.internalDate / 2000)}`.repeat(500)))
      }
    },
  },
]
