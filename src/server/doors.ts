/** Which doors a server has, and what is behind each. RFC 8314 §3, §7; RFC 6409 §3.1; RFC 2033. */

import { ConfigurationError } from '../contracts/index.ts'
import type { Protocol } from '../contracts/index.ts'

/**
 * The doors by name: `smtp` for other servers (port 25), `submission` (587) and `submissions` (465, TLS at once) for clients that
 * log in, `lmtp` for delivery from a server in front, `imap` (143) and `imaps` (993), `pop3` (110) and `pop3s` (995).
 */
export type DoorName = 'smtp' | 'submission' | 'submissions' | 'lmtp' | 'imap' | 'imaps' | 'pop3' | 'pop3s'

/** Where a door is, in full. */
export interface DoorOptions {
  /** Default: the server's `host`. */
  readonly host?: string
  /** 0 for any that is free. */
  readonly port?: number
  /** Path of a Unix socket instead of host and port. */
  readonly path?: string
  /** Connections that the system holds until we take them. Default 511. */
  readonly backlog?: number
  /** Networks of the proxies in front of this door, each of which begins with a PROXY header; everybody else is dropped. */
  readonly proxies?: readonly string[]
}

/** The doors of a server: a port, the path of a Unix socket, the options in full, or several of these. */
export type Doors = { readonly [Name in DoorName]?: number | string | DoorOptions | readonly (number | string | DoorOptions)[] }

/** A door, ready to be opened. */
export interface Door {
  readonly name: DoorName
  readonly protocol: Protocol
  readonly implicitTls: boolean
  /** Its ALPN name, where it has one. */
  readonly alpn: string | undefined
  readonly where: DoorOptions
}

interface Kind {
  readonly protocol: Protocol
  readonly implicitTls: boolean
  readonly alpn?: string
}

const kinds: Readonly<Record<DoorName, Kind>> = {
  smtp: { protocol: 'smtp', implicitTls: false },
  submission: { protocol: 'submission', implicitTls: false },
  submissions: { protocol: 'submission', implicitTls: true },
  lmtp: { protocol: 'lmtp', implicitTls: false },
  imap: { protocol: 'imap', implicitTls: false, alpn: 'imap' },
  imaps: { protocol: 'imap', implicitTls: true, alpn: 'imap' },
  pop3: { protocol: 'pop3', implicitTls: false, alpn: 'pop3' },
  pop3s: { protocol: 'pop3', implicitTls: true, alpn: 'pop3' },
}

/** The names of all doors, in the order in which they are told. */
export const DOOR_NAMES: readonly DoorName[] = Object.freeze(Object.keys(kinds) as DoorName[])

/**
 * Reads the doors. Throws `ConfigurationError`: `MW_LISTENER_UNKNOWN` for a name that is none, `MW_LISTENER_INVALID` for a place
 * that is none, `MW_TLS_MISSING` for TLS without a certificate, `MW_NO_LISTENERS` when there is nothing to open.
 */
export function doorsOf(
  doors: Doors,
  defaults: { readonly host: string; readonly hasTls: boolean; readonly sends?: boolean },
): readonly Door[] {
  for (const name of Object.keys(doors)) {
    if (!Object.hasOwn(kinds, name))
      throw new ConfigurationError('MW_LISTENER_UNKNOWN', `there is no listener "${name}"; there are ${DOOR_NAMES.join(', ')}`)
  }
  const opened = DOOR_NAMES.flatMap(name => {
    const { protocol, implicitTls, alpn } = kinds[name]
    return placesOf(doors[name]).map(place => ({ name, protocol, implicitTls, alpn, where: whereOf(name, place, defaults.host) }))
  })
  // Without any door a server can still send.
  if (opened.length === 0 && defaults.sends !== true)
    throw new ConfigurationError('MW_NO_LISTENERS', 'the server has no listeners, so nobody could reach it')
  const encrypted = opened.find(door => door.implicitTls)
  if (encrypted !== undefined && !defaults.hasTls)
    throw new ConfigurationError('MW_TLS_MISSING', `the listener "${encrypted.name}" speaks TLS only: give the server a certificate (tls)`)
  return opened
}

type Place = number | string | DoorOptions

function placesOf(value: Doors[DoorName]): readonly Place[] {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

function isList(value: Place | readonly Place[]): value is readonly Place[] {
  return Array.isArray(value)
}

function whereOf(name: DoorName, place: Place, host: string): DoorOptions {
  const where: DoorOptions = typeof place === 'number' ? { port: place } : typeof place === 'string' ? { path: place } : place
  const { port, path } = where
  if (path === undefined ? !isPort(port) : path === '' || port !== undefined)
    throw new ConfigurationError('MW_LISTENER_INVALID', `the listener "${name}" needs a port from 0 to 65535, or the path of a Unix socket`)
  return path === undefined ? { host, ...where } : where
}

function isPort(port: number | undefined): boolean {
  return port !== undefined && Number.isInteger(port) && port >= 0 && port <= 65_535
}
