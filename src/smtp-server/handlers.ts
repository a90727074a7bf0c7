/** Handlers for a host's own `SMTPServer`: the pipeline and the store behind a server that is there already. RFC 5321 §3.3. */

import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerAuthenticationResponse,
  SMTPServerDataResult,
  SMTPServerDataStream,
  SMTPServerSession,
} from 'smtp-server'
import type { Credentials, Host, LiveConnection, MailAddress, Principal, TlsFacts } from '../contracts/index.ts'
import { mailWishes, recipientWishes } from './dsn.ts'
import { Intake } from './intake.ts'
import { MailSession } from './mail-session.ts'
import { OctetFaults } from './octet-faults.ts'
import { settingsOf } from './options.ts'
import type { SmtpFlavour, SmtpSettings } from './options.ts'
import { canonicalMailbox } from './path.ts'
import { refusalOf, replies, ReplyError, textOf } from './replies.ts'
import type { Reply } from './replies.ts'

/** Options of {@link smtpHandlers}. */
export interface SmtpHandlerOptions {
  readonly flavour: SmtpFlavour
  /** Octets of a message; give the server the same as `size`. Default 64 MiB. */
  readonly maxSize?: number
  /** Recipients of a message. Default 1,000. */
  readonly maxRecipients?: number
  /**
   * Whether replies begin with their enhanced status code. `false` where the server adds codes itself
   * (`hideENHANCEDSTATUSCODES: false`); its own are less exact. Default `true`.
   */
  readonly enhancedCodes?: boolean
}

/** How the package is told that a handler is done. */
export type Done = (error?: Error | null) => void

/** What `SMTPServer` takes as options, by the same names. */
export interface SmtpHandlers {
  /** Runs the `connect` phase. */
  onConnect(this: void, session: SMTPServerSession, callback: Done): void
  /** Checks credentials through the `login` phase. */
  onAuth(
    this: void,
    auth: SMTPServerAuthentication,
    session: SMTPServerSession,
    callback: (error: Error | null | undefined, response?: SMTPServerAuthenticationResponse) => void,
  ): void
  /** Begins a transaction: runs the `sender` phase. */
  onMailFrom(this: void, address: SMTPServerAddress, session: SMTPServerSession, callback: Done): void
  /** Asks whether the recipient is taken: runs the `recipient` phase. */
  onRcptTo(this: void, address: SMTPServerAddress, session: SMTPServerSession, callback: Done): void
  /** Spools the message, decides on it and stores it. */
  onData(
    this: void,
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null, message?: string | SMTPServerDataResult[]) => void,
  ): void
  /** Tells that the connection is over. */
  onClose(this: void, session: SMTPServerSession): void
}

interface Visit {
  readonly live: LiveConnection
  readonly mail: MailSession
  readonly gone: AbortController
}

/**
 * Makes the handlers. The server's own parser stays: its deadlines, limits and quirks are the host's to set; what reaches a
 * mailbox is held to the same policy as with {@link smtpEngine}, bare CR, bare LF and NUL included.
 *
 * @example
 * ```ts
 * import { SMTPServer } from 'smtp-server'
 * import { smtpHandlers } from 'mailwright/smtp-server'
 * import type { Host } from 'mailwright/contracts'
 *
 * function serverFor(host: Host) {
 *   return new SMTPServer({ ...smtpHandlers(host, { flavour: 'smtp' }), authOptional: true, size: 64 * 1024 * 1024 })
 * }
 * ```
 */
export function smtpHandlers(host: Host, options: SmtpHandlerOptions): SmtpHandlers {
  const settings = settingsOf(options)
  const visits = new WeakMap<SMTPServerSession, Visit>()
  const withCodes = options.enhancedCodes ?? true

  function errorOf(reply: Reply): ReplyError {
    return new ReplyError(reply, withCodes ? textOf(reply) : reply.text)
  }

  function visitOf(session: SMTPServerSession): Visit {
    let visit = visits.get(session)
    if (visit === undefined) visits.set(session, (visit = begin(host, session, settings)))
    const { live } = visit
    live.tls = tlsOf(session)
    live.clientName = session.hostNameAppearsAs || undefined
    // STARTTLS made the server forget who had logged in: RFC 3207 §4.2.
    if (session.user === undefined || session.user === false) live.principal = undefined
    return visit
  }

  /** Runs a handler; what goes wrong in it is ours and never the client's to read. */
  function run(session: SMTPServerSession, respond: Done, work: (visit: Visit) => Promise<Reply | undefined>): void {
    const visit = visitOf(session)
    work(visit).then(
      refusal => respond(refusal === undefined ? null : errorOf(refusal)),
      (error: unknown) => {
        host.report(error, 'smtp handler', visit.live)
        respond(errorOf(replies.problem))
      },
    )
  }

  return {
    onConnect: (session, respond) => run(session, respond, async ({ live }) => refusalOf(await host.connect(live), 'connect')),
    onAuth(auth, session, respond) {
      let user: string | undefined
      const both: Done = error => respond(error, user === undefined ? undefined : { user })
      run(session, both, async ({ live }) => {
        const credentials = credentialsOf(auth)
        if (credentials === undefined) return replies.noMechanism
        const outcome = await host.login(live, auth.method, credentials)
        if (!outcome.ok) return refusalOf(outcome.verdict, 'login') ?? replies.problem
        user = outcome.principal.username
        return undefined
      })
    },
    onMailFrom: (path, session, respond) =>
      run(session, respond, async ({ mail }) => {
        const sender = path.address === '' ? undefined : canonicalMailbox(path.address)
        if (path.address !== '' && sender === undefined) return replies.badSender
        const { SIZE, SMTPUTF8, RET, ENVID } = argumentsOf(path)
        const announced = typeof SIZE === 'string' && /^\d{1,20}$/.test(SIZE) ? Number(SIZE) : undefined
        if (announced !== undefined && announced > settings.maxSize) return replies.tooBig
        const wishes = mailWishes(RET, ENVID, 'decoded')
        if (wishes === undefined) return replies.syntax
        return mail.mail({
          ...wishes,
          sender,
          smtpUtf8: SMTPUTF8 === true,
          helo: session.openingCommand === 'HELO',
          ...(announced === undefined ? {} : { announcedSize: announced }),
        })
      }),
    onRcptTo: (path, session, respond) =>
      run(session, respond, async ({ mail }) => {
        const address: MailAddress | undefined =
          path.address.toLowerCase() === 'postmaster' ? { local: 'postmaster', domain: '' } : canonicalMailbox(path.address)
        if (address === undefined) return replies.badAddress
        const { NOTIFY, ORCPT } = argumentsOf(path)
        const wishes = recipientWishes(NOTIFY, ORCPT, 'decoded')
        return wishes === undefined ? replies.syntax : mail.rcpt(address, wishes)
      }),
    onData(stream, session, respond) {
      const { live, mail } = visitOf(session)
      receive(host, stream, mail, settings).then(
        answers => {
          if (settings.flavour === 'lmtp')
            respond(
              null,
              answers.map(answer => (answer.code === 250 ? textOf(answer) : errorOf(answer))),
            )
          else {
            const [answer = replies.problem] = answers
            if (answer.code === 250) respond(null, withCodes ? textOf(answer) : answer.text)
            else respond(errorOf(answer))
          }
        },
        (error: unknown) => {
          host.report(error, 'smtp handler', live)
          respond(errorOf(replies.problem))
        },
      )
    },
    onClose(session) {
      const visit = visits.get(session)
      if (visit === undefined) return
      visit.gone.abort()
      host.events.emit('closed', { connection: visit.live })
    },
  }
}

function argumentsOf({ args }: SMTPServerAddress): Readonly<Record<string, string | true | undefined>> {
  return args === false ? {} : args
}

/** Takes the stream in; the stream waits while the spool does. */
async function receive(host: Host, stream: SMTPServerDataStream, mail: MailSession, settings: SmtpSettings): Promise<readonly Reply[]> {
  const intake = new Intake(host, settings.maxSize, false)
  const faults = new OctetFaults()
  try {
    for await (const chunk of stream) {
      const octets = chunk as Uint8Array
      faults.push(octets)
      await intake.write(octets)
    }
  } catch {
    // The client left in the middle: nobody reads the reply.
    intake.abort()
    return mail.noData(replies.problem)
  }
  faults.end()
  const arrival = await intake.finish(faults, false)
  return arrival.ok ? mail.data(arrival.message, arrival.survey) : mail.noData(arrival.refusal)
}

function begin(host: Host, session: SMTPServerSession, settings: SmtpSettings): Visit {
  const gone = new AbortController()
  const live = {
    id: session.id,
    protocol: settings.flavour,
    remote: { address: session.remoteAddress, port: session.remotePort },
    local: { address: session.localAddress, port: session.localPort },
    tls: tlsOf(session),
    clientName: undefined as string | undefined,
    principal: undefined as Principal | undefined,
    signal: gone.signal,
  }
  return { live, mail: new MailSession(host, live, settings), gone }
}

function tlsOf(session: SMTPServerSession): TlsFacts | undefined {
  const cipher = session.tlsOptions
  if (!session.secure || typeof cipher !== 'object') return undefined
  return { version: cipher.version, cipher: cipher.standardName ?? cipher.name }
}

function credentialsOf(auth: SMTPServerAuthentication): Credentials | undefined {
  const { method, username = '', password, authzid = '', accessToken } = auth
  if ((method === 'PLAIN' || method === 'LOGIN') && typeof password === 'string') {
    const plain = { kind: 'password', username, password } as const
    return authzid === '' || authzid === username ? plain : { ...plain, authorizationId: authzid }
  }
  return method === 'XOAUTH2' && accessToken !== undefined ? { kind: 'bearer', username, token: accessToken } : undefined
}
