/** What to publish, as a zone file has it and as a table for people. RFC 1035 §5.1. */

import { valueText, zoneLine } from './record.ts'
import type { PublishedRecord, RecordPurpose } from './record.ts'
import type { DomainRecords } from './records-for.ts'

const TITLES: Readonly<Record<RecordPurpose, string>> = {
  'mail-exchanger': 'Where mail goes',
  'host-address': 'Where the server is',
  reverse: 'Reverse DNS (set by whoever owns the network, not in your zone)',
  spf: 'Who sends (SPF)',
  dkim: 'Signing keys (DKIM)',
  dmarc: 'Forgeries (DMARC)',
  'mta-sts': 'TLS by policy (MTA-STS)',
  'tls-reports': 'Reports about TLS (TLS-RPT)',
  dane: 'TLS by DNSSEC (DANE): only in a signed zone',
  'client-services': 'Where clients find the server',
  'client-setup': 'Pages that set clients up',
  'no-mail': 'Names without mail',
}

/**
 * A fragment of a zone file: every name complete, texts in strings of 255 octets, each with a comment that says why. What
 * belongs to another zone (reverse DNS, and a host of another domain) is a comment.
 */
export function zoneText({ domain, records }: DomainRecords): string {
  const lines = [`; mail for ${domain}`]
  for (const group of groups(records)) {
    lines.push('', `; ${titleOf(group)}`)
    let said: string | undefined
    for (const record of group) {
      if (record.why !== said) lines.push(`; - ${record.why}`)
      said = record.why
      lines.push(isOurs(record.name, domain) ? zoneLine(record) : `; elsewhere: ${zoneLine(record)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** The records in columns, and the pages, for people who type them into a provider's form. */
export function tableText({ domain, records, pages }: DomainRecords): string {
  const lines = [`DNS records to publish for ${domain}`]
  const wide = Math.max(...records.map(record => record.name.length))
  for (const group of groups(records)) {
    lines.push('', titleOf(group))
    for (const record of group) {
      lines.push(
        `  ${record.name.padEnd(wide)}  ${record.type.padEnd(5)}  ${valueText(record)}`,
        `  ${''.padEnd(wide)}         ${record.why}`,
      )
    }
  }
  for (const page of pages) {
    lines.push(
      '',
      `Page ${page.url}`,
      `  (${page.contentType}) ${page.why}`,
      '',
      ...page.text
        .trimEnd()
        .split(/\r?\n/)
        .map(line => `    ${line}`),
    )
  }
  return `${lines.join('\n')}\n`
}

function isOurs(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

function titleOf(group: readonly PublishedRecord[]): string {
  const [first] = group
  return first === undefined ? '' : TITLES[first.purpose]
}

/** Runs of records with one purpose. */
function groups(records: readonly PublishedRecord[]): readonly (readonly PublishedRecord[])[] {
  const found: PublishedRecord[][] = []
  for (const record of records) {
    const last = found.at(-1)
    if (last?.[0]?.purpose === record.purpose) last.push(record)
    else found.push([record])
  }
  return found
}
