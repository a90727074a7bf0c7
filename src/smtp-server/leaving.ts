/**
 * What a client asks of a message that leaves: when at the earliest, by when, how urgently, and never without TLS.
 * RFC 4865 §4.2 (FUTURERELEASE); RFC 2852 §4 (DELIVERBY); RFC 6710 §4.1 (MT-PRIORITY); RFC 8689 §2 (REQUIRETLS).
 */

import type { Transaction } from '../contracts/index.ts'

/** Parameters of MAIL that only a server that sends knows. */
export const LEAVING_PARAMETERS: ReadonlySet<string> = new Set(['HOLDFOR', 'HOLDUNTIL', 'BY', 'MT-PRIORITY'])

/** The longest that a message is held back, seconds: a week. */
const MAX_HOLD = 604_800
/** The shortest time in which a message may have to be there or come back, seconds. RFC 2852 §3. */
const MIN_BY = 60
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/i

type Value = string | true | undefined

/** The keywords to announce. RFC 4865 §3: how long, and until when. */
export function leavingKeywords(now: number): readonly string[] {
  const until = new Date(now + MAX_HOLD * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  return ['DSN', `FUTURERELEASE ${MAX_HOLD} ${until}`, `DELIVERBY ${MIN_BY}`, 'MT-PRIORITY']
}

/** What the parameters ask for; `undefined` for a syntax error or wishes against each other, `too-soon` for less time than was announced. */
export function leavingWishes(
  parameters: ReadonlyMap<string, string | true>,
  now: number,
): Pick<Transaction, 'notBefore' | 'deliverBy' | 'priority'> | 'too-soon' | undefined {
  const notBefore = heldUntil(parameters.get('HOLDFOR'), parameters.get('HOLDUNTIL'), now)
  const deliverBy = deliveredBy(parameters.get('BY'), now)
  const priority = priorityOf(parameters.get('MT-PRIORITY'))
  if (notBefore === false || deliverBy === false || priority === false) return undefined
  if (deliverBy === 'too-soon') return deliverBy
  // RFC 4865 §5.2: what is to be there before it may leave cannot be.
  if (notBefore !== undefined && deliverBy !== undefined && deliverBy.at <= notBefore) return undefined
  return {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(deliverBy === undefined ? {} : { deliverBy }),
    ...(priority === undefined ? {} : { priority }),
  }
}

function heldUntil(hold: Value, until: Value, now: number): number | undefined | false {
  if (hold === undefined && until === undefined) return undefined
  if (hold !== undefined && until !== undefined) return false
  const at =
    typeof hold === 'string' && /^[1-9]\d{0,8}$/.test(hold)
      ? now + Number(hold) * 1000
      : typeof until === 'string' && DATE_TIME.test(until)
        ? Date.parse(until)
        : Number.NaN
  return Number.isFinite(at) && at <= now + MAX_HOLD * 1000 ? at : false
}

function deliveredBy(by: Value, now: number): Transaction['deliverBy'] | 'too-soon' | false {
  if (by === undefined) return undefined
  const [, sign, digits, mode] = (typeof by === 'string' ? /^([+-]?)(\d{1,9});([RN])T?$/i.exec(by) : null) ?? []
  if (digits === undefined || mode === undefined) return false
  const seconds = Number(digits) * (sign === '-' ? -1 : 1)
  const returns = mode.toUpperCase() === 'R'
  // RFC 2852 §4: to be returned, the time must lie ahead; a client that only wants to hear may come too late.
  if (returns && seconds <= 0) return false
  // RFC 2852 §3: "will be rejected with a permanent failure (55z) reply code".
  if (returns && seconds < MIN_BY) return 'too-soon'
  return { at: now + seconds * 1000, mode: returns ? 'return' : 'notify' }
}

function priorityOf(value: Value): number | undefined | false {
  if (value === undefined) return undefined
  return typeof value === 'string' && /^-?\d$/.test(value) ? Number(value) + 0 : false
}
