/**
 * A gateway: takes mail for a domain from the internet, filters it, and sends it on to the mail server behind it; and takes
 * mail from that server, which logs in, and sends it out. Nothing is kept but what waits to leave.
 *
 *     RELAY_PASSWORD='correct horse' npx node --conditions=mailwright-source examples/relay.ts --domain example.org --inner 10.0.0.5:25
 *
 * With `--smarthost HOST:PORT` everything for elsewhere goes by that server instead of by MX.
 */
import { parseArgs } from 'node:util'
import { createMailServer, reject } from 'mailwright'
import type { Authenticator, Directory, MailServer, Middleware } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { rateLimit } from 'mailwright/filters/rate-limit'
import { developmentCertificate } from 'mailwright/net'
import { fileSpool, sqliteStore } from 'mailwright/stores/sqlite'

export interface GatewayOptions {
  readonly domain: string
  /** Where the mail of the domain goes, `HOST:PORT`. */
  readonly inner: string
  readonly smarthost?: string
  /** Folder for what waits. */
  readonly data: string
  /** The inner server logs in as `inner@` the domain with this. */
  readonly password: string
  readonly smtpPort?: number
  readonly submissionPort?: number
}

const noPrograms: Middleware = {
  name: 'no-programs',
  async message(context, next) {
    const { attachments } = await context.parsed()
    const program = attachments.find(({ filename = '' }) => /\.(?:exe|scr|js|vbs)$/i.test(filename))
    if (program === undefined) return next()
    context.trace.note(`attachment ${program.filename ?? ''}`)
    return reject('Programs are not taken by mail', '5.7.1')
  },
}

function marked(name: string): Middleware {
  return {
    name: 'marked',
    async message(context, next) {
      context.edits.remove('X-Gateway')
      context.edits.add('X-Gateway', `passed by ${name}`)
      return next()
    },
  }
}

/** A gateway that accepts connections; closing it closes the queue too, and what waits is sent after the next start. */
export async function gateway(options: GatewayOptions): Promise<MailServer> {
  const { domain, inner, smarthost, data, password, smtpPort = 2625, submissionPort = 2687 } = options
  const hostname = `mx.${domain}`
  const route = { domain, to: serverOf(inner) }
  const rest = smarthost === undefined ? {} : { smarthost: serverOf(smarthost) }
  // Nobody has a mailbox here: the inner server knows who there is.
  const directory: Directory = {
    serves: async () => false,
    resolve: async address => ({ kind: address.domain === domain ? 'relay' : 'remote' }),
  }
  // It logs in, and may use every sender address of its domain.
  const accounts = memoryDirectory({ accounts: { [`inner@${domain}`]: password } })
  const authenticator: Authenticator = {
    async verify(credentials, scope, call) {
      const principal = await accounts.verify(credentials, scope, call)
      return principal === undefined ? undefined : { ...principal, senders: [`@${domain}`] }
    },
  }
  const store = sqliteStore({ path: data })
  const server = createMailServer({
    hostname,
    store,
    directory,
    authenticator,
    tls: developmentCertificate(`${data}/tls`, [hostname]),
    spool: fileSpool({ directory: `${data}/spool` }),
    listeners: { smtp: smtpPort, submission: submissionPort },
    allowPlaintextLogin: 'loopback',
    // It also passes on what others wrote to its people's aliases.
    submission: { authors: 'any' },
    outbound: {
      // One login is a whole server here.
      accountLimits: false,
      routes: [route],
      ...rest,
    },
  }).use(rateLimit({ connections: { count: 60, per: 60_000 } }), noPrograms, marked(hostname))
  server.on('message', ({ verdict, size, recipients }) =>
    console.log(`${verdict.kind} ${size} octets for ${recipients.map(address => `${address.local}@${address.domain}`).join(', ')}`),
  )
  server.on('sent', ({ recipient, status }) => console.log(`sent on to ${recipient}: ${status.code}`))
  server.on('delayed', ({ recipient, status }) => console.log(`waits for ${recipient}: ${status.code}`))
  server.on('bounced', ({ recipient, status }) => console.log(`gave up on ${recipient}: ${status.code}`))
  await server.listen()
  const close = server.close.bind(server)
  server.close = async () => {
    await close()
    await store.close()
  }
  return server
}

function serverOf(text: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(.+):(\d+)$/.exec(text) ?? []
  if (host === undefined) throw new Error(`a server is named as HOST:PORT, such as 10.0.0.5:25, not "${text}"`)
  return { host, port: Number(port) }
}

const help = `Usage: RELAY_PASSWORD='...' npx node --conditions=mailwright-source examples/relay.ts [options]

  --domain D              domain to take mail for (default home.test)
  --inner HOST:PORT       where its mail goes (default 127.0.0.1:2525)
  --smarthost HOST:PORT   where all other mail goes (default: by MX)
  --data DIR              folder for what waits (default ./relay-data)
  --help                  this text

The inner server logs in as inner@ the domain with RELAY_PASSWORD, 8 characters or more.
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      domain: { type: 'string', default: 'home.test' },
      inner: { type: 'string', default: '127.0.0.1:2525' },
      smarthost: { type: 'string' },
      data: { type: 'string', default: './relay-data' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { help: wantsHelp, smarthost, ...plain } = values
  if (wantsHelp) {
    process.stdout.write(help)
    return
  }
  const password = process.env['RELAY_PASSWORD'] ?? ''
  if (password.length < 8) throw new Error('set RELAY_PASSWORD to 8 characters or more: the inner server logs in with it')
  const server = await gateway({ ...plain, password, ...(smarthost === undefined ? {} : { smarthost }) })
  console.log(
    `gateway for ${values.domain}: mail comes in on port ${server.ports.smtp}; the inner server sends by port ${server.ports.submission}`,
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close())
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(`relay: ${error instanceof Error ? error.message : String(error)}`)
    console.error('relay: --help shows the options')
    process.exitCode = 1
  })
}
