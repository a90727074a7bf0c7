/** A host on memory parts, for tests of engines: everything real but the world around it. */

import type { Authenticator, Directory, EventSink, Host, MailEvents, MailStore, Middleware } from '../contracts/index.ts'
import { memoryDirectory } from '../directories/memory/index.ts'
import { createHost } from '../pipeline/index.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { fakeClock } from './fake-clock.ts'
import type { FakeClock } from './fake-clock.ts'
import { memorySpool } from './memory-spool.ts'
import type { MemorySpool } from './memory-spool.ts'
import { seededRandom } from './seeded-random.ts'

/** Options of {@link testHost}. */
export interface TestHostOptions {
  /** Default `mx.example`. */
  readonly hostname?: string
  /** Addresses and their passwords. Default: `ann@example.org` with `secret-of-ann`. */
  readonly accounts?: Readonly<Record<string, string>>
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  /** Outermost first. Default: none. */
  readonly middleware?: readonly Middleware[]
  /** Default: a memory store. */
  readonly store?: MailStore
  /** Default: a memory directory with `accounts` and `aliases`, and hashes that cost next to nothing. */
  readonly directory?: Directory & Authenticator
  readonly clock?: FakeClock
  /** Whether connections run short. Default: never. */
  readonly isStressed?: () => boolean
}

/** An event as it was told: its name and what came with it. */
export type ToldEvent = {
  readonly [Name in keyof MailEvents]: { readonly name: Name; readonly event: Parameters<MailEvents[Name]>[0] }
}[keyof MailEvents]

/** A host and the parts that a test wants to look at. */
export interface TestHost {
  readonly host: Host
  readonly clock: FakeClock
  readonly spool: MemorySpool
  readonly store: MailStore
  readonly directory: Directory & Authenticator
  /** Everything that was told, in order. */
  readonly events: readonly ToldEvent[]
  /** The errors among it; `transcript` fails when there are any. */
  readonly errors: readonly unknown[]
}

/**
 * Makes a host on memory parts. Give all of it to `transcript`, along with an engine, so that the clock moves and errors show.
 *
 * @example
 * ```ts
 * import { pop3Engine } from 'mailwright/pop3'
 * import { testHost, transcript } from 'mailwright/testing'
 *
 * const world = testHost()
 * await transcript({ ...world, engine: pop3Engine(world.host) }, 'S: +OK *')
 * ```
 */
export function testHost(options: TestHostOptions = {}): TestHost {
  const clock = options.clock ?? fakeClock()
  const spool = memorySpool()
  const store = options.store ?? memoryStore()
  const directory =
    options.directory ??
    memoryDirectory({
      accounts: options.accounts ?? { 'ann@example.org': 'secret-of-ann' },
      aliases: options.aliases ?? {},
      hashCost: { memory: 8, passes: 1 },
    })
  const events: ToldEvent[] = []
  const errors: unknown[] = []
  const sink: EventSink = {
    emit(name, event) {
      const told = { name, event } as ToldEvent
      events.push(told)
      if (told.name === 'error') errors.push(told.event.error)
    },
  }
  const host = createHost({
    hostname: options.hostname ?? 'mx.example',
    store,
    directory,
    authenticator: directory,
    ...(options.middleware === undefined ? {} : { middleware: options.middleware }),
    ...(options.isStressed === undefined ? {} : { isStressed: options.isStressed }),
    spool,
    clock,
    random: seededRandom(),
    events: sink,
  })
  return { host, clock, spool, store, directory, events, errors }
}
