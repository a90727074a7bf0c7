/** What a reply, or the lack of one, means for the recipients it is about. RFC 5321 §4.2.1, §4.5.3.1.10; RFC 3463 §3. */

import type { DeliveryStatus, EnhancedCode } from '../../contracts/index.ts'
import type { Breakdown } from './wire.ts'
import { Broken } from './wire.ts'
import { textOf } from './reply.ts'
import type { Reply } from './reply.ts'

/** What became of a recipient; when to try again is for the queue to say. */
export type HopOutcome =
  | { readonly kind: 'delivered'; readonly status: DeliveryStatus }
  | { readonly kind: 'failed'; readonly status: DeliveryStatus }
  | { readonly kind: 'deferred'; readonly status: DeliveryStatus }

/** Where in a transaction a reply belongs. */
export type Step = 'greeting' | 'hello' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'end'

/** Codes for servers that give none, by the step they refuse. RFC 3463 §3; RFC 5248 §2.4. */
const DETAILS: Readonly<Record<Step, string>> = {
  greeting: '3.2',
  hello: '5.0',
  starttls: '7.0',
  auth: '7.8',
  mail: '1.0',
  rcpt: '1.0',
  data: '5.0',
  end: '6.0',
}

/** Codes whose meaning RFC 5321 §4.2.3 gives, where the server does not say it better. RFC 3463 §3. */
const KNOWN: ReadonlyMap<number, string> = new Map([
  [421, '3.2'],
  [450, '2.0'],
  [451, '3.0'],
  [452, '3.1'],
  [500, '5.2'],
  [501, '5.4'],
  [502, '5.1'],
  [503, '5.1'],
  [504, '5.4'],
  [530, '7.0'],
  [534, '7.9'],
  [535, '7.8'],
  [552, '2.2'],
  [553, '1.3'],
  [555, '5.4'],
])

/** A reply as a status. `remote`: the server's name. */
export function statusOf(reply: Reply, step: Step, remote: string, at: number): DeliveryStatus {
  const digit = Math.floor(reply.code / 100)
  // A success has no detail to guess: RFC 3463 §3.1, `2.0.0`; a 3yz where none belongs is the server's fault.
  const plain: EnhancedCode = digit === 2 ? '2.0.0' : (`${digit === 5 ? 5 : 4}.${KNOWN.get(reply.code) ?? DETAILS[step]}` as EnhancedCode)
  return { at, reply: reply.code, code: reply.enhanced ?? plain, text: textOf(reply), remote }
}

/** A status of our own making. */
export function ownStatus(code: EnhancedCode, text: string, remote: string, at: number): DeliveryStatus {
  return { at, code, text, remote }
}

/** Refused for good or for now, as the reply's class says. Anything but a 5yz is worth another try. */
export function refusal(reply: Reply, step: Step, remote: string, at: number): HopOutcome {
  const status = statusOf(reply, step, remote, at)
  // RFC 5321 §4.5.3.1.10: servers of old say 552 for too many recipients: "clients SHOULD treat a 552 code in this case as a
  // temporary, rather than permanent, failure".
  if (step === 'rcpt' && reply.code === 552) return { kind: 'deferred', status: { ...status, code: temporary(status.code) } }
  // RFC 3207 §4, RFC 4954 §6: 530 is about the session (TLS or a login is wanted), not about the message: that can be mended.
  if (reply.code === 530) return { kind: 'deferred', status: { ...status, code: temporary(status.code) } }
  return { kind: reply.code >= 500 ? 'failed' : 'deferred', status }
}

function temporary(code: EnhancedCode): EnhancedCode {
  return `4.${code.slice(2)}` as EnhancedCode
}

/** RFC 3463 §3.5: what broke, in the class that is tried again. */
const BREAKDOWNS: Readonly<Record<Breakdown, EnhancedCode>> = {
  lost: '4.4.2',
  timeout: '4.4.2',
  protocol: '4.5.0',
  abandoned: '4.4.2',
}

/** A conversation that ended before its time: always worth another try. Anything else that was thrown is thrown on. */
export function breakdownStatus(error: unknown, doing: string, remote: string, at: number): DeliveryStatus {
  if (!(error instanceof Broken)) throw error
  return ownStatus(BREAKDOWNS[error.breakdown], `${error.message} (${doing})`, remote, at)
}
