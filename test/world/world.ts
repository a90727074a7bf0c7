/** A small world of mail servers: each has a domain, a public address and a place in the fake DNS, and all sit on loopback. */
import { setImmediate } from 'node:timers/promises'
import { MailError } from 'mailwright/contracts'
import type { Dialer, MailStore, Middleware } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { certificates, socketDialer } from 'mailwright/net'
import type { Certificates } from 'mailwright/net'
import { memoryQueue } from 'mailwright/outbound'
import { createMailServer } from 'mailwright/server'
import type { MailServer, MailServerOptions, ServerOutboundOptions } from 'mailwright/server'
import { memoryStore } from 'mailwright/stores/memory'
import { fakeResolver } from 'mailwright/testing'
import type { FakeClock, FakeRecords, FakeResolver } from 'mailwright/testing'
import { selfSigned } from '../../src/net/self-signed.ts'

export interface Citizen {
  readonly domain: string
  readonly server: MailServer
  readonly store: MailStore
  /** Its certificate in PEM; empty without TLS. */
  readonly certificate: string
  /** Problems that the server told of. */
  readonly errors: unknown[]
  /** Waits until an account has so many messages, and answers them as text with `\n`. */
  inbox(account: string, count: number, within?: number): Promise<readonly string[]>
}

export interface CitizenOptions extends Partial<Omit<MailServerOptions, 'outbound'>> {
  readonly accounts?: readonly string[]
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  readonly outbound?: Partial<ServerOutboundOptions>
  /** The address in the world; default: the next one. */
  readonly address?: string
  readonly records?: FakeRecords
  readonly withoutTls?: boolean
  readonly middleware?: readonly Middleware[]
}

export interface World extends AsyncDisposable {
  readonly resolver: FakeResolver
  /** Reaches an address of the world at its place on loopback; everywhere else nobody answers. */
  readonly dialer: Dialer
  /** `address` of the world is `port` of this machine. */
  place(address: string, port: number): void
  citizen(domain: string, options?: CitizenOptions): Promise<Citizen>
}

/** Lets sockets and promises run, then moves the clock to its next timer, until `done`. */
export async function passUntil(clock: FakeClock, done: () => boolean | Promise<boolean>, most: number = 50_000): Promise<void> {
  for (let turn = 0; turn < most; turn++) {
    for (let settle = 0; settle < 40; settle++) await setImmediate()
    if (await done()) return
    clock.advance(Math.max(1, Math.min(clock.untilNext ?? 1000, 3_600_000)))
  }
  throw new Error('it did not come about')
}

function certificateFor(name: string): { readonly cert: string; readonly certificates: Certificates } {
  // Ten days, so that a clock that runs five days ahead still finds it valid.
  const pair = selfSigned({ names: [name], notBefore: Date.now() - 86_400_000, notAfter: Date.now() + 10 * 86_400_000 })
  return { cert: pair.cert, certificates: certificates([pair]) }
}

export function world(): World {
  const resolver = fakeResolver()
  const places = new Map<string, number>()
  const sockets = socketDialer()
  const open: MailServer[] = []
  let count = 0
  const dialer: Dialer = {
    dial(options) {
      const port = places.get(options.address)
      if (port === undefined || options.port !== 25)
        return Promise.reject(new MailError('unavailable', `${options.address}:${options.port} does not answer`))
      return sockets.dial({ ...options, address: '127.0.0.1', port })
    },
  }
  const place = (address: string, port: number): void => void places.set(address, port)
  return {
    resolver,
    dialer,
    place,
    async citizen(
      domain,
      { accounts = ['ann'], aliases = {}, outbound = {}, address = `5.9.0.${++count}`, records, withoutTls, middleware = [], ...more } = {},
    ) {
      const directory = memoryDirectory({ hashCost: { memory: 256, passes: 1 } })
      await directory.addDomain(domain)
      for (const name of accounts) await directory.addAccount({ address: `${name}@${domain}`, password: 'correct horse' })
      for (const [alias, targets] of Object.entries(aliases)) await directory.setAlias(`${alias}@${domain}`, targets)
      const store = more.store ?? memoryStore()
      const hostname = `mx.${domain}`
      const made = withoutTls === true ? undefined : certificateFor(hostname)
      const server = createMailServer({
        hostname,
        store,
        directory,
        listeners: { smtp: 0, submission: 0 },
        allowPlaintextLogin: 'loopback',
        ...(made === undefined ? {} : { tls: made.certificates }),
        ...more,
        outbound: {
          queue: store.queue ?? memoryQueue(more.clock === undefined ? {} : { clock: more.clock }),
          resolver,
          dialer,
          ...outbound,
        },
      })
      server.use(...middleware)
      const errors: unknown[] = []
      server.on('error', ({ error }) => void errors.push(error))
      await server.listen()
      open.push(server)
      place(address, server.ports.smtp ?? 0)
      resolver.set(domain, { mx: [hostname], ...records })
      resolver.set(hostname, { a: [address] })
      return {
        domain,
        server,
        store,
        certificate: made?.cert ?? '',
        errors,
        inbox: (account, wanted, within) => inboxOf(store, directory, `${account}@${domain}`, wanted, within),
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(open.map(server => server.close()))
    },
  }
}

async function inboxOf(
  store: MailStore,
  directory: ReturnType<typeof memoryDirectory>,
  address: string,
  wanted: number,
  within: number = 60_000,
): Promise<readonly string[]> {
  const account = await directory.account(address)
  if (account === undefined) throw new Error(`no account ${address}`)
  const opened = await store.open(account.id)
  const until = performance.now() + within
  for (;;) {
    const inbox = (await opened.mailboxes()).find(({ name }) => name === 'INBOX')
    if (inbox === undefined) throw new Error('no inbox')
    const texts: string[] = []
    const all = [{ first: 1, last: 0xffff_ffff }] as unknown as Parameters<ReturnType<typeof opened.mailbox>['records']>[0]
    for await (const page of opened.mailbox(inbox.id).records(all, ['source'])) {
      for (const { source } of page) {
        if (source !== undefined) texts.push(new TextDecoder().decode(await source.read(0, source.size)).replaceAll('\r\n', '\n'))
      }
    }
    if (texts.length >= wanted) return texts
    if (performance.now() > until) throw new Error(`${address} has ${texts.length} messages, not ${wanted}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
