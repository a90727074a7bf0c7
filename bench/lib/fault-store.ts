/**
 * A small fixed use of a store in a process of its own, some call of which to the disk fails: does everything that a store can, tries again
 * once what was refused, and writes down what was acknowledged. Arguments: the folder, the file for the report.
 */

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_UIDS, type MailAccount, type MailboxId, type NewMessage, type SpooledMessage, type Uid } from 'mailwright/contracts'
import { fileSpool, sqliteStore } from 'mailwright/stores/sqlite'
import { type FaultReport, type Kept, told } from './fault-report.ts'

const [, , folder = '', file = ''] = process.argv

const report: FaultReport = { attempts: [], kept: [], gone: [], maybe: [], queued: [], boxes: {}, backup: undefined, isOver: false }
process.on('exit', () => writeFileSync(file, JSON.stringify(report)))

/** Runs one step, twice if the first time is refused. `undefined` when both are. */
async function step<T>(name: string, act: () => T | Promise<T>, isReading: boolean = false): Promise<T | undefined> {
  for (const attempt of [1, 2]) {
    try {
      const value = await act()
      report.attempts.push({ name, attempt, isReading })
      return value
    } catch (error) {
      report.attempts.push({ name, attempt, isReading, fault: told(error) })
    }
  }
  return undefined
}

async function allOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

let names = 0

/** Octets that tell their own name and sum. */
function octetsOf(size: number): { readonly name: string; readonly octets: Uint8Array } {
  const name = `m${++names}`
  const body = `${name} `.repeat(Math.ceil(size / (name.length + 1))).slice(0, size)
  const sum = createHash('sha256').update(body).digest('hex')
  return { name, octets: new TextEncoder().encode(`Subject: ${name}\r\nX-Sum: ${sum}\r\n\r\n${body}`) }
}

function messageOf(octets: Uint8Array, content: NewMessage['content'] = sourceOf(octets)): NewMessage {
  return { content, summary: octets.subarray(0, 40), flags: [], internalDate: 1_700_000_000_000 }
}

function sourceOf(octets: Uint8Array): NewMessage['content'] {
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

function keep(account: string, mailbox: MailboxId, uid: Uid, name: string, flags: readonly string[] = []): void {
  report.kept.push({ account, mailbox, uid, name, flags: [[...flags]] })
}

function keptIn(mailbox: MailboxId): Kept[] {
  return report.kept.filter(kept => kept.mailbox === mailbox)
}

/** What a step that was refused may have done all the same is allowed afterwards. */
async function attempt<T>(name: string, act: () => Promise<T>, unsure: () => void): Promise<T | undefined> {
  return step(name, async () => {
    try {
      return await act()
    } catch (error) {
      unsure()
      throw error
    }
  })
}

async function deliver(store: ReturnType<typeof sqliteStore>, name: string, size: number, spooled?: SpooledMessage): Promise<void> {
  let made = octetsOf(size)
  await attempt(
    name,
    async () => {
      const message = messageOf(made.octets, spooled)
      const results = await store.deliver(['ann', 'bob'].map(account => ({ account, message })))
      for (const result of results) {
        if (!result.ok) throw result.error
        keep(result.account, result.mailbox, result.uid, spooled === undefined ? made.name : `m${names}`)
      }
    },
    () => {
      report.maybe.push(made.name)
      if (spooled === undefined) made = octetsOf(size)
    },
  )
}

async function append(account: MailAccount, mailbox: MailboxId, name: string, sizes: readonly number[]): Promise<void> {
  let made = sizes.map(octetsOf)
  await attempt(
    name,
    async () => {
      const { uids } = await account.mailbox(mailbox).append(made.map(({ octets }) => messageOf(octets)))
      for (const [at, uid] of uids.entries()) keep(account.id, mailbox, uid, made[at]?.name ?? '')
    },
    () => {
      report.maybe.push(...made.map(({ name: own }) => own))
      made = sizes.map(octetsOf)
    },
  )
}

/** Reads everything, and compares it with what was acknowledged. */
async function readBack(account: MailAccount, boxes: readonly MailboxId[]): Promise<void> {
  for (const id of boxes) {
    await step(
      `read ${account.id}`,
      async () => {
        const box = account.mailbox(id)
        await box.status()
        const found = new Map<number, string>()
        for await (const page of box.records(ALL_UIDS, ['source', 'summary'])) {
          for (const { uid, source } of page) {
            const octets = (await source?.read(0, source.size)) ?? new Uint8Array()
            found.set(uid, /^Subject: (.*)\r\n/.exec(Buffer.from(octets.subarray(0, 60)).toString('latin1'))?.[1] ?? '?')
          }
        }
        for (const { uid, name, isUnsure } of keptIn(id)) {
          if (isUnsure !== true && found.get(uid) !== name) throw new Error(`UID ${uid} of ${id} is ${found.get(uid)}, not ${name}`)
        }
      },
      true,
    )
  }
}

async function change(ann: MailAccount, inbox: MailboxId, work: MailboxId): Promise<void> {
  const [first, second, third] = keptIn(inbox)
  const [ofWork] = keptIn(work)
  const range = (kept: Kept | undefined): { readonly first: Uid; readonly last: Uid }[] =>
    kept === undefined ? [] : [{ first: kept.uid, last: kept.uid }]
  const box = ann.mailbox(inbox)
  if (first !== undefined) {
    await attempt(
      'flag',
      () => box.flag(range(first), { kind: 'add', flags: [String.raw`\Seen`, 'Blue'] }),
      () => first.flags.push([String.raw`\Seen`, 'Blue']),
    ).then(done => done !== undefined && (first.flags = [[String.raw`\Seen`, 'Blue']]))
    const copied = await attempt(
      'copy',
      () => box.copy(range(first), work),
      () => report.maybe.push(first.name),
    )
    for (const uid of copied?.to ?? []) keep('ann', work, uid, first.name, first.flags[0])
    if (copied !== undefined) for (const kept of keptIn(work).slice(-copied.to.length)) kept.flags = first.flags
  }
  if (second !== undefined) {
    const moved = await attempt(
      'move',
      async () => (await box.move?.(range(second), work)) ?? { to: [] },
      () => {
        second.isUnsure = true
        report.maybe.push(second.name)
      },
    )
    for (const uid of moved?.to ?? []) {
      keep('ann', work, uid, second.name)
      lose(second)
    }
  }
  for (const doomed of [third, ofWork]) {
    if (doomed === undefined) continue
    const gone = await attempt(
      'expunge',
      () => ann.mailbox(doomed.mailbox).expunge(range(doomed)),
      () => (doomed.isUnsure = true),
    )
    if (gone !== undefined) lose(doomed)
  }
}

function lose(kept: Kept): void {
  report.kept.splice(report.kept.indexOf(kept), 1)
  report.gone.push(kept)
}

async function useQueue({ queue, suppressions }: ReturnType<typeof sqliteStore>): Promise<void> {
  await step('watch the queue', () => queue.watch(() => undefined), true)
  for (const size of [300, 20_000, 300_000]) {
    const { name, octets } = octetsOf(size)
    const message = {
      from: 'ann@example.org',
      origin: 'api' as const,
      recipients: [{ address: 'x@a.example' }, { address: 'y@b.example' }],
    }
    const answer = await step('enqueue', () =>
      queue.enqueue({ ...message, account: 'ann', idempotencyKey: name, content: sourceOf(octets) }),
    )
    if (answer !== undefined) report.queued.push({ id: answer.id, name, settled: [] })
  }
  const leases = (await step('lease', () => queue.lease({ limit: 2, leaseMs: 60_000 }))) ?? []
  const [lease] = leases
  if (lease !== undefined) {
    await step('read a lease', async () => void (await lease.content.read(0, lease.content.size)), true)
    await step('renew', () => queue.renew([lease], 120_000))
    const outcome = { kind: 'delivered' as const, status: { at: Date.now(), code: '2.0.0' as const, text: 'fine' } }
    const outcomes = lease.recipients.map(({ index }) => ({ index, outcome }))
    const settled = await step('settle', () => queue.settle([{ id: lease.id, token: lease.token, outcomes }]))
    if (settled?.length === 0) report.queued.find(({ id }) => id === lease.id)?.settled.push(...lease.recipients.map(({ index }) => index))
  }
  await step('list the queue', async () => allOf(queue.list()), true)
  await step('count the queue', () => queue.counts(), true)
  await step('suppress', () => suppressions.suppress({ address: 'z@c.example', reason: 'operator', since: Date.now() }))
}

async function spooled(spool: ReturnType<typeof fileSpool>, octets: Uint8Array): Promise<SpooledMessage> {
  const writer = spool.begin()
  try {
    for (let at = 0; at < octets.length; at += 100_000) await writer.write(octets.slice(at, at + 100_000))
    return await writer.finish()
  } catch (error) {
    writer.discard()
    throw error
  }
}

async function main(): Promise<void> {
  const store = await step('open', () =>
    sqliteStore({ path: join(folder, 'mail'), segmentSize: 400_000, pollInterval: 20, compactEvery: 0 }),
  )
  if (store === undefined) return
  const spool = await step('open the spool', () => fileSpool({ directory: join(folder, 'spool'), memoryLimit: 1000 }))
  const [ann, bob] = [await step('open ann', () => store.open('ann')), await step('open bob', () => store.open('bob'))]
  const work = await step('create', () => ann?.create('Work'))
  if (ann !== undefined) await step('watch', () => ann.watch(() => undefined), true)
  await deliver(store, 'deliver small', 500)
  await deliver(store, 'deliver medium', 40_000)
  if (spool !== undefined) {
    const { octets } = octetsOf(300_000)
    const message = await step('spool', () => spooled(spool, octets))
    if (message !== undefined) {
      await step('read the spool', async () => void (await message.read(0, 100)), true)
      names--
      await deliver(store, 'deliver a file', 300_000, message)
      await step('dispose', () => message.dispose(), true)
    }
  }
  const inbox = (await step('list mailboxes', async () => ann?.mailboxes(), true))?.find(({ name }) => name === 'INBOX')?.id
  const bobs = (await step('list mailboxes', async () => bob?.mailboxes(), true))?.find(({ name }) => name === 'INBOX')?.id
  if (ann !== undefined && work !== undefined && inbox !== undefined) {
    report.boxes['ann'] = [inbox, work.id]
    await append(ann, work.id, 'append a large one', [280_000])
    await append(ann, work.id, 'append three', [100, 3000, 70_000])
    await change(ann, inbox, work.id)
    await step('rename', () => ann.rename(work.id, `Work${report.attempts.length}`))
    const box = await step('create another', () => ann.create(`Short${report.attempts.length}`))
    if (box !== undefined) await step('remove', () => ann.remove(box.id))
    await readBack(ann, [inbox, work.id])
  }
  if (bob !== undefined && bobs !== undefined) {
    report.boxes['bob'] = [bobs]
    await readBack(bob, [bobs])
  }
  await useQueue(store)
  for (const run of ['compact', 'compact again']) await step(run, () => store.compact({ grace: 0 }))
  const problems = await step('verify', () => allOf(store.verify()), true)
  // A file that nothing needs stays where removing fails: that is told, and harmless.
  for (const { kind, text } of problems ?? []) if (kind !== 'stray-file') report.attempts.push({ name: text, attempt: 0, isReading: true })
  const before = report.kept.filter(({ isUnsure }) => isUnsure !== true).map(({ account, name }) => `${account} ${name}`)
  if ((await step('backup', () => store.backup(join(folder, 'copy')))) !== undefined) report.backup = before
  if (ann !== undefined && inbox !== undefined) {
    await append(ann, inbox, 'append at last', [1000])
    await readBack(ann, report.boxes['ann'] ?? [])
  }
  await step('close', () => store.close())
  report.isOver = true
}

await main()
