/**
 * A whole mail server for one household in one folder. `npm start` runs it:
 *
 *     npm start
 *     npm start -- --data ./data --domain home.test --user ann@home.test --smtp-port 0
 *
 * It receives over SMTP, submission and LMTP, keeps mail in SQLite, and is read over IMAP and POP3. Stop it with Ctrl-C.
 */
import { parseArgs } from 'node:util'
import { personalServer } from 'mailwright/server'
import type { DoorName, PersonalServerOptions } from 'mailwright/server'

const doors: readonly DoorName[] = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s']

const help = `Usage: npm start -- [options]

  --data DIR                 folder for mail, accounts and certificate (default ./data)
  --domain D                 domain to receive mail for (default home.test)
  --user ADDRESS             first account (default me@ the domain)
  --password P               its password (default: made up on the first start)
  --allow-plaintext-login    let clients on this machine log in without TLS (for tests)
  --json                     print one line of JSON once connections are accepted; all else goes to stderr
${doors.map(door => `  --${`${door}-port N`.padEnd(24)} port for ${door} (0 = any that is free)`).join('\n')}
  --help                     this text
`

/** What the command line asks for. */
interface Wishes extends PersonalServerOptions {
  readonly json: boolean
  readonly help: boolean
}

function wishesOf(args: readonly string[]): Wishes {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string', default: './data' },
      domain: { type: 'string' },
      user: { type: 'string' },
      password: { type: 'string' },
      'allow-plaintext-login': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      ...Object.fromEntries(doors.map(door => [`${door}-port`, { type: 'string' as const }])),
    },
  })
  const { data, domain, user, password } = values
  return {
    data,
    ...(domain === undefined ? {} : { domain }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ports: portsOf(values),
    allowPlaintextLogin: values['allow-plaintext-login'],
    json: values.json,
    help: values.help,
  }
}

function portsOf(values: Readonly<Record<string, unknown>>): { [Name in DoorName]?: number } {
  const ports: { [Name in DoorName]?: number } = {}
  for (const door of doors) {
    const value = values[`${door}-port`]
    if (typeof value !== 'string') continue
    if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) throw new Error(`--${door}-port takes a number from 0 to 65535, not "${value}"`)
    ports[door] = Number(value)
  }
  return ports
}

async function main(): Promise<void> {
  const wishes = wishesOf(process.argv.slice(2))
  if (wishes.help) {
    process.stdout.write(help)
    return
  }
  const tell = wishes.json ? (line: string) => console.error(line) : (line: string) => console.log(line)
  const personal = await personalServer({ ...wishes, progress: line => tell(`mailwright: ${line}`) })

  const { server, domain, user } = personal
  server.on('message', ({ sender, recipients, size, verdict }) => {
    const from = sender === undefined ? '<>' : `${sender.local}@${sender.domain}`
    tell(`mailwright: ${verdict.kind} ${size} octets from ${from} to ${recipients.map(to => `${to.local}@${to.domain}`).join(', ')}`)
  })
  server.on('error', ({ error, where }) => console.error(`mailwright: ${where}:`, error))

  tell(personal.guide)
  if (wishes.json) console.log(JSON.stringify({ domain, user, password: personal.password ?? null, ports: server.ports }))

  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    tell('mailwright: stopping; what is under way is finished first (press Ctrl-C again to stop at once)')
    personal.close().then(
      () => tell('mailwright: stopped, all mail is safe'),
      (error: unknown) => {
        console.error('mailwright:', error)
        process.exitCode = 1
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

main().catch((error: unknown) => {
  console.error(`mailwright: ${error instanceof Error ? error.message : String(error)}`)
  if (error instanceof Error && 'kind' in error && error.kind === 'in-use') {
    console.error(
      'mailwright: if it is an earlier start of this server, stop that one; or choose ports, e.g. --smtp-port 0 for any free one',
    )
  }
  process.exitCode = 1
})
