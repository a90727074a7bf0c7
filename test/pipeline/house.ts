/** A host in memory for tests: a directory of a few people, a memory store, a fake clock, and the events it told. */
import { memoryStore } from 'mailwright/stores/memory'
import { createHost } from 'mailwright/pipeline'
import type { HostOptions } from 'mailwright/pipeline'
import { MailError } from 'mailwright/contracts'
import type {
  Account,
  Directory,
  Host,
  LiveConnection,
  MailAddress,
  MailEvents,
  MailStore,
  Principal,
  Protocol,
  Resolution,
  SpooledMessage,
} from 'mailwright/contracts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import type { FakeClock } from '../../src/testing/fake-clock.ts'
import { memorySpool } from '../../src/testing/memory-spool.ts'
import type { MemorySpool } from '../../src/testing/memory-spool.ts'

/** One event as it was told. */
export interface Told {
  readonly name: keyof MailEvents
  readonly event: Readonly<Record<string, unknown>>
}

export interface TestHouse {
  readonly host: Host
  readonly store: MailStore
  readonly spool: MemorySpool
  readonly clock: FakeClock
  readonly events: Told[]
  /** The events of one name. */
  told(name: keyof MailEvents): readonly Told['event'][]
}

/** Accounts of example.org, and what the other addresses stand for. */
export interface People {
  readonly accounts?: readonly Account[]
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  readonly broken?: readonly string[]
}

export function person(name: string, more: Partial<Account> = {}): Account {
  return { id: name, address: `${name}@example.org`, disabled: false, ...more }
}

export function directoryOf(people: People = {}): Directory {
  const accounts = people.accounts ?? [person('ann'), person('ben'), person('cleo', { disabled: true })]
  return {
    serves: async domain => domain === 'example.org' || domain === 'mx.example.org',
    async resolve({ local, domain }): Promise<Resolution> {
      if (people.broken?.includes(local) === true) throw new MailError('unavailable', 'the directory is away')
      if (domain !== 'example.org' && domain !== 'mx.example.org') return { kind: 'remote' }
      const targets = people.aliases?.[local]
      if (targets !== undefined) return { kind: 'alias', targets }
      const [name = '', detail] = local.split('+')
      const account = accounts.find(({ address }) => address === `${name.toLowerCase()}@example.org`)
      if (account === undefined) return { kind: 'unknown' }
      return detail === undefined ? { kind: 'account', account } : { kind: 'account', account, detail }
    },
  }
}

export function houseOf(options: Partial<HostOptions> & { readonly people?: People } = {}): TestHouse {
  const clock = fakeClock()
  const spool = memorySpool()
  const store = options.store ?? memoryStore()
  const events: Told[] = []
  let seed = 0
  const { people, ...rest } = options
  const host = createHost({
    hostname: 'mx.example.org',
    store,
    directory: directoryOf(people),
    authenticator: {
      async verify(credentials, scope): Promise<Principal | undefined> {
        if (credentials.kind !== 'password' || credentials.password !== 'correct horse') return undefined
        const account = person(credentials.username.replace(/@.*/, ''))
        return { account, username: credentials.username, scopes: [scope], credential: 'password' }
      },
    },
    spool,
    clock,
    random: { bytes: length => Uint8Array.from({ length }, () => seed++ & 255) },
    events: { emit: (name, event) => void events.push({ name, event: event as unknown as Told['event'] }) },
    ...rest,
  })
  return { host, store, spool, clock, events, told: name => events.filter(one => one.name === name).map(one => one.event) }
}

/** A connection with a switch that makes the client leave. */
export function connectionOf(protocol: Protocol = 'smtp', more: Partial<LiveConnection> = {}): LiveConnection & { leave(): void } {
  const controller = new AbortController()
  return {
    id: 'c1',
    protocol,
    remote: { address: '192.0.2.7', port: 40_000 },
    local: { address: '192.0.2.1', port: 25 },
    tls: undefined,
    clientName: 'client.example',
    principal: undefined,
    signal: controller.signal,
    leave: () => controller.abort(new Error('the client has left')),
    ...more,
  }
}

export function address(text: string): MailAddress {
  const at = text.lastIndexOf('@')
  return { local: text.slice(0, at), domain: text.slice(at + 1) }
}

/** A message that has arrived; `\n` stands for CRLF. */
export function spooled(text: string): SpooledMessage {
  const octets = new TextEncoder().encode(text.replaceAll('\n', '\r\n'))
  return { size: octets.length, read: (start, end) => octets.subarray(start, end), dispose: () => undefined }
}

/** All messages of an account's mailbox as text, with `\n` for CRLF. */
export async function mailOf(store: MailStore, account: string, mailbox: string = 'INBOX'): Promise<readonly string[]> {
  const opened = await store.open(account)
  const info = (await opened.mailboxes()).find(({ name }) => name === mailbox)
  if (info === undefined) return []
  const texts: string[] = []
  const all = [{ first: 1, last: 0xffff_ffff }] as unknown as Parameters<ReturnType<typeof opened.mailbox>['records']>[0]
  for await (const page of opened.mailbox(info.id).records(all, ['source'])) {
    for (const { source } of page) {
      if (source !== undefined) texts.push(new TextDecoder().decode(await source.read(0, source.size)).replaceAll('\r\n', '\n'))
    }
  }
  return texts
}
