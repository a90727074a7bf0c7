/** The command line of a personal server, shared by all that start one: its options, and what it tells its operator. RFC 8314 §3. */

import { ConfigurationError, MailError } from '../contracts/index.ts'
import type { DeliveryStatus, MailAddress } from '../contracts/index.ts'
import { canonicalDomain } from '../mime/index.ts'
import { printable } from '../pipeline/index.ts'
import { DOOR_NAMES } from './doors.ts'
import type { DoorName } from './doors.ts'
import { faultText, systemWayOut } from './fault-text.ts'
import type { MailServer } from './mail-server.ts'
import { PERSONAL_PORTS } from './personal.ts'
import type { PersonalFilterOptions } from './personal-filters.ts'
import type { PersonalServerOptions } from './personal.ts'
import type { PersonalOutboundOptions, Smarthost } from './personal-outbound.ts'

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
  { name: 'domain', value: 'D', text: 'domain that names the server (default: that of the last start, else home.test)' },
  { name: 'user', value: 'ADDRESS', text: 'first account (default: that of the last start, else the one there is, else me@ the domain)' },
  { name: 'password', value: 'P', text: 'its password (default: made up on the first start)' },
  ...DOOR_NAMES.map(door => ({
    name: `${door}-port`,
    value: 'N',
    text: `port for ${door} (default ${PERSONAL_PORTS[door]}; 0 = any that is free)`,
  })),
  { name: 'dns', value: 'IP:PORT', text: 'DNS server to ask (default: the system’s)' },
  {
    name: 'smarthost',
    value: 'HOST:PORT',
    text: 'server that takes all mail for elsewhere (default: by MX); a login is read from SMARTHOST_USER and SMARTHOST_PASSWORD',
  },
  { name: 'mx-port', value: 'N', text: 'port of the servers that MX records name (default 25)' },
  { name: 'allow-private-networks', text: 'send to private and loopback addresses too (for tests)' },
  { name: 'tls-policy', value: 'POLICY', text: 'opportunistic (default), or require: never send in the clear' },
  { name: 'key-days', value: 'N', text: 'days after which signing keys get successors to publish (default 180; 0 = never)' },
  { name: 'filters', value: 'WHICH', text: 'default (who sent it, and is it wanted), or none' },
  { name: 'dnsbl', value: 'ZONE,…', text: 'lists of bad clients to ask (default: none)' },
  { name: 'greylist', text: 'put strangers off until they come again' },
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
  if (typeof domain === 'string' && canonicalDomain(domain) === undefined) {
    throw new ConfigurationError('MW_OPTION', `--domain takes a domain such as home.test, not "${domain}"`)
  }
  if (typeof password === 'string' && password.length < 8) {
    throw new ConfigurationError('MW_OPTION', '--password takes at least 8 characters')
  }
  return {
    data: typeof data === 'string' ? data : DEFAULT_DATA,
    ...(typeof domain === 'string' ? { domain } : {}),
    ...(typeof user === 'string' ? { user } : {}),
    ...(typeof password === 'string' ? { password } : {}),
    ports,
    ...(values['dns'] === undefined ? {} : { dns: String(values['dns']) }),
    outbound: outboundOptions(values),
    filters: filterOptions(values),
    allowPlaintextLogin: values['allow-plaintext-login'] === true,
  }
}

function filterOptions(values: Readonly<Record<string, string | boolean | undefined>>): PersonalFilterOptions | false {
  const { filters, dnsbl } = values
  if (filters !== undefined && filters !== 'default' && filters !== 'none') {
    throw new ConfigurationError('MW_OPTION', `--filters takes default or none, not "${filters}"`)
  }
  const zones = typeof dnsbl === 'string' ? dnsbl.split(',').map(zone => zone.trim()) : undefined
  const odd = zones?.find(zone => canonicalDomain(zone) === undefined)
  if (odd !== undefined) throw new ConfigurationError('MW_OPTION', `--dnsbl takes zones such as bl.example.net, not "${odd}"`)
  if (filters === 'none') return false
  return {
    ...(zones === undefined ? {} : { dnsbl: zones }),
    ...(values['greylist'] === true ? { greylist: true } : {}),
  }
}

function outboundOptions(values: Readonly<Record<string, string | boolean | undefined>>): PersonalOutboundOptions {
  const { smarthost, 'mx-port': mxPort, 'tls-policy': tlsPolicy, 'key-days': keyDays } = values
  if (keyDays !== undefined && !/^\d{1,5}$/.test(String(keyDays)))
    throw new ConfigurationError('MW_OPTION', `--key-days takes a number of days, not "${keyDays}"`)
  if (tlsPolicy !== undefined && tlsPolicy !== 'opportunistic' && tlsPolicy !== 'require') {
    throw new ConfigurationError('MW_OPTION', `--tls-policy takes opportunistic or require, not "${tlsPolicy}"`)
  }
  return {
    ...(smarthost === undefined ? {} : { smarthost: smarthostOf(String(smarthost), values) }),
    ...(mxPort === undefined ? {} : { mxPort: portOf('mx', mxPort) }),
    ...(values['allow-private-networks'] === true ? { allowPrivateNetworks: true } : {}),
    ...(tlsPolicy === undefined ? {} : { tlsPolicy }),
    ...(keyDays === undefined ? {} : { keyDays: Number(keyDays) }),
  }
}

/** The smarthost's login, from the environment, as values for {@link personalOptions}. */
export function smarthostLogin(environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  return { smarthostUser: environment['SMARTHOST_USER'], smarthostPassword: environment['SMARTHOST_PASSWORD'] }
}

/** `HOST:PORT`, `[IPv6]:PORT`. The login comes from the environment: arguments are seen by every user of the machine. */
function smarthostOf(text: string, values: Readonly<Record<string, string | boolean | undefined>>): Smarthost {
  const [, six, name, port = ''] = /^(?:\[([\da-f:.]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = six ?? name
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new ConfigurationError('MW_OPTION', `--smarthost takes HOST:PORT such as smtp.example.net:587, not "${text}"`)
  }
  const { smarthostUser: username, smarthostPassword: password } = values
  if ((username === undefined) !== (password === undefined)) {
    throw new ConfigurationError('MW_OPTION', 'SMARTHOST_USER and SMARTHOST_PASSWORD are set together, or neither')
  }
  const login = typeof username === 'string' && typeof password === 'string' ? { credentials: { username, password } } : {}
  return { host, port: Number(port), ...login }
}

function portOf(door: DoorName | 'mx', value: string | boolean): number {
  const least = door === 'mx' ? 1 : 0
  if (typeof value !== 'string' || !/^\d{1,5}$/.test(value) || Number(value) > 65_535 || Number(value) < least) {
    throw new ConfigurationError('MW_OPTION', `--${door}-port takes a number from ${least} to 65535, not "${value}"`)
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
  server.on('sent', ({ recipient, status }) => tell(`sent to ${printable(recipient)}: ${said(status)}`))
  server.on('delayed', ({ recipient, status, dueAt = 0 }) => {
    tell(`not sent to ${printable(recipient)} yet: ${said(status)}; next try ${new Date(dueAt).toISOString()}`)
  })
  server.on('bounced', ({ recipient, status }) => tell(`will not be sent to ${printable(recipient)}: ${said(status)}`))
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

/** What a remote server said is whatever it liked to say. */
function said({ code, text }: DeliveryStatus): string {
  return `${code} ${printable(text)}`
}

function printed({ local, domain }: MailAddress): string {
  return `${local}@${domain}`
}

/** What to do about an error with which a personal server did not start; `undefined` where the error says it all. */
export function wayOut(error: unknown): string | undefined {
  if (!(error instanceof MailError)) return systemWayOut(error)
  if (error.kind === 'in-use') {
    return 'perhaps an earlier start of this server; --smtp-port 0 takes any free port, and so for the others'
  }
  return error.kind === 'no-permission' ? 'without the option it is a port that needs no rights' : undefined
}
