/** Options that commands about DNS share, and what they mean. RFC 1035 §4.2. */

import { getServers } from 'node:dns'
import { isHostName, questionName, stubResolver } from '../dns/index.ts'
import type { RecordsOptions } from '../dns/index.ts'
import { socketDialer } from '../net/index.ts'
import type { CommandOption } from '../server/index.ts'
import type { Resolver } from '../contracts/index.ts'
import { UsageError } from './usage.ts'
import type { OptionValues } from './usage.ts'

/** Where the server is. */
export const PLACE_OPTIONS: readonly CommandOption[] = [
  { name: 'host', value: 'NAME', text: 'name of the mail server (default: that of the folder’s server, else mail. before the domain)' },
  { name: 'ipv4', value: 'A,…', text: 'its IPv4 addresses' },
  { name: 'ipv6', value: 'A,…', text: 'its IPv6 addresses' },
]

/** The domain that was named, as DNS writes it. Throws {@link UsageError} for what is none. */
export function domainNamed(text: string): string {
  const name = questionName(text)
  if (name === undefined || !isHostName(name)) throw new UsageError(`"${text}" is no name in DNS`)
  return name
}

/** A text option; `undefined` where it was not given. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** A list with commas between. */
export function listOption(options: OptionValues, name: string): readonly string[] {
  const text = textOption(options, name)
  return text === undefined
    ? []
    : text
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== '')
}

/** A port. Throws {@link UsageError} for what is none. */
export function portOption(options: OptionValues, name: string, otherwise: number): number {
  const text = textOption(options, name)
  if (text === undefined) return otherwise
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
    throw new UsageError(`--${name} takes a port from 1 to 65535, not "${text}"`)
  return Number(text)
}

/** Where the server is, as the records want it. */
export function placeOf(options: OptionValues): Pick<RecordsOptions, 'host' | 'ipv4' | 'ipv6'> {
  const host = textOption(options, 'host')
  return { ...(host === undefined ? {} : { host }), ipv4: listOption(options, 'ipv4'), ipv6: listOption(options, 'ipv6') }
}

/** Asks the servers that were named (`--dns`), else those of the machine; a little less patiently than a server would. */
export function askedResolver(options: OptionValues): Required<Resolver> {
  const named = listOption(options, 'dns')
  // Addresses of one cable only (fe80::1%eth0) cannot be written as a server; nobody there means: every question says so.
  const machine = getServers().filter(server => !server.includes('%'))
  const servers = named.length > 0 ? named : machine.length > 0 ? machine : ['127.0.0.1']
  return stubResolver({ servers, dialer: socketDialer(), timeoutMs: 2500, deadlineMs: 6000 })
}
