/** A record to publish, as data and as a zone file writes it. RFC 1035 §5.1; RFC 2782; RFC 6698 §2.2. */

import { utf8Bytes } from '../../bytes/index.ts'
import type { MxRecord, SrvRecord, TlsaRecord } from '../../contracts/index.ts'

/** What a record is for. */
export type RecordPurpose =
  /** Where mail for the domain goes. RFC 5321 §5.1. */
  | 'mail-exchanger'
  | 'host-address'
  /** The name of the address, which the network's owner publishes. RFC 1035 §3.5. */
  | 'reverse'
  /** Who may send. RFC 7208. */
  | 'spf'
  /** Signing keys. RFC 6376. */
  | 'dkim'
  /** What to do with mail that is neither. RFC 9989. */
  | 'dmarc'
  /** Others must use TLS towards us. RFC 8461. */
  | 'mta-sts'
  /** Where others report failures of TLS. RFC 8460. */
  | 'tls-reports'
  /** The certificate, vouched for by DNSSEC. RFC 7672. */
  | 'dane'
  /** Where clients find what. RFC 6186; RFC 8314 §5.1. */
  | 'client-services'
  /** Pages that set clients up. */
  | 'client-setup'
  /** Names that neither send nor receive. RFC 7505; RFC 7208 §10.1.2. */
  | 'no-mail'

/** How much depends on a record. */
export type RecordNeed =
  /** Without it mail does not arrive, or is thrown away. */
  | 'required'
  /** Without it mail works, less well or less safely. */
  | 'recommended'
  /** A convenience. */
  | 'optional'

/** What every record has. */
export interface RecordCommon {
  /** Fully qualified, lower case, without the trailing dot. */
  readonly name: string
  /** Seconds. */
  readonly ttl: number
  readonly purpose: RecordPurpose
  readonly need: RecordNeed
  /** What it is good for, in a sentence for people. */
  readonly why: string
}

/** A record to publish. */
export type PublishedRecord = RecordCommon &
  (
    | { readonly type: 'A' | 'AAAA'; readonly value: string }
    /** The name that another one stands for. */
    | { readonly type: 'CNAME' | 'PTR'; readonly value: string }
    /** The whole text; a zone file has it in strings of 255 octets. */
    | { readonly type: 'TXT'; readonly value: string }
    | { readonly type: 'MX'; readonly value: MxRecord }
    | { readonly type: 'SRV'; readonly value: SrvRecord }
    | { readonly type: 'TLSA'; readonly value: TlsaRecord }
  )

/** A page to put on a web server, for the records that point to it. */
export interface PublishedPage {
  readonly url: string
  readonly contentType: string
  readonly text: string
  readonly purpose: RecordPurpose
  readonly why: string
}

/** Octets in one string of a TXT record. RFC 1035 §3.3. */
const MAX_STRING = 255

/** The value as people write it into the form of a DNS provider: names with the final dot, texts without quotes. */
export function valueText(record: PublishedRecord): string {
  return record.type === 'TXT' ? record.value : zoneValue(record)
}

/** What a zone file has of a record: all but what it is good for. */
type Zoned<Record> = Record extends PublishedRecord ? Omit<Record, 'purpose' | 'need' | 'why'> : never

/** The record as a line of a zone file. */
export function zoneLine(record: Zoned<PublishedRecord>): string {
  return `${record.name}. ${record.ttl} IN ${record.type} ${zoneValue(record)}`
}

function zoneValue(record: Zoned<PublishedRecord>): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.value
    case 'CNAME':
    case 'PTR':
      return `${record.value}.`
    case 'TXT':
      return quotedStrings(record.value)
    case 'MX':
      return `${record.value.preference} ${record.value.exchange}.`
    case 'SRV':
      return `${record.value.priority} ${record.value.weight} ${record.value.port} ${record.value.target}.`
    case 'TLSA':
      return `${record.value.usage} ${record.value.selector} ${record.value.matchingType} ${hex(record.value.data)}`
  }
}

/** Octets in hexadecimal. */
export function hex(octets: Uint8Array): string {
  return Array.from(octets, octet => octet.toString(16).padStart(2, '0')).join('')
}

/** A text in quoted strings; quotes, backslashes and what is not printable ASCII are written `\DDD`. RFC 1035 §5.1. */
function quotedStrings(text: string): string {
  const octets = utf8Bytes(text)
  const strings: string[] = []
  for (let at = 0; at < octets.length || at === 0; at += MAX_STRING) {
    const part = octets.subarray(at, at + MAX_STRING)
    strings.push(`"${Array.from(part, quotedOctet).join('')}"`)
  }
  return strings.join(' ')
}

function quotedOctet(octet: number): string {
  const isPlain = octet >= 0x20 && octet < 0x7f && octet !== 0x22 && octet !== 0x5c
  return isPlain ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`
}
