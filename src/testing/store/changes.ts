/** Cases about the feed of changes and about catching up. RFC 7162 §3.1, §3.2.5; RFC 2177. */

import { ALL_UIDS, type MailboxChange, type ModSeq } from '../../contracts/index.ts'
import { copyOf, rising } from './copy.ts'
import { inboxOf, infoOf, letter, line, look, open, promised, read, runs, runsText, same, type StoreCase } from './world.ts'

/** Messages of the case about cut history. */
const CUT = 80

/** Changes behind which a store that forgets has forgotten them. */
const LATER = 1100

/** A change without its MODSEQ. */
function untimed(change: MailboxChange): object {
  return Object.fromEntries(Object.entries(change).filter(([field]) => field !== 'modSeq'))
}

/** Cases about changes. */
export const changeCases: readonly StoreCase[] = [
  {
    name: 'I18, I20: every change is told before its promise resolves, completely, with a MODSEQ above all told before (RFC 7162 §3.1)',
    async run(world) {
      const account = await open(world)
      const told: MailboxChange[] = []
      account.watch(change => told.push(change))
      const inbox = await inboxOf(account)
      const next = (what: string): readonly MailboxChange[] => {
        rising(what, told)
        return told.splice(0)
      }
      const made = await account.create('box', { specialUse: 'Trash' })
      const box = account.mailbox(made.id)
      same('created', next('create').map(untimed), [{ kind: 'mailbox-created', info: made }])
      const { uids } = await inbox.append([letter({ flags: ['\\Seen'], internalDate: 7000 }), letter()])
      const [one, two] = await read(inbox)
      same('added', next('append'), [
        {
          kind: 'added',
          mailbox: inbox.id,
          modSeq: one?.modSeq,
          messages: [
            { uid: uids[0], flags: ['\\Seen'], size: one?.size, internalDate: 7000 },
            { uid: uids[1], flags: [], size: two?.size, internalDate: two?.internalDate },
          ],
        },
      ])
      const flagged = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['\\Seen', 'x'] })
      same(
        'flagged',
        next('flag').map(change => (change.kind === 'flagged' ? [change.mailbox, change.modSeq, change.uids] : [])),
        [[inbox.id, flagged.modSeq, flagged.changed]],
      )
      const copied = await inbox.copy(ALL_UIDS, made.id)
      same(
        'a copy is an addition',
        next('copy').map(change => (change.kind === 'added' ? change.messages.map(({ uid }) => uid) : [])),
        [copied.to],
      )
      const gone = await box.expunge(runs(1, 1))
      same('expunged', next('expunge').map(untimed), [{ kind: 'expunged', mailbox: box.id, uids: gone }])
      await account.create('box/below')
      next('create below')
      await account.rename(made.id, 'chest')
      same(
        'renamed, each with its own MODSEQ',
        next('rename')
          .map(change => (change.kind === 'mailbox-renamed' ? `${change.oldName} > ${change.info.name}` : change.kind))
          .sort(),
        ['box > chest', 'box/below > chest/below'],
      )
      const chest = await infoOf(account, 'chest')
      await account.remove(made.id)
      same('removed', next('remove').map(untimed), [{ kind: 'mailbox-removed', info: chest }])
      await account.subscribe('s')
      await account.unsubscribe('s')
      same('subscriptions', next('subscribe').map(untimed), [
        { kind: 'subscribed', name: 's' },
        { kind: 'unsubscribed', name: 's' },
      ])
    },
  },
  {
    name: 'Nothing is told where nothing changed',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      await inbox.append([letter({ flags: ['x'] })])
      await account.subscribe('s')
      const told: string[] = []
      account.watch(change => told.push(change.kind))
      const missing = runs(7, 9)
      await inbox.append([])
      await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['x'] })
      await inbox.flag(missing, { kind: 'add', flags: ['y'] })
      await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['y'] }, { unchangedSince: 0 as ModSeq })
      await inbox.copy(missing, inbox.id)
      await inbox.move?.(missing, inbox.id)
      await inbox.expunge(missing)
      await inbox.expunge(ALL_UIDS, { having: 'y' })
      await account.subscribe('s')
      await account.unsubscribe('t')
      await account.create('INBOX').catch(() => undefined)
      await look(inbox)
      same('silence', told, [])
    },
  },
  {
    name: 'All watchers of an account hear the same, through whatever handle the change was made; those who ended and other accounts hear nothing',
    async run(world) {
      const [account, again, bob] = [await open(world), await open(world), await open(world, 'bob')]
      const heard: readonly MailboxChange[][] = [[], [], [], []]
      const end = account.watch(change => heard[0]?.push(change))
      again.watch(change => heard[1]?.push(change))
      const ended = again.watch(change => heard[2]?.push(change))
      bob.watch(change => heard[3]?.push(change))
      ended()
      ended()
      const inbox = await inboxOf(account)
      await (await inboxOf(again)).append([letter()])
      await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['x'] })
      await again.create('box')
      same(
        'three changes',
        heard[0]?.map(({ kind }) => kind),
        ['added', 'flagged', 'mailbox-created'],
      )
      same('for both', heard[1], heard[0])
      same('none for those who left, none elsewhere', [heard[2], heard[3]], [[], []])
      end()
      await inbox.expunge(ALL_UIDS)
      same('one left, the other stayed', [heard[0]?.length, heard[1]?.length], [3, 4])
    },
  },
  {
    name: 'A copy that applies all changes that are told equals what is read (I6, I20)',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const box = account.mailbox((await account.create('box')).id)
      await inbox.append([letter(), letter({ flags: ['x'] }), letter()])
      const copy = copyOf(await read(inbox))
      const boxCopy = copyOf([])
      account.watch(change => {
        copy.apply(change, inbox.id)
        boxCopy.apply(change, box.id)
      })
      await inbox.append([letter({ flags: ['\\Seen'] })])
      await inbox.flag(runs(1, 2), { kind: 'add', flags: ['x', 'y'] })
      await inbox.flag(runs(2, 9), { kind: 'set', flags: ['z'] })
      await inbox.copy(runs(2, 3), box.id)
      await inbox.flag(runs(1, 4), { kind: 'remove', flags: ['z', 'y'] })
      await inbox.expunge(runs(2, 2, 9, 12))
      await inbox.move?.(runs(4, 4), box.id)
      await box.move?.(runs(1, 1), inbox.id)
      same('the inbox', copy.lines(), await look(inbox))
      same('the box', boxCopy.lines(), await look(box))
    },
  },
  {
    name: 'I21: `changedSince` tells exactly the messages that changed after that MODSEQ (RFC 7162 §3.1.4.1)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letter(), letter(), letter(), letter()])
      const points = [(await inbox.status()).highestModSeq]
      const mark = async (): Promise<void> => {
        points.push((await inbox.status()).highestModSeq)
      }
      await inbox.flag(runs(2, 2), { kind: 'add', flags: ['x'] })
      await mark()
      await inbox.flag(runs(1, 3), { kind: 'add', flags: ['x'] })
      await mark()
      await inbox.append([letter()])
      await mark()
      const since = async (modSeq: number): Promise<string> =>
        (await read(inbox, ALL_UIDS, [], { changedSince: modSeq as ModSeq })).map(({ uid }) => uid).join()
      same('after each point', await Promise.all(points.map(since)), ['1,2,3,5', '1,3,5', '5', ''])
      same('after nothing: all', await since(0), '1,2,3,4,5')
      const within = await read(inbox, runs(2, 4), [], { changedSince: points[0] ?? (0 as ModSeq) })
      same('within the ranges only', within.map(({ uid }) => uid).join(), '2,3')
    },
  },
  {
    name: 'I19: HIGHESTMODSEQ is at least every MODSEQ of the mailbox and never falls, whatever is expunged (RFC 7162 §3.1.2.1)',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      let last = 0
      const check = async (when: string): Promise<void> => {
        const { highestModSeq } = await inbox.status()
        promised(`it does not fall ${when}`, highestModSeq >= last, () => `${highestModSeq} after ${last}`)
        for (const record of await read(inbox))
          promised(`it covers every message ${when}`, record.modSeq <= highestModSeq, () => line(record))
        last = highestModSeq
      }
      await inbox.append([letter(), letter()])
      await check('after append')
      await inbox.flag(runs(2, 2), { kind: 'add', flags: ['x'] })
      await check('after flag')
      const before = last
      await inbox.expunge(runs(2, 2))
      await check('after expunge')
      promised('an expunge raises it', last > before, () => `${last}`)
      await inbox.expunge(ALL_UIDS)
      await check('when empty')
      await account.create('box')
      await inbox.append([letter()])
      await check('after all')
    },
  },
  {
    name: 'I24: what vanished since a MODSEQ is never less than what was expunged after it, and never a UID that lives or is yet to come (RFC 7162 §3.2.5)',
    needs: ['vanishedSince'],
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const box = account.mailbox((await account.create('box')).id)
      await inbox.append(Array.from({ length: 12 }, () => letter()))
      const gone: { readonly uid: number; readonly after: ModSeq }[] = []
      const points: ModSeq[] = [0 as ModSeq]
      for (const uids of [runs(3, 3), runs(1, 1, 5, 6), runs(12, 12), runs(4, 4, 11, 11)]) {
        const { highestModSeq } = await inbox.status()
        points.push(highestModSeq)
        for (const { first, last } of await inbox.expunge(uids)) {
          for (let uid = Number(first); uid <= last; uid++) gone.push({ uid, after: highestModSeq })
        }
        await inbox.flag(runs(7, 8), { kind: 'add', flags: [`f${points.length}`] })
        await inbox.append([letter()])
      }
      points.push((await inbox.status()).highestModSeq)
      const living = (await read(inbox)).map(({ uid }) => uid)
      const { uidNext } = await inbox.status()
      for (const point of points) {
        const vanished = (await inbox.vanishedSince?.(point)) ?? []
        const text = runsText('vanishedSince', vanished)
        const has = (uid: number): boolean => vanished.some(({ first, last }) => uid >= first && uid <= last)
        const missing = gone.filter(({ uid, after }) => after >= point && !has(uid)).map(({ uid }) => uid)
        promised(`everything that was expunged after ${point}`, missing.length === 0, () => `${text}, without ${missing.join()}`)
        promised('no UID that lives', !living.some(has), () => `${text}, while ${living.join()} live`)
        promised('no UID to come', (vanished.at(-1)?.last ?? 0) < uidNext, () => `${text}, while UIDNEXT is ${uidNext}`)
      }
      same('nothing vanished from another mailbox', await box.vanishedSince?.(0 as ModSeq), [])
    },
  },
  {
    name: 'I24: where history was cut, what vanished is more than what was expunged, and still never UID 1 or another that lives (RFC 7162 §3.2.5.1, §5.3)',
    needs: ['vanishedSince'],
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append(Array.from({ length: CUT }, () => letter()))
      const points: ModSeq[] = [0 as ModSeq, 1 as ModSeq]
      // One change for each, so that a store that keeps few of them forgets the first; UID 1, one in the middle and the last live.
      const middle = CUT / 2
      for (let uid = 2; uid < CUT; uid++) {
        if (uid === middle) continue
        if (uid % 10 === 2) points.push((await inbox.status()).highestModSeq)
        await inbox.expunge(runs(uid, uid))
        if (uid % 5 === 0) await inbox.flag(runs(1, 1), { kind: uid % 2 === 0 ? 'add' : 'remove', flags: ['kept'] })
      }
      await Promise.all(
        Array.from({ length: LATER }, (_, at) => inbox.flag(runs(1, 1), { kind: at % 2 === 0 ? 'add' : 'remove', flags: ['late'] })),
      )
      for (const [at, point] of points.entries()) {
        const vanished = (await inbox.vanishedSince?.(point)) ?? []
        const text = runsText('vanishedSince', vanished)
        const has = (uid: number): boolean => vanished.some(({ first, last }) => uid >= first && uid <= last)
        for (const uid of [1, middle, CUT]) promised(`UID ${uid} lives and has not vanished since ${point}`, !has(uid), () => text)
        const expungedSince = at < 2 ? 2 : 2 + (at - 2) * 10
        for (let uid = expungedSince; uid < CUT; uid++) {
          if (uid !== middle) promised(`UID ${uid} vanished since ${point}`, has(uid), () => text)
        }
      }
    },
  },
]
