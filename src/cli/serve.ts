/** `mailwright serve`: the personal server in the foreground, with the options of `npm start`. RFC 8314 §3. */

import { PERSONAL_COMMAND, personalOptions, personalServer, smarthostLogin, tellOperator, wayOut } from '../server/index.ts'
import type { PersonalServer } from '../server/index.ts'
import type { Call, Command } from './command.ts'

async function serve({ options, terminal, signal }: Call): Promise<void> {
  const json = options['json'] === true
  const tell = (line: string): void => (json ? terminal.note(line) : terminal.tell(`mailwright: ${line}`, {}))
  const personal = await start({
    ...personalOptions({ ...options, ...smarthostLogin(process.env) }),
    progress: tell,
    show: guide => (json ? terminal.note(guide) : terminal.tell(guide, {})),
  })
  const { server, domain, user, password = null } = personal
  tellOperator(server, tell, line => terminal.note(line))
  if (json) terminal.tell('', { domain, user, password, ports: server.ports })
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
  tell('stopping; what is under way is finished first (press Ctrl-C again to stop at once)')
  await personal.close()
  tell('stopped, all mail that was taken is safe')
}

async function start(options: Parameters<typeof personalServer>[0]): Promise<PersonalServer> {
  try {
    return await personalServer(options)
  } catch (error) {
    const hint = wayOut(error)
    throw hint === undefined || !(error instanceof Error) ? error : new Error(`${error.message} (${hint})`, { cause: error })
  }
}

/** The command that runs the server. */
export const SERVE: Command = {
  name: 'serve',
  takes: '',
  text: 'run the server in the foreground',
  more: 'The first start makes the folder, an account and a development certificate, and prints the password once.\nStop it with Ctrl-C.',
  options: PERSONAL_COMMAND,
  arity: [0, 0],
  needs: [],
  run: serve,
}
