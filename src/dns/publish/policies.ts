/** The texts by which a domain says how its mail is to be treated. RFC 7208 §4.6; RFC 9989 §4; RFC 8461 §3; RFC 8460 §3. */

import { createHash } from 'node:crypto'
import { hex } from './record.ts'

/** What receivers should do with mail that fails DMARC. RFC 9989 §4.7. */
export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

/** How far others are held to TLS. RFC 8461 §3.2: `testing` reports only, `enforce` refuses to deliver otherwise. */
export type MtaStsMode = 'testing' | 'enforce' | 'none'

/** An SPF record that lets the given mechanisms pass and fails the rest. RFC 7208 §4.5, §5.1. */
export function spfText(mechanisms: readonly string[], rest: '-all' | '~all'): string {
  return ['v=spf1', ...mechanisms, rest].join(' ')
}

/** RFC 9989 §4.7. */
export function dmarcText(policy: DmarcPolicy, reportsTo: string | undefined): string {
  return [`v=DMARC1`, `p=${policy}`, ...(reportsTo === undefined ? [] : [`rua=mailto:${uriAddress(reportsTo)}`])].join('; ')
}

/** RFC 8460 §3. */
export function tlsReportsText(reportsTo: string): string {
  return `v=TLSRPTv1; rua=mailto:${uriAddress(reportsTo)}`
}

/** What the policy page says. */
export interface MtaStsPage {
  readonly mode: MtaStsMode
  /** Host names of exchangers; `*.example.org` for any one below. */
  readonly mx: readonly string[]
  readonly maxAgeSeconds: number
}

/** The policy page. RFC 8461 §3.2. */
export function mtaStsPolicy({ mode, mx, maxAgeSeconds }: MtaStsPage): string {
  const lines = ['version: STSv1', `mode: ${mode}`, ...mx.map(name => `mx: ${name}`), `max_age: ${maxAgeSeconds}`]
  return lines.map(line => `${line}\r\n`).join('')
}

/**
 * The record that tells of the page. RFC 8461 §3.1: the id must change whenever the page does, so it is made from the page: the same page
 * has the same id on every machine.
 */
export function mtaStsText(policy: string): string {
  return `v=STSv1; id=${hex(createHash('sha256').update(policy).digest()).slice(0, 20)}`
}

/** An address within a `mailto:` list: commas and exclamation marks are separators there. RFC 6068 §2; RFC 9989 §4.7. */
function uriAddress(address: string): string {
  return encodeURIComponent(address).replaceAll('%40', '@').replaceAll('!', '%21')
}
