/** Reads what came back: notifications of delivery, complaints, and bounces without a standard. RFC 3464; RFC 6522; RFC 6533; RFC 5965. */

import { latin1Text } from '../../bytes/ascii.ts'
import type { MailAddress } from '../../contracts/directory.ts'
import type { MessageSource } from '../../contracts/message.ts'
import { headerLength } from '../../dkim/index.ts'
import { decodeCharset, decodeTransfer, headerFields, readSummary, summarise, type PartLocation } from '../../mime/index.ts'
import type { BounceAddresses } from '../verp.ts'
import { lineOf } from '../../mime/field-text.ts'
import { readPlainBounce } from './plain-bounce.ts'
import type { BounceToken, ComplaintReport, MailReport } from './report.ts'
import { addressOf, fieldGroups, readStatusPart } from './status-reader.ts'

/** Options of {@link readReport}. */
export interface ReadReportOptions {
  /** Envelope recipient of the report, to be read by `bounces`. */
  readonly sentTo?: MailAddress
  readonly bounces?: BounceAddresses
}

/** Octets of a report that are read: what comes behind is the message that came back. */
const LONGEST = 524_288

/**
 * Reads a message that may be a notification or a complaint; `undefined` when it is neither. Anybody can write one: match it by its
 * token (VERP) or envelope id before you believe it, and escape its texts before you show them. Linear, and never throws for
 * what a message holds; its promise rejects with what reading it throws.
 */
export async function readReport(source: MessageSource, { sentTo, bounces }: ReadReportOptions = {}): Promise<MailReport | undefined> {
  const octets = await source.read(0, Math.min(source.size, LONGEST))
  const token = sentTo === undefined ? undefined : bounces?.decode(sentTo)
  const stamped: { readonly token?: BounceToken } = token === undefined || token === 'not-ours' ? {} : { token }
  const parts = readSummary(summarise(octets)).parts.map(({ location }) => location)
  const read = (part: PartLocation): Uint8Array =>
    decodeTransfer(octets.subarray(part.bodyStart, Math.min(part.bodyEnd, octets.length)), part.encoding)
  const named = (...names: readonly string[]): PartLocation | undefined =>
    parts.find(({ type, subtype }) => names.includes(`${type}/${subtype}`))
  const returned = named('message/rfc822', 'message/global', 'text/rfc822-headers', 'message/global-headers')
  const originalMessageId = returned === undefined ? undefined : messageIdIn(read(returned))
  const original = originalMessageId === undefined ? {} : { originalMessageId }

  const complaint = named('message/feedback-report')
  if (complaint !== undefined) return { ...complaintOf(read(complaint)), ...original, ...stamped }
  const status = named('message/delivery-status', 'message/global-delivery-status')
  const standard = status === undefined ? undefined : readStatusPart(read(status))
  if (standard !== undefined) return { kind: 'bounce', form: 'standard', ...standard, ...original, ...stamped }

  const header = headerOf(octets)
  const text = parts.find(({ type, subtype, isMultipart }) => !isMultipart && type === 'text' && subtype === 'plain')
  const plain = text === undefined ? undefined : readPlainBounce(header, decodeCharset(read(text), text.charset))
  if (plain === undefined) return undefined
  const quoted = originalMessageId ?? (text === undefined ? undefined : messageIdIn(read(text)))
  return { kind: 'bounce', ...plain, ...(quoted === undefined ? {} : { originalMessageId: quoted }), ...stamped }
}

function headerOf(octets: Uint8Array): Parameters<typeof readPlainBounce>[0] {
  const found: Partial<Record<string, string>> = {}
  for (const { name, value } of headerFields(octets.subarray(0, headerLength(octets)))) found[name.toLowerCase()] ??= value
  const { from = '', subject = '', 'auto-submitted': automatic = 'no', 'return-path': path } = found
  return {
    from,
    subject,
    failedRecipients: found['x-failed-recipients'],
    automatic: path === '<>' || !/^no\b/i.test(automatic.trim()),
  }
}

/** The first `Message-ID` field at the start of a line. */
function messageIdIn(octets: Uint8Array): string | undefined {
  const text = latin1Text(octets.subarray(0, 65_536))
  const [, id] = /^message-id:[ \t\r\n]{0,10}(<[^<>\s]{1,500}>)/im.exec(text) ?? []
  return id
}

/** RFC 5965 §3.1 to §3.3. */
function complaintOf(octets: Uint8Array): ComplaintReport {
  const many = new Map<string, string[]>([
    ['original-rcpt-to', []],
    ['reported-domain', []],
  ])
  const [fields = new Map<string, string>()] = fieldGroups(octets, many)
  const type = lineOf(fields.get('feedback-type') ?? '', 100).toLowerCase()
  const userAgent = fields.get('user-agent')
  const sourceIp = fields.get('source-ip')
  const envelopeId = fields.get('original-envelope-id')
  const originalSender = addressOf(fields.get('original-mail-from'))
  return {
    kind: 'complaint',
    type: type === '' ? 'other' : type,
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(envelopeId === undefined ? {} : { envelopeId }),
    ...(originalSender === undefined ? {} : { originalSender }),
    originalRecipients: (many.get('original-rcpt-to') ?? []).flatMap(value => addressOf(value) ?? []),
    reportedDomains: (many.get('reported-domain') ?? []).map(domain => domain.toLowerCase()),
  }
}
