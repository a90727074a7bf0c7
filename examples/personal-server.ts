/**
 * A whole mail server for one household in one folder. `npm start` runs it:
 *
 *     npm start
 *     npm start -- --data ./data --domain home.test --user ann@home.test --smtp-port 0
 *
 * It receives over SMTP, submission and LMTP, keeps mail in SQLite, and is read over IMAP and POP3. Stop it with Ctrl-C.
 */
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { PERSONAL_COMMAND, personalOptions, personalServer, smarthostLogin, tellOperator, wayOut } from 'mailwright/server'

const help = `Usage: npm start -- [options]

${PERSONAL_COMMAND.map(({ name, value = '', text }) => `  --${`${name} ${value}`.padEnd(24)} ${text}`).join('\n')}
  --help                     this text
`

function wishesOf(args: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const { name, value } of PERSONAL_COMMAND) options[name] = { type: value === undefined ? 'boolean' : 'string' }
  const wishes: Record<string, string | boolean> = {}
  for (const [name, value] of Object.entries(parseArgs({ args: [...args], options }).values)) {
    if (typeof value === 'string' || typeof value === 'boolean') wishes[name] = value
  }
  return wishes
}

/** Says lines together that come within 20 ms: writing each by itself costs a twentieth of what receiving a message costs. */
function gathered(say: (text: string) => void): { readonly tell: (line: string) => void; readonly tellNow: (line: string) => void } {
  let waiting: string[] = []
  const sayAll = (): void => {
    if (waiting.length > 0) say(waiting.join('\n'))
    waiting = []
  }
  const tell = (line: string): void => {
    if (waiting.push(line) === 1) setTimeout(sayAll, 20)
  }
  return {
    tell,
    tellNow(line) {
      waiting.push(line)
      sayAll()
    },
  }
}

async function main(): Promise<void> {
  const wishes = wishesOf(process.argv.slice(2))
  if (wishes['help'] === true) {
    process.stdout.write(help)
    return
  }
  const json = wishes['json'] === true
  const { tell, tellNow } = gathered(json ? console.error : console.log)
  const personal = await personalServer({
    ...personalOptions({ ...wishes, ...smarthostLogin(process.env) }),
    progress: line => tell(`mailwright: ${line}`),
    // A password that was made up counts once this is written.
    show: tellNow,
  })

  const { server, domain, user, password = null } = personal
  tellOperator(
    server,
    line => tell(`mailwright: ${line}`),
    line => console.error(`mailwright: ${line}`),
  )
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    tell('mailwright: stopping; what is under way is finished first (press Ctrl-C again to stop at once)')
    personal.close().then(
      () => tell('mailwright: stopped, all mail that was taken is safe'),
      (error: unknown) => {
        console.error('mailwright:', error)
        process.exitCode = 1
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // Last: whoever waits for this line may say at once that it is to stop.
  if (json) console.log(JSON.stringify({ domain, user, password, ports: server.ports }))
}

main().catch((error: unknown) => {
  const hint = wayOut(error)
  console.error(`mailwright: ${error instanceof Error ? error.message : String(error)}`)
  console.error(`mailwright: ${hint ?? 'npm start -- --help shows the options'}`)
  process.exitCode = 1
})
