/** Notifications in forms of their own: qmail, Exim, and text with an address and a reply in it. RFC 3464 §1.2 on why there is a standard. */

import { bounceClass } from './bounce-class.ts'
import { lineOf } from '../../mime/field-text.ts'
import type { BouncedRecipient, BounceReport } from './report.ts'
import { readReply } from './status-reader.ts'

/** Text that is looked through. */
const LONGEST = 32_768
const MOST_RECIPIENTS = 100
const ADDRESS = /[^\s<>"'(),:;@[\]]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/u
/** Where the message that came back begins, in the words of several servers. */
const RETURNED =
  /^(?:-{2,40}.{0,80}(?:copy|original|returned|unsent|below).{0,80}$|.{0,10}original message(?: headers)?\b.{0,80}:?\s*$|received: |return-path: )/im

/** What the header tells of a message that may be a bounce. */
export interface BounceHeader {
  readonly from: string
  readonly subject: string
  /** `X-Failed-Recipients`, as Exim writes it. */
  readonly failedRecipients: string | undefined
  /** Nobody is to answer it: a null sender or `Auto-Submitted`. */
  readonly automatic: boolean
}

/** Reads the text of a message that is no report by the standard; `undefined` when it is no bounce at all. */
export function readPlainBounce(header: BounceHeader, text: string): Pick<BounceReport, 'form' | 'recipients'> | undefined {
  const told = text.slice(0, LONGEST)
  if (/^\s*Hi\. This is the /.test(told) && told.includes('qmail')) return some('qmail', qmailRecipients(told))
  if (!isFromDaemon(header.from) && !header.automatic) return undefined
  const end = RETURNED.exec(told)
  const words = end === null || end.index === 0 ? told : told.slice(0, end.index)
  if (header.failedRecipients !== undefined) return some('exim', eximRecipients(header.failedRecipients, words))
  const subject = header.subject.toLowerCase()
  if (
    !/undeliver|not delivered|delivery (?:status|fail|notif|report|problem|has failed|delay)|returned (?:mail|to sender)|failure notice|mail (?:system )?error|could not be delivered|non-?delivery|warning: could not send/.test(
      subject,
    )
  )
    return undefined
  return some('text', textRecipients(words, /delay|warning|not (?:yet )?been delivered yet|still (?:trying|being)/.test(subject)))
}

function some(form: BounceReport['form'], recipients: readonly BouncedRecipient[]): Pick<BounceReport, 'form' | 'recipients'> | undefined {
  return recipients.length === 0 ? undefined : { form, recipients }
}

function isFromDaemon(from: string): boolean {
  return /(?:^|[<"\s])(?:mailer-daemon|postmaster|mail delivery (?:system|subsystem)|microsoft outlook|microsoftexchange\w*)\b/i.test(
    from.slice(0, 500),
  )
}

function recipient(address: string | undefined, said: string, delayed: boolean = false): BouncedRecipient {
  const text = lineOf(said, 500)
  const { reply, status } = readReply(text)
  const permanent = !delayed && !(status?.startsWith('4') === true || (status === undefined && reply !== undefined && reply < 500))
  return {
    ...(address === undefined ? {} : { address }),
    action: permanent ? 'failed' : 'delayed',
    ...(status === undefined ? {} : { status }),
    ...(reply === undefined ? {} : { reply }),
    ...(text === '' ? {} : { text }),
    reason: bounceClass(status, reply, text),
    permanent,
  }
}

/** Whether a line holds a reply. */
function hasReply(line: string): boolean {
  const { reply, status } = readReply(line)
  return reply !== undefined || status !== undefined
}

/** Paragraphs of an address in angle brackets, a colon, and what was said. */
function qmailRecipients(text: string): readonly BouncedRecipient[] {
  const [notice = ''] = text.split(/^--- (?:Below this line|Enclosed)/m)
  const found: BouncedRecipient[] = []
  for (const paragraph of notice.split(/\r?\n\r?\n/)) {
    const [, address, said = ''] = /^<([^<>\s]{3,320})>:\s*\r?\n?([\s\S]*)$/.exec(paragraph.trim()) ?? []
    if (address !== undefined && found.length < MOST_RECIPIENTS) found.push(recipient(address, said))
  }
  return found
}

/** Each failed recipient, with the lines behind its place in the text. */
function eximRecipients(field: string, text: string): readonly BouncedRecipient[] {
  return field
    .slice(0, LONGEST)
    .split(',')
    .map(address => address.trim())
    .filter(address => ADDRESS.test(address))
    .slice(0, MOST_RECIPIENTS)
    .map(address => {
      const at = text.indexOf(address)
      const [said = ''] = at < 0 ? [] : text.slice(at + address.length, at + 1500).split(/\r?\n\r?\n/)
      return recipient(address, said)
    })
}

/** Addresses at or near a line that holds a reply; without any reply, the first address that stands on a line of its own. */
function textRecipients(text: string, delayed: boolean): readonly BouncedRecipient[] {
  const lines = text.split(/\r?\n/).slice(0, 400)
  const found = new Map<string, BouncedRecipient>()
  let address: string | undefined
  let since = 0
  for (const line of lines) {
    since++
    const here = ADDRESS.exec(line.slice(0, 1000))?.[0]
    if (here !== undefined) {
      address = here
      since = 0
    }
    if (address === undefined || since > 6 || found.size >= MOST_RECIPIENTS || !hasReply(line)) continue
    if (!found.has(address)) found.set(address, recipient(address, line, delayed))
  }
  if (found.size > 0) return [...found.values()]
  const alone = lines
    .map(line => line.trim())
    .find(line => ADDRESS.exec(line.replace(/^<(.*)>:?$/, '$1'))?.[0] === line.replace(/^<(.*)>:?$/, '$1') && line !== '')
  return alone === undefined
    ? []
    : [
        recipient(
          alone.replace(/^<(.*)>:?$/, '$1'),
          lines
            .map(line => line.trim())
            .filter(line => line !== '' && line !== alone)
            .join(' '),
          delayed,
        ),
      ]
}
