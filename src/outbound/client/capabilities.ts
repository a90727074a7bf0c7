/** What a server offers, from its answer to EHLO or LHLO. RFC 5321 §4.1.1.1; RFC 2033 §4.1. */

import type { Reply } from './reply.ts'

/** The extensions that this client knows. */
export interface Capabilities {
  /** The name that the server gives itself. */
  readonly name: string
  /** Answered EHLO or LHLO, not only HELO. */
  readonly extended: boolean
  /** RFC 3207. */
  readonly startTls: boolean
  /** RFC 2920. */
  readonly pipelining: boolean
  /** RFC 1870; `undefined` when not offered, 0 when offered without a limit. */
  readonly size: number | undefined
  /** RFC 6152. */
  readonly eightBitMime: boolean
  /** RFC 6531. */
  readonly smtpUtf8: boolean
  /** RFC 3461. */
  readonly dsn: boolean
  /** RFC 3030. */
  readonly chunking: boolean
  /** RFC 8689. */
  readonly requireTls: boolean
  /** RFC 2852 §3; `undefined` when not offered, else the shortest time that it takes for what must be returned, seconds. */
  readonly deliverBy: number | undefined
  /** RFC 6710. */
  readonly priority: boolean
  /** Mechanisms, in capitals. RFC 4954. */
  readonly auth: ReadonlySet<string>
  /** Recipients in one transaction, where the server says. RFC 9422 §4.2. */
  readonly recipients: number | undefined
}

/** A server that knows HELO only. */
export function plainCapabilities(reply: Reply): Capabilities {
  return read([reply.lines[0] ?? ''], false)
}

/** Reads the answer; a keyword that is unknown or malformed offers nothing. */
export function capabilitiesOf(reply: Reply): Capabilities {
  return read(reply.lines, true)
}

function read(lines: readonly string[], extended: boolean): Capabilities {
  const offered = new Map<string, readonly string[]>()
  for (const line of lines.slice(1)) {
    const [keyword = '', ...parameters] = line.split(/[ \t]+/)
    // RFC 4954 predates: some write `AUTH=PLAIN LOGIN` for the sake of old clients.
    const legacy = /^AUTH=(.+)$/i.exec(keyword)?.[1]
    const name = legacy === undefined ? keyword.toUpperCase() : 'AUTH'
    offered.set(name, [...(offered.get(name) ?? []), ...(legacy === undefined ? [] : [legacy]), ...parameters])
  }
  const size = offered.get('SIZE')
  const deliverBy = offered.get('DELIVERBY')
  const recipients = offered.get('LIMITS')?.map(limit => /^RCPTMAX=(\d{1,6})$/i.exec(limit)?.[1])
  const most = recipients?.find(limit => limit !== undefined)
  return {
    name: lines[0]?.split(/[ \t]/)[0] ?? '',
    extended,
    startTls: offered.has('STARTTLS'),
    pipelining: offered.has('PIPELINING'),
    size: size === undefined ? undefined : /^\d{1,15}$/.test(size[0] ?? '') ? Number(size[0]) : 0,
    eightBitMime: offered.has('8BITMIME'),
    smtpUtf8: offered.has('SMTPUTF8'),
    dsn: offered.has('DSN'),
    chunking: offered.has('CHUNKING'),
    requireTls: offered.has('REQUIRETLS'),
    deliverBy: deliverBy === undefined ? undefined : Number(/^\d{1,9}/.exec(deliverBy[0] ?? '')?.[0] ?? 0),
    priority: offered.has('MT-PRIORITY'),
    auth: new Set(offered.get('AUTH')?.map(mechanism => mechanism.toUpperCase()) ?? []),
    recipients: most === undefined || Number(most) < 1 ? undefined : Number(most),
  }
}
