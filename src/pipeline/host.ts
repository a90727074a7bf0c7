/** The host: what engines ask, answered from a store, a directory and middleware. Contract: `contracts/host.ts`. */

import type {
  Authenticator,
  Clock,
  CommandContext,
  Credentials,
  Directory,
  EventSink,
  Host,
  LiveConnection,
  LoginOutcome,
  MailAccount,
  MailStore,
  MessageSource,
  Middleware,
  Outbound,
  ParsedMessage,
  Principal,
  Random,
  Scope,
  Spool,
  Verdict,
} from '../contracts/index.ts'
import { ConfigurationError, MailError } from '../contracts/mail-error.ts'
import { accept, defer, reject } from '../contracts/verdict.ts'
import { Onion } from './compose.ts'
import type { Deadlines } from './compose.ts'
import type { ConnectionMemory, House } from './house.ts'
import { decideOnMessage } from './message-phase.ts'
import { ParserThread } from './parsed.ts'
import { MailReception } from './reception.ts'
import type { SubmissionOptions } from './sender-rights.ts'
import { MessageSurvey } from './summary.ts'

/** What a host is made of. */
export interface HostOptions {
  /** How the server names itself: a fully qualified domain name. */
  readonly hostname: string
  readonly store: MailStore
  readonly directory: Directory
  readonly authenticator: Authenticator
  /** Outermost first. Default: none. */
  readonly middleware?: readonly Middleware[]
  readonly spool: Spool
  /** The way to other servers. Default: none, and mail for them is refused. */
  readonly outbound?: Outbound
  /** How mail is taken from those who log in. Default: they write under their own addresses. */
  readonly submission?: SubmissionOptions
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
  /** Whether connections run short; asked whenever a client is waited for. Default: never. */
  readonly isStressed?: () => boolean
  /** Milliseconds that each phase may take. Defaults: {@link DEFAULT_DEADLINES}. */
  readonly deadlines?: Partial<Deadlines>
  /** Makes the parsed view of a message. Default: `mailparser` on a thread of its own, for messages of at most 25 MiB and ten seconds. */
  readonly parse?: (source: MessageSource) => Promise<ParsedMessage>
}

const WRONG_CREDENTIALS = reject('The credentials are not valid', '5.7.8')
const CANNOT_TELL = defer('Logins cannot be checked at present, please try again later', '4.7.0')
const HOSTNAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i

/**
 * Puts the parts together. Throws `ConfigurationError` `MW_HOSTNAME` for a name that cannot stand in a greeting,
 * `MW_MIDDLEWARE` for middleware without a name, and `MW_SUBMISSION` for rules that are none.
 *
 * @example
 * ```ts
 * import { createHost } from 'mailwright/pipeline'
 * import type { HostOptions } from 'mailwright/pipeline'
 * import { rateLimit } from 'mailwright/filters/rate-limit'
 *
 * function hostWithLimits(parts: HostOptions) {
 *   return createHost({ ...parts, middleware: [rateLimit({ connections: { count: 60, per: 60_000 } })] })
 * }
 * ```
 */
export function createHost(options: HostOptions): Host {
  const { hostname, store, directory, authenticator, spool, clock, random, events, middleware = [] } = options
  if (!HOSTNAME.test(hostname)) throw new ConfigurationError('MW_HOSTNAME', `${JSON.stringify(hostname)} is no domain name`)
  for (const layer of middleware) {
    if (typeof layer.name !== 'string' || layer.name === '') throw new ConfigurationError('MW_MIDDLEWARE', 'middleware needs a name')
  }

  const { authors = 'own' } = options.submission ?? {}
  if (authors !== 'own' && authors !== 'any' && typeof authors !== 'function')
    throw new ConfigurationError('MW_SUBMISSION', 'submission.authors is "own", "any" or a function')

  const report: Host['report'] = (error, where, connection) => {
    events.emit('error', connection === undefined ? { error, where } : { error, where, connection })
  }
  const onion = new Onion({ middleware, clock, report, ...(options.deadlines === undefined ? {} : { deadlines: options.deadlines }) })
  const parser = new ParserThread(clock)
  const memories = new WeakMap<LiveConnection, ConnectionMemory>()
  const house: House = {
    hostname,
    store,
    directory,
    authenticator,
    clock,
    random,
    events,
    onion,
    outbound: options.outbound,
    submission: options.submission ?? {},
    report,
    parse: options.parse ?? (source => parser.parse(source)),
    memory(connection) {
      let memory = memories.get(connection)
      if (memory === undefined) memories.set(connection, (memory = { shared: new Map(), entries: [] }))
      return memory
    },
  }

  return {
    hostname,
    store,
    spool,
    clock,
    random,
    events,
    sends: options.outbound !== undefined,
    get isStressed() {
      return options.isStressed?.() ?? false
    },
    report,
    connect: connection => connect(house, connection),
    login: (connection, mechanism, credentials) => login(house, connection, mechanism, credentials),
    openAccount: principal => openAccount(house, principal),
    command: onion.has('command') ? (connection, command) => runCommand(house, connection, command) : undefined,
    async receive(connection, transaction) {
      const reception = new MailReception(house, connection, transaction)
      return { verdict: await reception.sender(), reception }
    },
    survey: options => new MessageSurvey(options),
    async appended(connection, content, survey) {
      const decided = await decideOnMessage(house, { connection, content, survey, entries: [...house.memory(connection).entries] })
      const { kind } = decided.verdict
      const verdict = kind === 'discard' || kind === 'quarantine' ? reject('This message is not taken here', '5.7.1') : decided.verdict
      const prefix = decided.added.length === 0 ? {} : { prefix: decided.added }
      return { verdict, message: { content: decided.edited(content), summary: decided.summary, ...prefix } }
    },
  }
}

async function connect(house: House, connection: LiveConnection): Promise<Verdict> {
  house.events.emit('connection', { connection })
  const { shared, entries } = house.memory(connection)
  const { verdict, trace } = await house.onion.run('connect', {
    connection,
    entries,
    shared,
    context: base => ({ ...base, phase: 'connect' }),
  })
  if (verdict.kind !== 'accept') house.events.emit('refused', { connection, phase: 'connect', verdict, trace })
  return verdict
}

async function login(house: House, connection: LiveConnection, mechanism: string, credentials: Credentials): Promise<LoginOutcome> {
  const username = credentials.username ?? ''
  const { shared, entries } = house.memory(connection)
  let principal: Principal | undefined
  const { verdict, trace } = await house.onion.run('login', {
    connection,
    entries,
    shared,
    context: base => ({ ...base, phase: 'login', mechanism, username }),
    innermost: {
      name: 'credentials',
      ask: async signal => {
        try {
          principal = await house.authenticator.verify(credentials, scopeOf(connection), { signal })
        } catch (error) {
          if (!(error instanceof MailError) || error.kind !== 'unavailable') throw error
          house.report(error, 'authenticator', connection)
          return CANNOT_TELL
        }
        return principal === undefined ? WRONG_CREDENTIALS : accept()
      },
    },
  })
  const ok = verdict.kind === 'accept' && principal !== undefined
  house.events.emit('login', { connection, username, mechanism, ok })
  if (verdict.kind === 'accept' && principal !== undefined) {
    connection.principal = principal
    return { ok: true, principal }
  }
  house.events.emit('refused', { connection, phase: 'login', verdict, trace })
  return { ok: false, verdict: verdict.kind === 'accept' ? WRONG_CREDENTIALS : verdict }
}

function scopeOf(connection: LiveConnection): Scope {
  const { protocol } = connection
  return protocol === 'imap' || protocol === 'pop3' ? protocol : 'smtp'
}

async function openAccount(house: House, principal: Principal): Promise<MailAccount> {
  const { id, quota } = principal.account
  return house.store.open(id, quota === undefined ? {} : { quota })
}

async function runCommand(house: House, connection: LiveConnection, command: CommandContext['command']): Promise<Verdict> {
  const { shared } = house.memory(connection)
  const { verdict, trace } = await house.onion.run('command', {
    connection,
    entries: [],
    shared,
    context: base => ({ ...base, phase: 'command', command }),
  })
  if (verdict.kind !== 'accept') house.events.emit('refused', { connection, phase: 'command', verdict, trace })
  return verdict
}
