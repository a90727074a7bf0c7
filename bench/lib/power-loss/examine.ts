/** Puts a state into a folder, opens the store there as its next process would, and reads everything. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_UIDS, type MailAccount, type MessageSource, type Queue, type UidRange } from 'mailwright/contracts'
import { AFTER, type Doors, frontDoors, quickDoors } from './doors.ts'
import { type Contents, flagsOf, type Owed, placeOf } from './owed.ts'
import type { State } from './states.ts'
import { octetsNamed } from './story.ts'

const STORE = 'data/mail'
const BACKUP = 'data/backup'
/** The octets of the names met so far. */
const known = new Map<string, Buffer>()

/** The folder in which states are put one after the other. */
export class Bench {
  readonly #folder: string
  /** Files that no store writes to again, as they lie there: by path, their keys. */
  readonly #kept = new Map<string, string>()
  readonly #backups = new Map<string, number | string>()

  /** `memory`: a folder of a file system in memory. */
  constructor(memory: string) {
    this.#folder = mkdtempSync(join(memory, 'mailwright-states-'))
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** What is wrong with a state. `whole`: by the doors and threads that an application uses, which takes ten times as long. */
  async problems(state: State, owed: Owed, moment: number, whole: boolean): Promise<readonly string[]> {
    this.#put(state)
    try {
      return await this.#look(state, owed, moment, whole)
    } catch (error) {
      return [`it cannot be used: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
    }
  }

  async #look(state: State, owed: Owed, moment: number, whole: boolean): Promise<readonly string[]> {
    const path = join(this.#folder, STORE)
    const doors = whole ? frontDoors(path) : quickDoors(path)
    try {
      const problems = [...(await doors.verify())]
      const accounts = new Set(await doors.accounts())
      const found = { ...(await read(doors, accounts)), accounts, backups: await this.#lookAtBackups(state) }
      problems.push(...owed.problems(moment, found))
      const [box, uid] = await doors.deliver()
      const least = owed.nextUid(box, moment)
      if (uid < least) problems.push(`the next message got UID ${uid}, ${least - 1} was given before`)
      const source = await sourceOf(await doors.open('ann'), box, uid)
      if (source === undefined || (await nameOf(source)) !== AFTER) problems.push('what was delivered afterwards is not there')
      return problems
    } finally {
      await doors.close()
    }
  }

  /** A backup is whole where it has its name, and then it is a store. */
  async #lookAtBackups(state: State): Promise<ReadonlyMap<string, number>> {
    const path = join(this.#folder, BACKUP)
    if (!existsSync(join(path, 'mail.sqlite'))) return new Map()
    const key = [...state.files].flatMap(([name, { key }]) => (name.startsWith(`${BACKUP}/`) ? [`${name} ${key}`] : [])).join('\n')
    const known = this.#backups.get(key) ?? (await lookAtBackup(path))
    this.#backups.set(key, known)
    if (typeof known === 'string') throw new Error(known)
    return new Map([['backup', known]])
  }

  #put({ folders, files }: State): void {
    for (const path of filesIn(this.#folder, '')) {
      const found = files.get(path)
      if (found !== undefined && this.#kept.get(path) === found.key) continue
      this.#kept.delete(path)
      if (found === undefined) rmSync(join(this.#folder, path))
    }
    const there = new Set(folders)
    for (const path of foldersIn(this.#folder, '')) if (!there.has(path)) rmSync(join(this.#folder, path), { recursive: true, force: true })
    for (const path of folders) mkdirSync(join(this.#folder, path), { recursive: true })
    for (const [path, { data, key }] of files) {
      if (this.#kept.get(path) === key) continue
      writeFileSync(join(this.#folder, path), data)
      if (path.startsWith(`${STORE}/segments/`)) this.#kept.set(path, key)
    }
  }
}

async function lookAtBackup(path: string): Promise<number | string> {
  const doors = quickDoors(path)
  try {
    const problems = await doors.verify()
    if (problems.length > 0) return `the backup is damaged: ${problems.join('; ')}`
    let messages = 0
    for (const account of await doors.accounts()) messages += (await (await doors.open(account)).usage?.())?.messages ?? 0
    return messages
  } finally {
    await doors.close()
  }
}

type Read = Omit<Contents, 'accounts' | 'backups'>

async function read(doors: Doors, accounts: ReadonlySet<string>): Promise<Read> {
  const boxes = new Map<string, { readonly name: string; readonly uidNext: number; readonly modSeq: number }>()
  const messages = new Map<string, { readonly name: string | undefined; readonly flags: string }>()
  for (const name of accounts) {
    const account = await doors.open(name)
    for (const { id, name } of await account.mailboxes()) {
      const mailbox = account.mailbox(id)
      const { uidNext, highestModSeq } = await mailbox.status()
      boxes.set(id, { name, uidNext, modSeq: highestModSeq })
      for await (const page of mailbox.records(ALL_UIDS, ['source'])) {
        for (const { uid, flags, source } of page) {
          messages.set(placeOf(id, uid), { name: source === undefined ? undefined : await nameOf(source), flags: flagsOf(flags) })
        }
      }
    }
  }
  return { boxes, messages, queue: await queueOf(doors.queue) }
}

async function queueOf(doors: Queue): Promise<Contents['queue']> {
  const queue = new Map<string, Contents['queue'] extends ReadonlyMap<string, infer Entry> ? Entry : never>()
  for (const state of [undefined, 'delivered', 'failed'] as const) {
    for await (const { id, envelopeId, recipients } of doors.list(state === undefined ? {} : { state })) {
      if (queue.has(id)) continue
      const content = await doors.content(id)
      const states = recipients.map(recipient => recipient.state)
      queue.set(id, { name: content === undefined ? undefined : await nameOf(content), envelopeId, states })
    }
  }
  return queue
}

async function sourceOf(account: MailAccount, box: string, uid: number): Promise<MessageSource | undefined> {
  const range = { first: uid, last: uid } as UidRange
  for await (const [record] of account.mailbox(box).records([range], ['source'])) return record?.source
  return undefined
}

/** The name of a whole message of the workload; `undefined` for other octets. */
async function nameOf(source: MessageSource): Promise<string | undefined> {
  const octets = await source.read(0, source.size)
  const start = Buffer.from(octets.buffer, octets.byteOffset, Math.min(octets.length, 80)).toString('latin1')
  const name = /^Subject: (\S+:\d+)\r/.exec(start)?.[1]
  if (name === undefined) return undefined
  let wanted = known.get(name)
  if (wanted === undefined) known.set(name, (wanted = octetsNamed(name)))
  return Buffer.compare(wanted, octets) === 0 ? name : undefined
}

function filesIn(root: string, path: string): readonly string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap(entry => {
    const full = path === '' ? entry.name : `${path}/${entry.name}`
    return entry.isDirectory() ? filesIn(root, full) : [full]
  })
}

function foldersIn(root: string, path: string): readonly string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap(entry => {
    const full = path === '' ? entry.name : `${path}/${entry.name}`
    return entry.isDirectory() ? [full, ...foldersIn(root, full)] : []
  })
}
