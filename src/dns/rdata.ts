/** What a record's octets say. RFC 1035 §3.3, §3.4; RFC 3596 §2.2; RFC 2782; RFC 6698 §2.1. */

import type { MxRecord, SrvRecord, TlsaRecord } from '../contracts/index.ts'
import { isHostName } from './names.ts'
import type { RawRecord } from './wire.ts'

/** Reads one record; `undefined` for one that cannot be used. */
export type ReadRecord<T> = (record: RawRecord) => T | undefined

/** RFC 1035 §3.4.1. */
export function ipv4Address({ data }: RawRecord): string | undefined {
  return data.length === 4 ? data.join('.') : undefined
}

/** Shortened as in RFC 5952 §4. */
export function ipv6Address({ data }: RawRecord): string | undefined {
  if (data.length !== 16) return undefined
  const groups = Array.from({ length: 8 }, (_, i) => (((data[i * 2] ?? 0) << 8) | (data[i * 2 + 1] ?? 0)).toString(16))
  let [from, length] = [0, 0]
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === '0') end++
    if (end - start > length) [from, length] = [start, end - start]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`
}

/** The exchange may be the root, a null MX (RFC 7505 §3); else it must be a host. */
export function mailExchanger(record: RawRecord): MxRecord | undefined {
  const exchange = record.nameAt(2)
  return exchange === '' || isHostName(exchange) ? { preference: uint16(record.data, 0), exchange } : undefined
}

/** All strings of the record in one. RFC 7208 §3.3: "concatenated together without adding spaces". */
export function joinedText({ data }: RawRecord): string | undefined {
  const joined = new Uint8Array(data.length)
  let [from, to] = [0, 0]
  while (from < data.length) {
    const length = data[from] ?? 0
    const string = data.subarray(from + 1, from + 1 + length)
    if (string.length !== length) return undefined
    joined.set(string, to)
    to += length
    from += length + 1
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(joined.subarray(0, to))
}

/** The host that a PTR or CNAME record names. */
export function hostName(record: RawRecord): string | undefined {
  const name = record.nameAt(0)
  return isHostName(name) ? name : undefined
}

/** RFC 2782; the target may be the root: "the service is decidedly not available". */
export function service(record: RawRecord): SrvRecord | undefined {
  const { data } = record
  const target = record.nameAt(6)
  if (target !== '' && !isHostName(target)) return undefined
  return { priority: uint16(data, 0), weight: uint16(data, 2), port: uint16(data, 4), target }
}

/** RFC 6698 §2.1. */
export function association({ data }: RawRecord): TlsaRecord | undefined {
  const [usage, selector, matchingType] = data
  if (usage === undefined || selector === undefined || matchingType === undefined || data.length < 4) return undefined
  return { usage, selector, matchingType, data: new Uint8Array(data.subarray(3)) }
}

/** RFC 2308 §4, §5: how long an absence may be believed; the smaller of the SOA's own time and its MINIMUM. */
export function negativeTtl(authorities: readonly RawRecord[], soaType: number): number | undefined {
  const soa = authorities.find(record => record.type === soaType)
  if (soa === undefined || soa.data.length < 4) return undefined
  const minimum = new DataView(soa.data.buffer, soa.data.byteOffset).getUint32(soa.data.length - 4)
  return Math.min(validTtl(soa.ttl), validTtl(minimum))
}

/** RFC 2181 §8: a TTL with the highest bit set counts as zero. */
export function validTtl(ttl: number): number {
  return ttl > 0x7fff_ffff ? 0 : ttl
}

function uint16(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0)
}
