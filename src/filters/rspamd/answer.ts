/** Reads what rspamd answers: JSON, of which nothing is believed before it was looked at. */

import { utf8Text } from '../../bytes/ascii.ts'
import { nonsense } from '../program.ts'

/** One rule that matched. */
export interface RspamdSymbol {
  readonly name: string
  readonly score: number
  /** What it matched on. */
  readonly options: readonly string[]
}

/** What rspamd says of one message. */
export interface RspamdAnswer {
  /** `no action`, `greylist`, `add header`, `rewrite subject`, `soft reject`, `reject`, or one of the operator's own. */
  readonly action: string
  readonly score: number
  /** What `reject` takes. */
  readonly required: number
  readonly symbols: readonly RspamdSymbol[]
  /** What the client shall read. */
  readonly text: string | undefined
  /** The subject as it shall be. */
  readonly subject: string | undefined
  /** Fields to remove: the how-manieth of that name, counted from the end where negative; 0 is all. */
  readonly remove: readonly (readonly [name: string, which: number])[]
  /** Fields to add. */
  readonly add: readonly (readonly [name: string, value: string])[]
}

const MOST_SYMBOLS = 500
const MOST_FIELDS = 50
/** No rule weighs more. */
const MOST_POINTS = 1e6

/** Reads an answer to /checkv2. Throws `MailError('unavailable')` for what is none, and for an error that rspamd tells. */
export function readAnswer(octets: Uint8Array): RspamdAnswer {
  const top = record(parsed(octets))
  const action = text(top?.['action'])
  const score = number(top?.['score'])
  if (top === undefined || action === undefined || score === undefined) {
    throw nonsense(text(top?.['error'])?.slice(0, 200) ?? 'no action or no score')
  }
  const milter = record(top['milter'])
  return {
    action,
    score,
    required: number(top['required_score']) ?? Number.NaN,
    symbols: symbolsOf(top['symbols']),
    text: text(record(top['messages'])?.['smtp_message']),
    subject: text(top['subject']),
    remove: entries(milter?.['remove_headers']).flatMap(([name, which]) =>
      Number.isInteger(which) ? [[name, Number(which)] as const] : [],
    ),
    add: [
      ...entries(milter?.['add_headers']).flatMap(([name, value]) => valuesOf(value).map(one => [name, one] as const)),
      // Its signing module answers apart from the other fields.
      ...valuesOf(top['dkim-signature']).map(value => ['DKIM-Signature', value] as const),
    ].slice(0, MOST_FIELDS),
  }
}

function parsed(octets: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(octets))
  } catch {
    throw nonsense('no JSON')
  }
}

function symbolsOf(value: unknown): readonly RspamdSymbol[] {
  return entries(value, MOST_SYMBOLS).flatMap(([name, one]) => {
    const symbol = record(one)
    if (symbol === undefined) return []
    const options = Array.isArray(symbol['options']) ? symbol['options'].slice(0, 10) : []
    return [{ name, score: number(symbol['score']) ?? 0, options: options.flatMap(option => text(option)?.slice(0, 200) ?? []) }]
  })
}

/** A value is a text, `{ value, order }`, or a list of these. */
function valuesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.slice(0, MOST_FIELDS).flatMap(one => (Array.isArray(one) ? [] : valuesOf(one)))
  const one = text(value) ?? text(record(value)?.['value'])
  // Folded values are unfolded: they are folded anew when they are written. RFC 5322 §2.2.3.
  return one === undefined ? [] : [one.replaceAll(/\r?\n[ \t]*/g, ' ').trim()]
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined
}

function entries(value: unknown, most: number = MOST_FIELDS): readonly (readonly [string, unknown])[] {
  return Object.entries(record(value) ?? {}).slice(0, most)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Math.abs(value) <= MOST_POINTS ? value : undefined
}
