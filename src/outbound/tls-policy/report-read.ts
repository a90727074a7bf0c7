/** Reports about our own TLS that others send, read with care: they may be bombs. RFC 8460 §4.4, §5.2, §7. */

import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { strictUtf8Text } from '../../bytes/ascii.ts'
import { MailError } from '../../contracts/index.ts'

/** One kind of failure as somebody saw it. */
export interface ReceivedTlsFailure {
  /** As sent: new types may come. */
  readonly type: string
  readonly sendingIp?: string
  readonly receivingMx?: string
  readonly receivingIp?: string
  readonly sessions: number
  readonly reason?: string
}

/** What somebody saw under one of our policies. */
export interface ReceivedTlsPolicy {
  readonly type: string
  readonly domain: string
  readonly strings: readonly string[]
  readonly mxHosts: readonly string[]
  readonly succeeded: number
  readonly failed: number
  readonly failures: readonly ReceivedTlsFailure[]
}

/** A report. */
export interface ReceivedTlsReport {
  readonly organisation: string
  readonly contact: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly begin: number
  readonly end: number
  readonly policies: readonly ReceivedTlsPolicy[]
}

/** Octets of JSON, after decompression; real reports have a few thousand. */
const LARGEST = 4_194_304
const POLICIES = 1000
const FAILURES = 1000
const TEXT = 500
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g
const decompressed = promisify(gunzip)

/**
 * Reads a report, compressed or not. Throws `MailError`: `too-big` for what unpacks to more than 4 MiB, `invalid` for what is no report.
 * Texts are bounded and without control characters, but whoever shows them must still escape them.
 */
export async function readTlsReport(octets: Uint8Array): Promise<ReceivedTlsReport> {
  if (octets.length > LARGEST) throw new MailError('too-big', 'the report is too large')
  const json = octets[0] === 0x1f && octets[1] === 0x8b ? await unpacked(octets) : octets
  const text = strictUtf8Text(json)
  if (text === undefined) throw new MailError('invalid', 'the report is not UTF-8')
  const report = recordOf(parsed(text))
  const range = recordOf(report['date-range'])
  const policies = listOf(report['policies'])
  if (policies.length === 0) throw new MailError('invalid', 'the report tells of no policy')
  return {
    organisation: textOf(report['organization-name']),
    contact: textOf(report['contact-info']),
    id: textOf(report['report-id']),
    begin: timeOf(range['start-datetime']),
    end: timeOf(range['end-datetime']),
    policies: policies.slice(0, POLICIES).map(entry => policyOf(recordOf(entry))),
  }
}

async function unpacked(octets: Uint8Array): Promise<Uint8Array> {
  try {
    return await decompressed(octets, { maxOutputLength: LARGEST })
  } catch (error) {
    const tooBig = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw new MailError(
      tooBig ? 'too-big' : 'invalid',
      tooBig ? 'the report unpacks to more than 4 MiB' : 'the report cannot be unpacked',
      { cause: error },
    )
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new MailError('invalid', 'the report is no JSON', { cause: error })
  }
}

function policyOf(entry: Readonly<Record<string, unknown>>): ReceivedTlsPolicy {
  const policy = recordOf(entry['policy'])
  const summary = recordOf(entry['summary'])
  const hosts = policy['mx-host']
  return {
    type: textOf(policy['policy-type']),
    domain: textOf(policy['policy-domain']).toLowerCase(),
    strings: listOf(policy['policy-string']).slice(0, 100).map(textOf),
    // RFC 8460 says a list; the first senders wrote one name.
    mxHosts: (typeof hosts === 'string' ? [hosts] : listOf(hosts)).slice(0, 100).map(textOf),
    succeeded: countOf(summary['total-successful-session-count']),
    failed: countOf(summary['total-failure-session-count']),
    failures: listOf(entry['failure-details'])
      .slice(0, FAILURES)
      .map(failure => failureOf(recordOf(failure))),
  }
}

function failureOf(entry: Readonly<Record<string, unknown>>): ReceivedTlsFailure {
  const optional = (key: string): string | undefined => (typeof entry[key] === 'string' ? textOf(entry[key]) : undefined)
  const sendingIp = optional('sending-mta-ip')
  const receivingMx = optional('receiving-mx-hostname')
  const receivingIp = optional('receiving-ip')
  const reason = optional('failure-reason-code')
  return {
    type: textOf(entry['result-type']),
    sessions: countOf(entry['failed-session-count']),
    ...(sendingIp === undefined ? {} : { sendingIp }),
    ...(receivingMx === undefined ? {} : { receivingMx }),
    ...(receivingIp === undefined ? {} : { receivingIp }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MailError('invalid', 'the report lacks a part that it must have')
  return value as Readonly<Record<string, unknown>>
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, TEXT).replace(CONTROLS, ' ') : ''
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

function timeOf(value: unknown): number {
  const at = typeof value === 'string' && value.length < 64 ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw new MailError('invalid', 'the report is about no time')
  return at
}
