/**
 * A store of one's own: a journal for each account, in which every line is one call that changed something.
 *
 * Two equal copies of the account live in memory. A call is tried on the first, which nobody sees; if it succeeds it is
 * written down and synced; then it is made on the second, which everybody sees. So nothing is seen before it is durable, and
 * what a crash leaves is read by making all calls again. Journals only grow: this is an example, for small accounts.
 */

import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, readFile, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ALL_UIDS, type CallOptions, MailError, type MailAccount, type Mailbox, type MailStore } from 'mailwright/contracts'
import type { MessageSource, NewMessage, OpenOptions, QuotaLimits } from 'mailwright/contracts'
import { checkAccountId } from 'mailwright/stores'
import { memoryStore } from 'mailwright/stores/memory'

/** One line of a journal. */
interface Line {
  /** The mailbox whose method it is; left out for methods of the account. */
  readonly mailbox?: string
  readonly method: string
  readonly args: readonly unknown[]
}

/** A message as it stands in a line. */
interface Written extends Omit<NewMessage, 'content' | 'prefix' | 'summary'> {
  readonly octets: string
  readonly prefix: string
  readonly summary: string
}

async function written({ content, prefix = new Uint8Array(), summary, flags, internalDate }: NewMessage): Promise<Written> {
  const octets = await content.read(0, content.size)
  if (octets.length !== content.size) throw new MailError('corrupt', `${octets.length} octets of ${content.size} could be read`)
  const text = (part: Uint8Array): string => Buffer.from(part).toString('base64')
  return { octets: text(octets), prefix: text(prefix), summary: text(summary), flags, internalDate }
}

function readAgain({ octets, prefix, summary, flags, internalDate }: Written): NewMessage {
  const part = (text: string): Uint8Array => Buffer.from(text, 'base64')
  const content: MessageSource = { size: part(octets).length, read: (start, end) => part(octets).subarray(start, end) }
  return { content, prefix: part(prefix), summary: part(summary), flags, internalDate }
}

/** Makes the call that a line stands for. */
function make(account: MailAccount, { mailbox, method, args }: Line): Promise<unknown> {
  const target: object = mailbox === undefined ? account : account.mailbox(mailbox)
  const given = method === 'append' ? [(args[0] as Written[]).map(readAgain)] : args
  return (Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>).apply(target, [...given])
}

/** One account: its journal and both copies. */
class Journal {
  readonly #id: string
  readonly #file: FileHandle
  readonly #tried: MailStore
  readonly #seen: MailStore
  #last: Promise<unknown> = Promise.resolve()
  #failure: unknown

  private constructor(id: string, file: FileHandle, copies: readonly [tried: MailStore, seen: MailStore]) {
    this.#id = id
    this.#file = file
    ;[this.#tried, this.#seen] = copies
  }

  static async open(id: string, path: string): Promise<Journal> {
    // UIDVALIDITY must come out the same when the calls are made again, so it may not begin with the time.
    const copies = [memoryStore({ firstUidValidity: 1 }), memoryStore({ firstUidValidity: 1 })] as const
    const text = await readFile(path, { flag: 'a+' })
    // What follows the last line end was never acknowledged: cut it off, or the next line would be glued to it.
    const end = text.lastIndexOf(0x0a) + 1
    await truncate(path, end)
    // A new file lasts only when the folder that names it is synced too.
    await using parent = await open(dirname(path))
    await parent.sync()
    const lines = text.toString('utf8', 0, end).split('\n').slice(0, -1)
    for (const line of lines) for (const copy of copies) await make(await copy.open(id), JSON.parse(line) as Line)
    return new Journal(id, await open(path, 'a'), copies)
  }

  /** What everybody sees. */
  account(): Promise<MailAccount> {
    return this.#seen.open(this.#id)
  }

  /** Makes a change when its turn comes: tried, written, synced, seen. */
  write<T>(line: Line, quota: QuotaLimits, signal: AbortSignal | undefined): Promise<T> {
    const done = this.#last.then(async () => {
      signal?.throwIfAborted()
      if (this.#failure !== undefined) throw new MailError('unavailable', 'an earlier change was not written', { cause: this.#failure })
      await make(await this.#tried.open(this.#id, { quota }), line)
      try {
        await this.#file.appendFile(`${JSON.stringify(line)}\n`)
        await this.#file.datasync()
      } catch (error) {
        // Nobody knows what is on the disk now, so nothing more is promised until the journal is read afresh.
        this.#failure = error
        throw new MailError('unavailable', 'the change could not be written', { cause: error })
      }
      return (await make(await this.account(), line)) as T
    })
    this.#last = done.catch(() => undefined)
    return done
  }

  async close(): Promise<void> {
    await this.#last
    await this.#file.close()
    await this.#seen.close()
  }
}

/** A store that keeps journals in a folder, which must be there and used by one process only. */
export function journalStore(folder: string): MailStore {
  const journals = new Map<string, Promise<Journal>>()
  const running = new Set<Promise<unknown>>()
  let closed = false

  async function run<T>(options: CallOptions | undefined, call: () => Promise<T>): Promise<T> {
    if (closed) throw new MailError('unavailable', 'the store is closed')
    options?.signal?.throwIfAborted()
    const promise = call()
    running.add(promise)
    return promise.finally(() => running.delete(promise))
  }

  function accountOf(account: MailAccount, journal: Journal, quota: QuotaLimits): MailAccount {
    const write = <T>(line: Line, options: CallOptions | undefined): Promise<T> =>
      run(options, () => journal.write<T>(line, quota, options?.signal))
    return {
      id: account.id,
      mailboxes: options => run(options, () => account.mailboxes()),
      subscriptions: options => run(options, () => account.subscriptions()),
      usage: async options => (await run(options, async () => account.usage?.())) ?? { octets: 0, messages: 0 },
      watch: listener => account.watch(listener),
      create: (name, options) => write({ method: 'create', args: [name, { specialUse: options?.specialUse }] }, options),
      rename: (mailbox, name, options) => write({ method: 'rename', args: [mailbox, name] }, options),
      remove: (mailbox, options) => write({ method: 'remove', args: [mailbox] }, options),
      subscribe: (name, options) => write({ method: 'subscribe', args: [name] }, options),
      unsubscribe: (name, options) => write({ method: 'unsubscribe', args: [name] }, options),
      mailbox: id => mailboxOf(account.mailbox(id), journal, quota, write),
    }
  }

  function mailboxOf(
    box: Mailbox,
    journal: Journal,
    quota: QuotaLimits,
    write: <T>(line: Line, options?: CallOptions) => Promise<T>,
  ): Mailbox {
    const mailbox = box.id
    return {
      id: mailbox,
      status: options => run(options, () => box.status()),
      async *records(uids, columns, options) {
        if (closed) throw new MailError('unavailable', 'the store is closed')
        yield* box.records(uids, columns, options)
      },
      vanishedSince: async (modSeq, options) => (await run(options, async () => box.vanishedSince?.(modSeq))) ?? ALL_UIDS,
      append: (messages, options) =>
        run(options, async () => {
          const args = [await Promise.all(messages.map(written))]
          return journal.write({ mailbox, method: 'append', args }, quota, options?.signal)
        }),
      flag: (uids, change, options) =>
        write({ mailbox, method: 'flag', args: [uids, change, { unchangedSince: options?.unchangedSince }] }, options),
      copy: (uids, target, options) => write({ mailbox, method: 'copy', args: [uids, target] }, options),
      move: (uids, target, options) => write({ mailbox, method: 'move', args: [uids, target] }, options),
      expunge: (uids, options) => write({ mailbox, method: 'expunge', args: [uids, { having: options?.having }] }, options),
    }
  }

  return {
    open: (id: string, options: OpenOptions = {}) =>
      run(options, async () => {
        checkAccountId(id)
        // A name is data: it never becomes a path.
        const path = join(folder, `${createHash('sha256').update(id).digest('hex')}.jsonl`)
        const opening = journals.get(id) ?? Journal.open(id, path)
        journals.set(id, opening)
        const journal = await opening
        return accountOf(await journal.account(), journal, options.quota ?? {})
      }),
    async close() {
      closed = true
      await Promise.allSettled(running)
      for (const journal of await Promise.all(journals.values())) await journal.close()
    },
  }
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), 'journal-store-'))
  const ann = await journalStore(folder).open('ann')
  await ann.create('Archive', { specialUse: 'Archive' })
  console.log(`${folder} holds an account with ${(await ann.mailboxes()).map(({ name }) => name).join(' and ')}`)
}
