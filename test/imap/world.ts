/** A server in memory for transcripts: one account with the messages a test names, and a host around it. */

import { imapEngine } from 'mailwright/imap'
import type { ImapOptions } from 'mailwright/imap'
import { createHost } from 'mailwright/pipeline'
import { memoryStore } from 'mailwright/stores/memory'
import { FAKE_TLS, fakeClock, memorySpool, seededRandom } from 'mailwright/testing'
import type { FakeClock, MemorySpool, TranscriptSubject } from 'mailwright/testing'
import { accept, MailError } from 'mailwright/contracts'
import type {
  Account,
  Authenticator,
  Directory,
  Flag,
  MailAccount,
  Mailbox,
  MailStore,
  MessageRecord,
  Middleware,
  SpecialUse,
  Spool,
  TlsFacts,
  UidRange,
  Uid,
} from 'mailwright/contracts'

/** A message to begin with. */
export interface Seed {
  readonly text: string
  readonly flags?: readonly Flag[]
  /** Milliseconds since the epoch. Default: 2026-01-01T12:00:00Z. */
  readonly date?: number
  readonly mailbox?: string
}

/** How a world differs from the plain one. */
export interface WorldOptions {
  readonly messages?: readonly (string | Seed)[]
  readonly mailboxes?: readonly (string | { readonly name: string; readonly specialUse: SpecialUse })[]
  readonly imap?: ImapOptions
  readonly middleware?: readonly Middleware[]
  readonly tls?: TlsFacts | 'none'
  readonly quota?: Account['quota']
  readonly steps?: (world: World) => Readonly<Record<string, () => unknown>>
  readonly wrapStore?: (store: MailStore, clock: FakeClock) => MailStore
  readonly wrapSpool?: (spool: Spool) => Spool
  readonly errorsExpected?: boolean
}

/** A running world. */
export interface World extends TranscriptSubject {
  readonly store: MailStore
  readonly account: MailAccount
  readonly clock: FakeClock
  readonly spool: MemorySpool
  mailbox(name: string): Promise<Mailbox>
  append(seed: string | Seed): Promise<void>
}

/** Lines joined by CRLF, as messages are stored. */
export function lines(...text: readonly string[]): string {
  return text.join('\r\n') + '\r\n'
}

/** A message of a subject, and little more. */
export function mail(subject: string, body: string = 'Hello'): string {
  return lines(
    'From: Bob <bob@example.org>',
    'To: ann@example.org',
    `Subject: ${subject}`,
    'Date: Thu, 1 Jan 2026 12:00:00 +0000',
    '',
    body,
  )
}

/** Runs as stores take them. */
export function range(first: number, last: number = first): readonly UidRange[] {
  return [{ first: first as Uid, last: last as Uid }]
}

/** A store of which each account does one thing otherwise. */
function wrapAccounts<Name extends keyof MailAccount>(
  store: MailStore,
  name: Name,
  other: (account: MailAccount) => MailAccount[Name],
): MailStore {
  const accountOf = (account: MailAccount): MailAccount =>
    new Proxy(account, { get: (target, asked) => (asked === name ? other(target) : bound(target, asked)) })
  return { ...store, open: async (...args) => accountOf(await store.open(...args)), close: () => store.close() }
}

/** A store of which each mailbox is another one. */
function wrapMailboxes(store: MailStore, other: (mailbox: Mailbox) => Mailbox): MailStore {
  return wrapAccounts(store, 'mailbox', account => id => other(account.mailbox(id)))
}

/** A store that fails so many times to say which mailboxes there are. */
export function wrapMailboxLists(store: MailStore, failures: number): MailStore {
  let left = failures
  return wrapAccounts(store, 'mailboxes', account => async options => {
    if (left-- > 0) throw new MailError('unavailable', 'the store is away')
    return account.mailboxes(options)
  })
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? (value.bind(target) as unknown) : value
}

/** A store whose records are other ones. */
export function wrapRecords(store: MailStore, other: (record: MessageRecord) => MessageRecord): MailStore {
  const mailboxOf = (mailbox: Mailbox): Mailbox =>
    new Proxy(mailbox, {
      get(target, name) {
        if (name !== 'records') return bound(target, name)
        return async function* (...args: Parameters<Mailbox['records']>) {
          for await (const page of target.records(...args)) yield page.map(other)
        }
      },
    })
  return wrapMailboxes(store, mailboxOf)
}

/** A store that has appended long before it says so: `after` is waited for each time, with the number of the append; `before` may fail it. */
export function wrapAppends(store: MailStore, after: (nth: number) => Promise<void>, before?: () => void): MailStore {
  let appends = 0
  const mailboxOf = (mailbox: Mailbox): Mailbox =>
    new Proxy(mailbox, {
      get(target, name) {
        if (name !== 'append') return bound(target, name)
        return async (...args: Parameters<Mailbox['append']>) => {
          before?.()
          const nth = ++appends
          const result = await target.append(...args)
          await after(nth)
          return result
        }
      },
    })
  return wrapMailboxes(store, mailboxOf)
}

const ann: Account = { id: 'ann', address: 'ann@example.org', disabled: false }

const authenticator: Authenticator = {
  async verify(credentials) {
    if (credentials.kind !== 'password' || credentials.username !== 'ann' || credentials.password !== 'secret') return undefined
    return { account: ann, username: 'ann', scopes: ['imap'], credential: 'password' }
  },
}

const directory: Directory = {
  serves: async () => true,
  resolve: async () => ({ kind: 'unknown' }),
}

/** Makes a world anew, once for each replay of a transcript. */
export function world(options: WorldOptions = {}): () => Promise<World> {
  return () => makeWorld(options)
}

/** Makes one world. */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const clock = fakeClock()
  const plain = memoryStore()
  const store = options.wrapStore?.(plain, clock) ?? plain
  const spool = memorySpool()
  const errors: unknown[] = []
  const quota = options.quota
  const host = createHost({
    hostname: 'mx.example.org',
    store,
    directory,
    authenticator: quota === undefined ? authenticator : limited(quota),
    middleware: options.middleware ?? [],
    spool: options.wrapSpool?.(spool) ?? spool,
    clock,
    random: seededRandom(1),
    events: {
      emit(name, event) {
        if (name === 'error' && 'error' in event) errors.push(event.error)
      },
    },
  })
  const account = await store.open('ann')
  const mailbox = async (name: string): Promise<Mailbox> => {
    const info = (await account.mailboxes()).find(other => other.name === name) ?? (await account.create(name))
    return account.mailbox(info.id)
  }
  const append = async (seed: string | Seed): Promise<void> => {
    const {
      text,
      flags = [],
      date = Date.UTC(2026, 0, 1, 12),
      mailbox: name = 'INBOX',
    }: Seed = typeof seed === 'string' ? { text: seed } : seed
    const writer = spool.begin()
    await writer.write(new TextEncoder().encode(text))
    const content = await writer.finish()
    const { message } = await host.appended(connectionForSeeds, content)
    await (await mailbox(name)).append([{ ...message, flags, internalDate: date }])
    content.dispose()
  }
  for (const box of options.mailboxes ?? []) {
    if (typeof box === 'string') await account.create(box)
    else await account.create(box.name, { specialUse: box.specialUse })
  }
  for (const seed of options.messages ?? []) await append(seed)
  const made: World = {
    engine: imapEngine(host, options.imap),
    host,
    clock,
    store,
    account,
    spool,
    mailbox,
    append,
    errors,
    ...(options.errorsExpected === undefined ? {} : { errorsExpected: options.errorsExpected }),
    ...(options.tls === 'none' ? {} : { tls: options.tls ?? FAKE_TLS }),
    close: () => store.close(),
  }
  const steps = options.steps?.(made)
  return steps === undefined ? made : Object.assign(made, { steps })
}

const connectionForSeeds = {
  id: 'seed',
  protocol: 'imap' as const,
  remote: { address: '192.0.2.1', port: 1 },
  local: { address: '192.0.2.2', port: 2 },
  tls: undefined,
  clientName: undefined,
  principal: undefined,
  signal: new AbortController().signal,
}

function limited(quota: NonNullable<Account['quota']>): Authenticator {
  return {
    async verify(credentials, scope) {
      const principal = await authenticator.verify(credentials, scope)
      return principal === undefined ? undefined : { ...principal, account: { ...principal.account, quota } }
    },
  }
}

/** Middleware that does nothing, for tests of what middleware costs. */
export const onlooker: Middleware = { name: 'onlooker', command: async (_context, next) => (await next(), accept()) }
