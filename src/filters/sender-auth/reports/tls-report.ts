/** Reads reports on how TLS fared on the way to a domain: bounded, nothing believed but its form. RFC 8460 §4; M5. */

import { utf8Text } from '../../../bytes/ascii.ts'
import type { ReportedTlsFailure, ReportedTlsPolicy, TlsReport } from '../../../contracts/index.ts'
import { unpacked } from './unpack.ts'

const MOST_OCTETS = 5 * 1024 * 1024
const MOST_POLICIES = 1000
const MOST_DETAILS = 1000

/** Reads a report in JSON or gzip; `undefined` for what is none or too much. */
export function readTlsReport(octets: Uint8Array): TlsReport | undefined {
  const json = unpacked(octets, MOST_OCTETS)
  if (json === undefined) return undefined
  let root: unknown
  try {
    root = JSON.parse(utf8Text(json))
  } catch {
    return undefined
  }
  const report = nodeOf(root)
  const range = nodeOf(report['date-range'])
  const [begin, end] = [Date.parse(textOf(range['start-datetime'])), Date.parse(textOf(range['end-datetime']))]
  const policies = report['policies']
  if (Number.isNaN(begin) || Number.isNaN(end) || !Array.isArray(policies)) return undefined
  return {
    organisation: textOf(report['organization-name']),
    contact: textOf(report['contact-info']),
    id: textOf(report['report-id']),
    begin,
    end,
    policies: policies.slice(0, MOST_POLICIES).map(policyOf),
  }
}

function policyOf(value: unknown): ReportedTlsPolicy {
  const { policy, summary, ...rest } = nodeOf(value)
  const details = rest['failure-details']
  return {
    type: textOf(nodeOf(policy)['policy-type']),
    domain: textOf(nodeOf(policy)['policy-domain']).toLowerCase(),
    successes: countOf(nodeOf(summary)['total-successful-session-count']),
    failures: countOf(nodeOf(summary)['total-failure-session-count']),
    details: (Array.isArray(details) ? details.slice(0, MOST_DETAILS) : []).map(detailOf),
  }
}

function detailOf(value: unknown): ReportedTlsFailure {
  const detail = nodeOf(value)
  return {
    type: textOf(detail['result-type']),
    count: countOf(detail['failed-session-count']),
    sendingIp: textOf(detail['sending-mta-ip']),
    receivingHost: textOf(detail['receiving-mx-hostname']),
    reason: textOf(detail['failure-reason-code']),
  }
}

function nodeOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 500).replace(/[\u0000-\u001f\u007f]/g, ' ') : ''
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}
