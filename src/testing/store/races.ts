/** Cases with many writers and readers on one mailbox: nothing ever becomes visible late. RFC 9051 §2.3.1.1; RFC 7162 §3.1.2.1. */

import { ALL_UIDS, type Mailbox, type MailboxChange, type ModSeq } from '../../contracts/index.ts'
import { copyOf, rising, upToDate } from './copy.ts'
import {
  inboxOf,
  letter,
  line,
  octets,
  open,
  promised,
  read,
  runs,
  same,
  slowSource,
  type StoreCase,
  whileLooking,
  type World,
} from './world.ts'

const WRITERS = 6
const ROUNDS = 12

/** Many writers at once, of every kind; each waits for its own calls only. */
async function writers(world: World, into: string): Promise<void> {
  const boxes = await Promise.all(Array.from({ length: WRITERS }, async () => inboxOf(await open(world))))
  const slow = (n: number): ReturnType<typeof letter> =>
    letter({ text: `${n}`, content: slowSource(octets(`letter ${n}\r\n`.repeat(1 + (n % 7)))), internalDate: n * 1000 })
  await Promise.all([
    ...boxes.map(async (box, writer) => {
      for (let round = 0; round < ROUNDS; round++) {
        const n = writer * 1000 + round
        const { uids } = await box.append(round % 3 === 0 ? [slow(n), slow(n), slow(n)] : [slow(n)])
        const uid = uids[0] ?? 0
        if (round % 2 === 0) await box.flag(runs(1, uid), { kind: 'add', flags: [`by-${writer}-${round}`] })
        if (round % 3 === 1) await box.copy(runs(uid, uid), into)
        if (round % 4 === 2) await box.expunge(runs(uid, uid))
        if (round % 4 === 3) await box.move?.(runs(uid, uid), into)
      }
    }),
    (async () => {
      const box = boxes[0]
      for (let n = 0; n < ROUNDS; n++) await world.store.deliver?.([{ account: 'ann', message: slow(90_000 + n) }])
      await box?.flag(ALL_UIDS, { kind: 'remove', flags: ['by-0-0'] })
    })(),
  ])
}

/** Looks at a mailbox again and again: what differs from the last look must have a MODSEQ above the HIGHESTMODSEQ before that. */
function lateness(mailbox: Mailbox): () => Promise<void> {
  let seen = new Map<number, number>()
  let highest = 0
  return async () => {
    const { highestModSeq } = await mailbox.status()
    const records = await read(mailbox)
    for (const { uid, modSeq } of records) {
      const late = seen.get(uid) !== modSeq && modSeq <= highest
      promised(
        'no change appears at or below a HIGHESTMODSEQ that was seen',
        !late,
        () => `UID ${uid} has MODSEQ ${modSeq} after ${highest}`,
      )
    }
    seen = new Map(records.map(({ uid, modSeq }) => [uid, modSeq]))
    highest = highestModSeq
  }
}

/** Cases with many at once. */
export const raceCases: readonly StoreCase[] = [
  {
    name: 'I2: however many write at once, no UID ever becomes visible below one that was visible, and UIDNEXT is above all (RFC 9051 §2.3.1.1)',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const { id: into } = await account.create('box')
      const looker = async (mailbox: Mailbox): Promise<() => Promise<void>> => {
        let seen = new Set<number>()
        let highest = 0
        return async () => {
          const { uidNext } = await mailbox.status()
          promised('UIDNEXT does not fall and is above all that is visible', uidNext > highest, () => `UIDNEXT ${uidNext}, UID ${highest}`)
          const uids = (await read(mailbox)).map(({ uid }) => Number(uid))
          const late = uids.filter(uid => !seen.has(uid) && uid <= highest)
          promised('a new UID is above all that were visible', late.length === 0, () => `UIDs ${late.join()} after ${highest}`)
          const early = uids.filter(uid => uid < uidNext && !seen.has(uid) && uid <= highest)
          promised('nothing new appears below an announced UIDNEXT', early.length === 0, () => early.join())
          seen = new Set([...seen, ...uids])
          // UIDNEXT was announced: whatever appears from now on must be at least that.
          highest = Math.max(highest, uidNext - 1, ...uids)
        }
      }
      const looks = await Promise.all([looker(inbox), looker(account.mailbox(into)), looker(await inboxOf(await open(world)))])
      await whileLooking(
        async () => {
          await Promise.all(looks.map(look => look()))
        },
        () => writers(world, into),
      )
    },
  },
  {
    name: 'I20: however many write at once, no change appears at or below a HIGHESTMODSEQ that was seen; a client that only catches up misses nothing (RFC 7162 §3.1.2.1)',
    needs: ['vanishedSince'],
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const { id: into } = await account.create('box')
      const box = account.mailbox(into)
      const copies = [copyOf([]), copyOf([])]
      const looks = [lateness(inbox), lateness(box)]
      await whileLooking(
        async () => {
          await Promise.all([copies[0]?.catchUp(inbox), copies[1]?.catchUp(box), ...looks.map(look => look())])
        },
        () => writers(world, into),
      )
      for (const [at, mailbox] of [inbox, box].entries()) {
        const copy = copies[at]
        if (copy !== undefined) await upToDate('a client that caught up many times has what is there', copy, mailbox)
      }
    },
  },
  {
    name: 'I18, I20: however many write at once, changes are told in order of MODSEQ, and a copy kept by them equals what is there',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const { id: into } = await account.create('box')
      const box = account.mailbox(into)
      const told: MailboxChange[] = []
      const copies = [copyOf([]), copyOf([])]
      const faults: unknown[] = []
      account.watch(change => {
        told.push(change)
        try {
          copies[0]?.apply(change, inbox.id)
          copies[1]?.apply(change, into)
        } catch (fault) {
          faults.push(fault)
        }
      })
      await writers(world, into)
      if (faults.length > 0) throw faults[0]
      rising('told', told)
      for (const [at, mailbox] of [inbox, box].entries())
        same('the copy equals what is there', copies[at]?.lines(), (await read(mailbox)).map(line))
    },
  },
  {
    name: 'I31: whoever was told a change, or whose own call resolved, reads it from then on',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      let toldUid = 0
      let toldModSeq = 0
      account.watch(change => {
        toldModSeq = change.modSeq
        if (change.kind === 'added' && change.mailbox === inbox.id) toldUid = change.messages.at(-1)?.uid ?? 0
      })
      await whileLooking(
        async () => {
          const [uid, modSeq] = [toldUid, toldModSeq]
          const { uidNext, highestModSeq } = await inbox.status()
          promised('a UID that was told counts', uidNext > uid, () => `UIDNEXT ${uidNext} after UID ${uid} was told`)
          promised('a MODSEQ that was told counts', highestModSeq >= modSeq, () => `${highestModSeq} after ${modSeq} was told`)
        },
        () =>
          Promise.all(
            Array.from({ length: WRITERS }, async (_, writer) => {
              for (let round = 0; round < ROUNDS; round++) {
                const { uids } = await inbox.append([letter({ content: slowSource(octets('x')) })])
                const uid = uids[0] ?? 0
                const flag = `own-${writer}`
                const { modSeq } = await inbox.flag(runs(uid, uid), { kind: 'add', flags: [flag] })
                const [record] = await read(inbox, runs(uid, uid))
                same('its own change is there', [record?.flags, record?.modSeq], [[flag], modSeq])
                const changedSince = ((modSeq ?? 1) - 1) as ModSeq
                const found = await read(inbox, runs(uid, uid), [], { changedSince })
                same('and is found by its MODSEQ', found.length, 1)
              }
            }),
          ),
      )
    },
  },
]
