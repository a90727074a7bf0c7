/** Reads IP addresses and says what they are for: whom a connection that we begin may be for. RFC 4291 §2.2; RFC 6890 §2.2. */

/** What an address is for. `public` is the only one that stands for a host anywhere on the Internet. RFC 6890 §2.2. */
export type AddressScope =
  | 'public'
  /** This host itself. RFC 1122 §3.2.1.3; RFC 4291 §2.5.3. */
  | 'loopback'
  /** `0.0.0.0/8` and `::`: often this host as well. */
  | 'unspecified'
  /** Networks of one's own. RFC 1918 §3; RFC 4193 §3.1. */
  | 'private'
  /** The same cable only. RFC 3927 §2.1; RFC 4291 §2.5.6. */
  | 'link-local'
  /** Behind a carrier's translator. RFC 6598 §7. */
  | 'shared'
  /** Where clouds tell a machine its secrets. */
  | 'metadata'
  /** For examples in texts. RFC 5737 §3; RFC 3849 §2; RFC 9637 §4. */
  | 'documentation'
  | 'multicast'
  /** Everything else that no host has: benchmarks, broadcast, discard, what is not assigned. */
  | 'reserved'

const DECIMAL = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-f]{1,4}$/i

/**
 * The octets of an address, four or sixteen; `undefined` for anything else. Stricter than many: no leading zeros, no
 * octal or hexadecimal quads, no shortened forms, no zone and no brackets, since the same text must mean the same everywhere.
 */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined
  return text.includes(':') ? ipv6Octets(text) : ipv4Octets(text)
}

function ipv4Octets(text: string): Uint8Array | undefined {
  const quads = text.split('.')
  if (quads.length !== 4 || !quads.every(quad => DECIMAL.test(quad) && Number(quad) < 256)) return undefined
  return Uint8Array.from(quads, Number)
}

function ipv6Octets(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const before = groupsOf(halves[0] ?? '', halves.length === 1)
  const after = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : []
  if (before === undefined || after === undefined) return undefined
  const missing = 16 - before.length - after.length
  // RFC 5952 §4.2.2 advises against `::` for a single group; readers take it.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  const octets = new Uint8Array(16)
  octets.set(before)
  octets.set(after, 16 - after.length)
  return octets
}

/** Octets of groups between colons; the last may be an IPv4 address. RFC 4291 §2.2. */
function groupsOf(text: string, last: boolean): readonly number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (GROUP.test(group)) {
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 0xff)
      continue
    }
    const quads = last && index === groups.length - 1 ? ipv4Octets(group) : undefined
    if (quads === undefined) return undefined
    octets.push(...quads)
  }
  return octets
}

type Row = readonly [prefix: readonly number[], bits: number, scope: AddressScope]

const V4: readonly Row[] = [
  [[169, 254, 169, 254], 32, 'metadata'],
  [[169, 254, 170, 2], 32, 'metadata'],
  [[100, 100, 100, 200], 32, 'metadata'],
  [[168, 63, 129, 16], 32, 'metadata'],
  [[192, 0, 0, 192], 32, 'metadata'],
  [[0], 8, 'unspecified'],
  [[10], 8, 'private'],
  [[100, 64], 10, 'shared'],
  [[127], 8, 'loopback'],
  [[169, 254], 16, 'link-local'],
  [[172, 16], 12, 'private'],
  [[192, 0, 0], 24, 'reserved'],
  [[192, 0, 2], 24, 'documentation'],
  // RFC 7526 §4: the anycast address of 6to4 relays, given up.
  [[192, 88, 99], 24, 'reserved'],
  [[192, 168], 16, 'private'],
  [[198, 18], 15, 'reserved'],
  [[198, 51, 100], 24, 'documentation'],
  [[203, 0, 113], 24, 'documentation'],
  [[224], 4, 'multicast'],
  [[240], 4, 'reserved'],
]

const V6: readonly Row[] = [
  [[0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128, 'metadata'],
  [[0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128, 'metadata'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, 'loopback'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 128, 'unspecified'],
  [[0xff], 8, 'multicast'],
  [[0xfe, 0x80], 10, 'link-local'],
  // RFC 3879 §4: site-local addresses, given up but still routed inside some sites.
  [[0xfe, 0xc0], 10, 'private'],
  [[0xfc], 7, 'private'],
  [[0x20, 0x01, 0x0d, 0xb8], 32, 'documentation'],
  [[0x3f, 0xff, 0x00], 20, 'documentation'],
  // Teredo, benchmarks, ORCHID and the rest of the IETF's own block; what is handed out begins at 2001:200::. RFC 2928 §2.
  [[0x20, 0x01, 0x00], 23, 'reserved'],
]

/** Prefixes of IPv6 addresses that stand for an IPv4 address, and where in them it lies. */
const EMBEDDING: readonly (readonly [prefix: readonly number[], bits: number, at: number])[] = [
  // IPv4-mapped, RFC 4291 §2.5.5.2, and as RFC 2765 §2.1 had it for translators.
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, 12],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], 96, 12],
  // IPv4-compatible, RFC 4291 §2.5.5.1; `::` and `::1` were met before.
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 96, 12],
  // NAT64, RFC 6052 §2.1, and its prefix for local use, RFC 8215 §5.
  [[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96, 12],
  // 6to4, RFC 3056 §2.
  [[0x20, 0x02], 16, 2],
]

/**
 * What an address is for; `undefined` for what is none. An IPv6 address that stands for an IPv4 address (mapped, NAT64, 6to4)
 * is what that one is.
 *
 * ```ts
 * addressScope('::ffff:10.0.0.1') // 'private'
 * ```
 */
export function addressScope(text: string): AddressScope | undefined {
  const octets = parseIpAddress(text)
  return octets === undefined ? undefined : scopeOf(octets)
}

function scopeOf(octets: Uint8Array): AddressScope {
  if (octets.length === 4) return rowOf(V4, octets) ?? 'public'
  const row = rowOf(V6, octets)
  if (row !== undefined) return row
  for (const [prefix, bits, at] of EMBEDDING) if (within(octets, prefix, bits)) return scopeOf(octets.subarray(at, at + 4))
  // RFC 4291 §2.4 with IANA's registry: global unicast addresses are given out of 2000::/3 alone.
  return within(octets, [0x20], 3) ? 'public' : 'reserved'
}

function rowOf(rows: readonly Row[], octets: Uint8Array): AddressScope | undefined {
  return rows.find(([prefix, bits]) => within(octets, prefix, bits))?.[2]
}

function within(octets: Uint8Array, prefix: readonly number[], bits: number): boolean {
  for (let at = 0, left = bits; left > 0; at++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if (((octets[at] ?? 0) & mask) !== ((prefix[at] ?? 0) & mask)) return false
  }
  return true
}

/** Whether a connection to this address can only mean a host of the Internet: false for everything private, special or unreadable (S29). */
export function isPublicAddress(text: string): boolean {
  return addressScope(text) === 'public'
}

/** One spelling for each address: IPv4 in quads (mapped ones too), IPv6 in full hexadecimal groups; `undefined` for what is none. */
export function canonicalIpAddress(text: string): string | undefined {
  const octets = parseIpAddress(text)
  if (octets === undefined) return undefined
  if (octets.length === 4) return octets.join('.')
  const [mapped] = EMBEDDING
  if (mapped !== undefined && within(octets, mapped[0], mapped[1])) return octets.subarray(12).join('.')
  return Array.from({ length: 8 }, (_, i) => (((octets[i * 2] ?? 0) << 8) | (octets[i * 2 + 1] ?? 0)).toString(16)).join(':')
}

/** Whether a peer with this address is on this very machine; a Unix socket has no address (`''`). */
export function isLoopback(address: string): boolean {
  return address === '' || address === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address)
}
