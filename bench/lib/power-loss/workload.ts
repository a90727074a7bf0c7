/**
 * The process that is recorded: everything that a store does in little, several operations at once, each told to the ledger before it
 * begins and when its promise resolved. Arguments: the act, the folder of the store, the ledger.
 */

import { openSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ALL_UIDS, type MailAccount, type MailboxId, type MessageSource, type NewMessage, type UidRange } from 'mailwright/contracts'
import { sqliteStore, type SqliteStore } from 'mailwright/stores/sqlite'
import { type Effects, type Line, octetsNamed, type Placed } from './story.ts'

const [, , act = '', folder = '', ledgerPath = '', first = '1'] = process.argv
const ledger = openSync(ledgerPath, 'a')
const DATE = 1_700_000_000_000
const HOUR = 3_600_000
let next = Number(first)

function tell(line: Line): void {
  writeSync(ledger, `${JSON.stringify(line)}\n`)
}

/** An operation between its two lines. */
async function told<T>(names: readonly string[], run: () => Promise<T>, effects: (value: T) => Effects): Promise<T> {
  const op = next++
  tell({ kind: 'begun', op, names })
  const value = await run()
  tell({ kind: 'answered', op, effects: effects(value) })
  return value
}

function sourceOf(name: string, inFile = false): MessageSource {
  const octets = octetsNamed(name)
  const source = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
  if (!inFile) return source
  const path = join(dirname(ledgerPath), '..', `source-${name.replace(':', '-')}`)
  writeFileSync(path, octets)
  return { ...source, file: { path, start: 0 } }
}

function messageOf(name: string, flags: readonly string[] = [], inFile = false): NewMessage {
  return { content: sourceOf(name, inFile), summary: new TextEncoder().encode(name), flags, internalDate: DATE }
}

/** Appends one message or several as one step. */
function append(
  account: MailAccount,
  box: MailboxId,
  names: readonly string[],
  flags: readonly string[] = [],
  inFile = false,
): Promise<readonly Placed[]> {
  const placed: Placed[] = []
  return told(
    names,
    async () => {
      const { uids } = await account.mailbox(box).append(names.map(name => messageOf(name, flags, inFile)))
      placed.push(...uids.map((uid, at) => ({ box, uid, name: names[at] ?? '', flags })))
      return placed
    },
    added => ({ added }),
  )
}

function deliver(store: SqliteStore, accounts: readonly string[], name: string): Promise<readonly Placed[]> {
  return told(
    [name],
    async () => {
      const message = messageOf(name)
      const results = await store.deliver(accounts.map(account => ({ account, message })))
      return results.map(result => {
        if (!result.ok) throw result.error
        return { box: result.mailbox, uid: result.uid, name, flags: [] }
      })
    },
    added => ({ added }),
  )
}

function flag(account: MailAccount, { box, uid }: Placed, flags: readonly string[]): Promise<unknown> {
  return told(
    [],
    () => account.mailbox(box).flag(ranges([uid]), { kind: 'set', flags }),
    () => ({ flagged: [{ box, uid, flags }] }),
  )
}

function ranges(uids: readonly number[]): readonly UidRange[] {
  return uids.map(uid => ({ first: uid, last: uid }) as UidRange)
}

function carry(how: 'copy' | 'move', account: MailAccount, messages: readonly Placed[], target: MailboxId): Promise<readonly Placed[]> {
  const { box } = messages[0] as Placed
  return told(
    messages.map(({ name }) => name),
    async () => {
      const mailbox = account.mailbox(box)
      const uids = ranges(messages.map(({ uid }) => uid))
      const { to } = (await (how === 'copy' ? mailbox.copy(uids, target) : mailbox.move?.(uids, target))) ?? { to: [] }
      return to.map((uid, at): Placed => ({ ...(messages[at] as Placed), box: target, uid }))
    },
    added => (how === 'copy' ? { added } : { added, gone: messages.map(({ box, uid }) => ({ box, uid })) }),
  )
}

function expunge(account: MailAccount, messages: readonly Placed[]): Promise<unknown> {
  const { box } = messages[0] as Placed
  return told(
    [],
    () => account.mailbox(box).expunge(ranges(messages.map(({ uid }) => uid))),
    () => ({ gone: messages.map(({ uid }) => ({ box, uid })) }),
  )
}

function create(account: MailAccount, name: string): Promise<MailboxId> {
  return told(
    [],
    async () => (await account.create(name)).id,
    id => ({ boxes: [{ id, account: account.id, name }] }),
  )
}

function rename(account: MailAccount, boxes: readonly (readonly [MailboxId, string])[]): Promise<unknown> {
  const [[id, name] = ['', '']] = boxes
  return told(
    [],
    () => account.rename(id, name),
    () => ({ boxes: boxes.map(([id, name]) => ({ id, account: account.id, name })) }),
  )
}

function remove(account: MailAccount, id: MailboxId): Promise<unknown> {
  return told(
    [],
    () => account.remove(id),
    () => ({ boxes: [{ id, account: account.id }] }),
  )
}

/** What a client hears of a mailbox that it looks at. */
async function look(account: MailAccount, boxes: readonly MailboxId[]): Promise<void> {
  for (const box of boxes) {
    await told(
      [],
      () => account.mailbox(box).status(),
      ({ uidNext, highestModSeq }) => ({ told: [{ box, uidNext, modSeq: highestModSeq }] }),
    )
  }
}

async function open(store: SqliteStore, name: string): Promise<readonly [MailAccount, MailboxId]> {
  let inbox = ''
  const account = await told(
    [],
    async () => {
      const account = await store.open(name)
      inbox = (await account.mailboxes())[0]?.id ?? ''
      return account
    },
    () => ({ account: name, boxes: [{ id: inbox, account: name, name: 'INBOX' }] }),
  )
  return [account, inbox]
}

function enqueue(
  store: SqliteStore,
  name: string,
  recipients: number,
  origin: 'submission' | 'notification' = 'submission',
): Promise<string> {
  return told(
    [name],
    async () => {
      const addresses = Array.from({ length: recipients }, (_, at) => ({ address: `r${at}@elsewhere.example` }))
      const { id } = await store.queue.enqueue({ from: 'ann@here.example', origin, content: sourceOf(name), recipients: addresses })
      return id
    },
    id => ({ queued: [{ id, name, recipients }] }),
  )
}

/** Leases what is due, then settles it: the first recipient of each message is delivered, the others fail with a bounce. */
async function work(store: SqliteStore, limit: number): Promise<void> {
  const leases = await told(
    [],
    () => store.queue.lease({ limit, leaseMs: 48 * HOUR }),
    leases => ({
      outcomes: leases.flatMap(({ id, recipients }) => recipients.map(({ index }) => ({ id, index, state: 'leased' as const }))),
    }),
  )
  await Promise.all(
    leases.map(({ id, token, recipients }) => {
      const ends = recipients.map(({ index }) => ({ id, index, state: index === 0 ? ('delivered' as const) : ('failed' as const) }))
      const fails = ends.some(({ state }) => state === 'failed')
      const status = { at: DATE, code: [2, 0, 0] as const, text: 'said' }
      const outcomes = ends.map(({ index, state }) => ({ index, outcome: { kind: state, status } }))
      const about = `bounce-${id}`
      const bounce = {
        about: id,
        message: {
          from: '',
          origin: 'notification' as const,
          envelopeId: about,
          content: sourceOf(`${about}:900`),
          recipients: [{ address: 'ann@here.example' }],
          notBefore: Date.now() + 24 * HOUR,
        },
      }
      return told(
        fails ? [`${about}:900`] : [],
        () => store.queue.settle([{ id, token, outcomes: outcomes as never }], fails ? { notifications: [bounce] } : {}),
        () => ({ outcomes: ends, ...(fails ? { bounce: about } : {}) }),
      )
    }),
  )
}

/** Small segments: they fill, are emptied and go. */
async function small(): Promise<void> {
  const store = sqliteStore({ path: folder, compactEvery: 0, segmentSize: 49_152 })
  const [ann, annInbox] = await open(store, 'ann')
  const [bob, bobInbox] = await open(store, 'bob')
  const [some, few] = await Promise.all([
    Promise.all([1, 2, 3, 4].map(n => append(ann, annInbox, [`a${n}:${n * 700}`], n === 2 ? ['\\Seen'] : []))),
    Promise.all([deliver(store, ['ann', 'bob'], 'd1:1800'), deliver(store, ['bob'], 'd2:5000')]),
    create(ann, 'Work'),
    enqueue(store, 'q1:1500', 2),
  ])
  const work1 = await create(ann, 'Old')
  const below = await create(ann, 'Old/Deep')
  await look(ann, [annInbox, work1])
  await append(ann, annInbox, ['m1:100', 'm2:20000', 'm3:40'])
  const [big] = await Promise.all([
    append(ann, annInbox, ['b1:30000'], ['$Label']),
    flag(ann, some[0]?.[0] as Placed, ['\\Seen', '\\Flagged']),
    deliver(store, ['bob', 'ann'], 'd3:26000'),
    rename(ann, [
      [work1, 'New'],
      [below, 'New/Deep'],
    ]),
  ])
  await Promise.all([
    carry('copy', ann, [some[1]?.[0] as Placed, ...big], work1),
    enqueue(store, 'q2:300', 1),
    flag(bob, few[1]?.[0] as Placed, ['\\Seen']),
  ])
  const moved = await carry('move', ann, [some[2]?.[0] as Placed, some[3]?.[0] as Placed], below)
  await Promise.all([work(store, 2), append(bob, bobInbox, ['c1:9000'])])
  await look(ann, [annInbox, work1, below])
  await look(bob, [bobInbox])
  await Promise.all([expunge(ann, big), expunge(bob, [few[1]?.[0] as Placed]), flag(ann, moved[0] as Placed, ['\\Deleted'])])
  await Promise.all([expunge(ann, [moved[0] as Placed]), ...[5, 6, 7].map(n => deliver(store, ['bob'], `d${n}:${n * 2000}`))])
  await look(bob, [bobInbox])
  // Twice: what the first run finds unused goes with the second. The segments that were filled are emptied and their files removed.
  for (let run = 0; run < 2; run++) {
    await Promise.all([store.compact({ grace: -1 }), deliver(store, ['ann'], `during${run}:3000`)])
  }
  for (let n = 0; n < 6; n++)
    await Promise.all([flag(ann, some[0]?.[0] as Placed, n % 2 === 0 ? [] : ['\\Answered']), append(ann, annInbox, [`s${n}:200`])])
  // Long enough for the log to be moved into the database; the next change begins it anew, over what it held.
  await sleep(400)
  await remove(ann, work1)
  await Promise.all([deliver(store, ['ann', 'bob'], 'd8:700'), enqueue(store, 'q3:700', 3)])
  await look(ann, [annInbox, below])
  await store.close()
}

/** One large segment with zeros written ahead, contents that come in files, and a log that is moved and begun anew. */
async function large(): Promise<void> {
  const store = sqliteStore({ path: folder, compactEvery: 0, segmentSize: 2_000_000 })
  const [ann, inbox] = await open(store, 'ann')
  const [[kept]] = await Promise.all([
    append(ann, inbox, ['f1:290000']),
    append(ann, inbox, ['f2:40000'], [], true),
    deliver(store, ['bob'], 'e1:1000'),
  ])
  for (let n = 2; n < 5; n++) await deliver(store, ['ann', 'bob'], `e${n}:${n * 900}`)
  for (let n = 0; n < 6; n++) {
    await Promise.all([1, 2, 3, 4, 5].map(m => append(ann, inbox, [`g${n}${m}:${m * 150}`])))
    await flag(ann, kept as Placed, n % 2 === 0 ? ['\\Seen'] : ['\\Answered'])
  }
  await Promise.all([1, 2, 3].map(n => deliver(store, ['ann', 'bob'], `h${n}:2500`)))
  await Promise.all([enqueue(store, 'q4:2000', 2), work(store, 5)])
  await look(ann, [inbox])
  await told(
    [],
    () => store.backup(join(dirname(folder), 'backup')),
    ({ messages }) => ({ backup: { folder: 'backup', messages } }),
  )
  await append(ann, inbox, ['last:400'])
  await store.close()
}

/** Deliveries until somebody kills it. */
async function killed(): Promise<void> {
  const store = sqliteStore({ path: folder, compactEvery: 0 })
  await open(store, 'ann')
  for (let n = 0; n < 50; n++) await deliver(store, ['ann'], `k${n}:1200`)
  throw new Error('nobody killed it')
}

/** After a kill: a client looks at everything, before anything is written. */
async function seen(): Promise<void> {
  const store = sqliteStore({ path: folder, compactEvery: 0 })
  const account = await store.open('ann')
  for (const { id: box, name } of await account.mailboxes()) {
    if (name !== 'INBOX') continue
    await told(
      [],
      async () => {
        const added: Placed[] = []
        for await (const page of account.mailbox(box).records(ALL_UIDS, ['summary'])) {
          for (const { uid, flags, summary } of page) added.push({ box, uid, name: new TextDecoder().decode(summary), flags })
        }
        return added
      },
      added => ({ added }),
    )
    await look(account, [box])
  }
  process.exit(0)
}

if (act === 'small') await small()
else if (act === 'large') await large()
else if (act === 'killed') await killed()
else if (act === 'seen') await seen()
else throw new Error(`no act is called ${act}`)
