/** Everything the bridge says, by meaning, and how verdicts become replies. RFC 5321 §4.2; RFC 3463; RFC 4954 §6. */

import type { EnhancedCode, Phase, Verdict } from '../contracts/index.ts'
import { printable } from '../pipeline/index.ts'

/** One reply: `550 5.1.1 No such user here`. */
export interface Reply {
  readonly code: number
  /** Absent where RFC 2034 §3 has none: greeting, EHLO, 3yz. */
  readonly enhanced?: EnhancedCode
  readonly text: string
}

function reply(code: number, enhanced: EnhancedCode, text: string): Reply {
  return Object.freeze({ code, enhanced, text })
}

export const replies: {
  readonly tooEarly: Reply
  readonly pipelined: Reply
  readonly unknownCommand: Reply
  readonly badLine: Reply
  readonly lineTooLong: Reply
  readonly http: Reply
  readonly tooManyErrors: Reply
  readonly tooManyIdle: Reply
  readonly tooManyRefused: Reply
  readonly tooManyLogins: Reply
  readonly tooManyRecipients: Reply
  readonly shutdown: Reply
  readonly timeout: Reply
  readonly tooSlow: Reply
  readonly sayHelloFirst: Reply
  readonly lmtpHello: Reply
  readonly loginFirst: Reply
  readonly tlsFirst: Reply
  readonly tlsForLogin: Reply
  readonly notNow: Reply
  readonly noMechanism: Reply
  readonly cancelled: Reply
  readonly badSasl: Reply
  readonly badParameter: Reply
  readonly tooSoon: Reply
  readonly badAddress: Reply
  readonly badSender: Reply
  readonly needsUtf8: Reply
  readonly noRecipients: Reply
  readonly noTransaction: Reply
  readonly tooBig: Reply
  readonly badOctets: Reply
  readonly noTls: Reply
  readonly syntax: Reply
  readonly problem: Reply
} = {
  tooEarly: reply(554, '5.5.0', 'Please wait for the greeting'),
  pipelined: reply(503, '5.5.1', 'Nothing may be sent before the reply to this command'),
  unknownCommand: reply(500, '5.5.1', 'Command not recognized'),
  badLine: reply(500, '5.5.2', 'Lines end with CRLF and have no other control characters'),
  lineTooLong: reply(500, '5.5.6', 'Line too long'),
  http: reply(421, '4.7.0', 'This is not a web server'),
  tooManyErrors: reply(421, '4.7.0', 'Too many errors'),
  tooManyIdle: reply(421, '4.7.0', 'Too many commands without a message'),
  tooManyRefused: reply(421, '4.7.0', 'Too many refused recipients'),
  tooManyLogins: reply(421, '4.7.0', 'Too many failed logins'),
  tooManyRecipients: reply(452, '4.5.3', 'Too many recipients'),
  shutdown: reply(421, '4.3.2', 'The server is shutting down'),
  timeout: reply(421, '4.4.2', 'Timeout, closing connection'),
  tooSlow: reply(421, '4.4.2', 'The message arrives too slowly, closing connection'),
  sayHelloFirst: reply(503, '5.5.1', 'Say hello first'),
  lmtpHello: reply(500, '5.5.1', 'This is LMTP: say LHLO'),
  loginFirst: reply(530, '5.7.0', 'Authentication required'),
  tlsFirst: reply(530, '5.7.0', 'Must issue a STARTTLS command first'),
  tlsForLogin: reply(538, '5.7.11', 'Encryption required for authentication'),
  notNow: reply(503, '5.5.1', 'Not at this point'),
  noMechanism: reply(504, '5.5.4', 'Authentication mechanism not supported'),
  cancelled: reply(501, '5.7.0', 'Authentication cancelled'),
  badSasl: reply(501, '5.5.2', 'Malformed authentication data'),
  badParameter: reply(555, '5.5.4', 'Parameter not recognized'),
  tooSoon: reply(555, '5.5.4', 'Too little time to deliver or return the message'),
  badAddress: reply(501, '5.1.3', 'Bad recipient address syntax'),
  badSender: reply(501, '5.1.7', 'Bad sender address syntax'),
  needsUtf8: reply(553, '5.6.7', 'An address beyond ASCII needs SMTPUTF8'),
  noRecipients: reply(503, '5.5.1', 'No valid recipients'),
  noTransaction: reply(503, '5.5.1', 'Need MAIL first'),
  tooBig: reply(552, '5.3.4', 'Message exceeds the maximum size'),
  badOctets: reply(550, '5.5.2', 'The message has bare CR, bare LF or NUL characters, which are not allowed'),
  noTls: reply(502, '5.5.1', 'TLS is not available'),
  syntax: reply(501, '5.5.4', 'Syntax error in parameters'),
  problem: reply(451, '4.3.0', 'Temporary server problem, please try again later'),
}

/** What the verdict of a phase is in SMTP. `accept`, `discard` and `quarantine` have no refusal: `undefined`. */
export function refusalOf(verdict: Verdict, phase: Phase): Reply | undefined {
  if (verdict.kind !== 'reject' && verdict.kind !== 'defer') return undefined
  const { kind, code, text } = verdict
  return { code: kind === 'reject' ? rejectCode(code, phase) : deferCode(code, phase), enhanced: code, text: printable(text) }
}

function rejectCode(code: EnhancedCode, phase: Phase): number {
  if (phase === 'connect') return 554
  if (phase === 'login') return 535
  switch (code) {
    case '5.2.2':
    case '5.3.4':
      return 552
    case '5.4.6':
      return 554
    case '5.7.0':
      return 530
    case '5.7.1':
      // RFC 5321 §4.2.2: 553 is "mailbox name not allowed", here a sender that is not the client's to use.
      return phase === 'sender' ? 553 : 550
    default:
      return code.startsWith('5.6.') ? 554 : 550
  }
}

function deferCode(code: EnhancedCode, phase: Phase): number {
  if (phase === 'connect') return 421
  if (phase === 'login') return 454
  return code === '4.2.2' || code === '4.3.1' || code === '4.5.3' ? 452 : 451
}

/** A message was taken. */
export function accepted(id: string): Reply {
  return reply(250, '2.6.0', `Message accepted, id ${id}`)
}

/** A reply as the text behind its code. */
export function textOf({ enhanced, text }: Reply): string {
  return enhanced === undefined ? text : `${enhanced} ${text}`
}

const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3} /
const UNPRINTABLE = /[^\u0020-\u007e]/g

/**
 * A reply as it is sent, with the enhanced code on each line that has none of its own. Control characters and all beyond
 * ASCII are replaced, so that nothing a text repeats can look like another reply. RFC 5321 §4.2; RFC 2034 §3; S13.
 */
export function printedReply(code: number, lines: readonly string[], enhanced: string): string {
  return lines
    .map((line, index) => {
      const separator = index < lines.length - 1 ? '-' : ' '
      const prefix = enhanced === '' || ENHANCED.test(line) ? '' : `${enhanced} `
      return `${code}${separator}${`${prefix}${line}`.replace(UNPRINTABLE, '?').slice(0, 500)}\r\n`
    })
    .join('')
}

/** A reply as an error of the kind that the `smtp-server` package takes from handlers. */
export class ReplyError extends Error {
  override readonly name: string = 'ReplyError'
  readonly responseCode: number

  constructor(reply: Reply, text: string) {
    super(text)
    this.responseCode = reply.code
  }
}
