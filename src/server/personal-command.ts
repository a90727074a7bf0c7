/** The command line of a personal server, shared by all that start one: its options, and what it tells its operator. RFC 8314 §3. */

import { ConfigurationError, MailError } from '../contracts/index.ts'
import type { MailAddress } from '../contracts/index.ts'
import { DOOR_NAMES } from './doors.ts'
import type { DoorName } from './doors.ts'
import type { MailServer } from './mail-server.ts'
import { PERSONAL_PORTS } from './personal.ts'
import type { PersonalServerOptions } from './personal.ts'

/** One option of a command line. */
export interface CommandOption {
  /** Without the dashes. */
  readonly name: string
  /** What its value is called in help texts; an option without one is a switch. */
  readonly value?: string
  /** What it does, in a few words. */
  readonly text: string
}

/** Where the server's folder is, unless `--data` says otherwise. */
export const DEFAULT_DATA = './data'

/** The options of every command line that starts a personal server; scripts rely on their names. */
export const PERSONAL_COMMAND: readonly CommandOption[] = Object.freeze([
  { name: 'data', value: 'DIR', text: `folder for mail, accounts and certificate (default ${DEFAULT_DATA})` },
  { name: 'domain', value: 'D', text: 'domain to receive mail for (default: the one served already, else home.test)' },
  { name: 'user', value: 'ADDRESS', text: 'first account (default: the one there is, else me@ the domain)' },
  { name: 'password', value: 'P', text: 'its password (default: made up on the first start)' },
  ...DOOR_NAMES.map(door => ({
    name: `${door}-port`,
    value: 'N',
    text: `port for ${door} (default ${PERSONAL_PORTS[door]}; 0 = any that is free)`,
  })),
  { name: 'allow-plaintext-login', text: 'let clients on this machine log in without TLS (for tests)' },
  { name: 'json', text: 'print one line of JSON once connections are accepted; all else goes to stderr' },
])

/**
 * What the values of {@link PERSONAL_COMMAND} ask for. Throws `ConfigurationError` `MW_OPTION` for one that cannot be, with the
 * way out.
 */
export function personalOptions(values: Readonly<Record<string, string | boolean | undefined>>): PersonalServerOptions {
  const { data, domain, user, password } = values
  const ports: { [Name in DoorName]?: number } = {}
  for (const door of DOOR_NAMES) {
    const value = values[`${door}-port`]
    if (value !== undefined) ports[door] = portOf(door, value)
  }
  if (typeof user === 'string' && !/^[^@\s]+@[^@\s]+$/.test(user)) {
    throw new ConfigurationError('MW_OPTION', `--user takes an address such as me@home.test, not "${user}"`)
  }
  return {
    data: typeof data === 'string' ? data : DEFAULT_DATA,
    ...(typeof domain === 'string' ? { domain } : {}),
    ...(typeof user === 'string' ? { user } : {}),
    ...(typeof password === 'string' ? { password } : {}),
    ports,
    allowPlaintextLogin: values['allow-plaintext-login'] === true,
  }
}

function portOf(door: DoorName, value: string | boolean): number {
  if (typeof value !== 'string' || !/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
    throw new ConfigurationError('MW_OPTION', `--${door}-port takes a number from 0 to 65535, not "${value}"`)
  }
  return Number(value)
}

/**
 * Writes down what happens in a server: a line for each message that was taken or refused, and for each fault. What an adapter
 * reports is said once, with what to do; a bug is said with where it happened. A fault that comes again and again is counted.
 *
 * @param tell Where the lines go.
 * @param complain Where those about faults go. Default: to the others.
 */
export function tellOperator(server: Pick<MailServer, 'on'>, tell: (line: string) => void, complain: (line: string) => void = tell): void {
  server.on('message', ({ sender, recipients, size, verdict }) => {
    const from = sender === undefined ? '<>' : printed(sender)
    tell(`${verdict.kind} ${size} octets from ${from} to ${recipients.map(printed).join(', ')}`)
  })
  let last = ''
  let repeats = 0
  server.on('error', ({ error, where }) => {
    const text = `${where}: ${faultText(error)}`
    if (text !== last) {
      last = text
      repeats = 0
      complain(text)
      return
    }
    repeats++
    // At the 1st, 2nd, 4th, 8th, ... repetition: a flood of one fault must not hide the others.
    if ((repeats & (repeats - 1)) === 0)
      complain(`the same again, ${repeats} time${repeats === 1 ? '' : 's'} so far: ${text.split('\n', 1)[0] ?? ''}`)
  })
}

function printed({ local, domain }: MailAddress): string {
  return `${local}@${domain}`
}

function faultText(error: unknown): string {
  if (error instanceof MailError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** What to do about an error with which a personal server did not start; `undefined` where the error says it all. */
export function wayOut(error: unknown): string | undefined {
  if (!(error instanceof MailError)) return undefined
  if (error.kind === 'in-use') {
    return 'perhaps an earlier start of this server; --smtp-port 0 takes any free port, and so for the others'
  }
  return error.kind === 'no-permission' ? 'without the option it is a port that needs no rights' : undefined
}
