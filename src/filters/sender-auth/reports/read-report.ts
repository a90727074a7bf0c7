/** Reads aggregate reports of others: bounded, no entities, nothing believed but its form. RFC 9990 §3.1; RFC 7489 appendix C; M5. */

import { XMLParser } from 'fast-xml-parser'
import type { DmarcReport, ReportedPolicy, ReportedRow, RequestedPolicy } from '../../../contracts/index.ts'
import { canonicalIpAddress } from '../../../bytes/ip-address.ts'
import { utf8Text } from '../../../bytes/ascii.ts'
import { unpacked } from './unpack.ts'

/** Octets of a report, opened. Large receivers send one megabyte or two. */
const MOST_OCTETS = 10 * 1024 * 1024
const MOST_RECORDS = 10_000
const LONGEST_TEXT = 500

type Node = Readonly<Record<string, unknown>>

/** Reads a report in XML, gzip or zip; `undefined` for what is none or too much. It takes up to a second for ten megabytes: `dmarcReports` does it on a thread. */
export function readDmarcReport(octets: Uint8Array): DmarcReport | undefined {
  const xml = unpacked(octets, MOST_OCTETS)
  if (xml === undefined) return undefined
  const text = utf8Text(xml)
  // No report has a document type; what defines entities has something in mind.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return undefined
  let root: unknown
  try {
    root = new XMLParser({
      ignoreAttributes: true,
      parseTagValue: false,
      processEntities: false,
      removeNSPrefix: true,
      maxNestedTags: 20,
    }).parse(text)
  } catch {
    return undefined
  }
  const feedback = nodeOf(nodeOf(root)['feedback'])
  const metadata = nodeOf(feedback['report_metadata'])
  const range = nodeOf(metadata['date_range'])
  const policy = policyOf(nodeOf(feedback['policy_published']))
  const [begin, end] = [numberOf(range['begin']), numberOf(range['end'])]
  const records = nodesOf(feedback['record'])
  if (policy === undefined || begin === undefined || end === undefined || records.length > MOST_RECORDS) return undefined
  return {
    organisation: textOf(metadata['org_name']),
    email: textOf(metadata['email']),
    id: textOf(metadata['report_id']),
    begin,
    end,
    policy,
    records: records.flatMap(rowOf),
  }
}

function policyOf(node: Node): ReportedPolicy | undefined {
  const domain = textOf(node['domain']).toLowerCase()
  const p = requested(node['p'])
  if (domain === '' || p === undefined) return undefined
  const [sp, np] = [requested(node['sp']), requested(node['np'])]
  return {
    domain,
    p,
    ...(sp === undefined ? {} : { sp }),
    ...(np === undefined ? {} : { np }),
    adkim: textOf(node['adkim']) === 's' ? 's' : 'r',
    aspf: textOf(node['aspf']) === 's' ? 's' : 'r',
    testing: textOf(node['testing']) === 'y',
  }
}

function rowOf(record: Node): ReportedRow[] {
  const row = nodeOf(record['row'])
  const evaluated = nodeOf(row['policy_evaluated'])
  const identifiers = nodeOf(record['identifiers'])
  const results = nodeOf(record['auth_results'])
  const ip = canonicalIpAddress(textOf(row['source_ip']))
  const count = numberOf(row['count'])
  if (ip === undefined || count === undefined) return []
  const disposition = textOf(evaluated['disposition'])
  const envelopeFrom = textOf(identifiers['envelope_from'])
  return [
    {
      ip,
      count,
      disposition: disposition === 'quarantine' || disposition === 'reject' || disposition === 'pass' ? disposition : 'none',
      dkim: textOf(evaluated['dkim']) === 'pass' ? 'pass' : 'fail',
      spf: textOf(evaluated['spf']) === 'pass' ? 'pass' : 'fail',
      reasons: nodesOf(evaluated['reason']).map(reason => textOf(reason['type'])),
      headerFrom: textOf(identifiers['header_from']).toLowerCase(),
      envelopeFrom: envelopeFrom === '' ? undefined : envelopeFrom.toLowerCase(),
      dkimResults: nodesOf(results['dkim']).map(one => ({
        domain: textOf(one['domain']).toLowerCase(),
        selector: textOf(one['selector']),
        result: textOf(one['result']),
      })),
      spfResults: nodesOf(results['spf']).map(one => ({ domain: textOf(one['domain']).toLowerCase(), result: textOf(one['result']) })),
    },
  ]
}

function requested(value: unknown): RequestedPolicy | undefined {
  const text = textOf(value).toLowerCase()
  return text === 'none' || text === 'quarantine' || text === 'reject' ? text : undefined
}

function nodesOf(value: unknown): readonly Node[] {
  if (value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map(nodeOf)
}

function nodeOf(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {}
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function textOf(value: unknown): string {
  if (typeof value !== 'string') return ''
  const text = value.slice(0, LONGEST_TEXT).replace(/&(lt|gt|amp|quot|apos);/g, (whole, name: string) => ENTITIES[name] ?? whole)
  return text.replace(/[\u0000-\u001f\u007f]/g, ' ').trim()
}

function numberOf(value: unknown): number | undefined {
  const text = textOf(value)
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined
}
