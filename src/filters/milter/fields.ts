/** The header as milters see it: field by field, as it came, and with what the milters before have changed. RFC 5322 §2.2. */

import type { MessageContext, MessageSource } from '../../contracts/index.ts'
import { MailError } from '../../contracts/index.ts'
import { latin1Text, utf8Bytes, utf8Text } from '../../bytes/ascii.ts'

/** One field. */
export interface SeenField {
  readonly name: string
  /** What follows the colon, folded by LF, without the last line end. */
  readonly octets: Uint8Array
}

/** A change that a milter wants. */
export type Change =
  | { readonly kind: 'add' | 'insert'; readonly name: string; readonly value: string }
  /** The how-manieth of its name, from 1; an empty value removes it. */
  | { readonly kind: 'change'; readonly which: number; readonly name: string; readonly value: string }

/** A message for milters. */
export interface SeenMessage {
  fields: SeenField[]
  /** Where the body begins. */
  readonly body: number
}

const LONGEST_HEADER = 1024 * 1024
const PIECE = 65_536

/** What milters have made of it so far: the next one shall see it (OpenDMARC wants OpenDKIM's results). */
const seen = new WeakMap<MessageSource, Promise<SeenMessage>>()

/** Reads the header, once for all milters. */
export function seenMessage(source: MessageSource): Promise<SeenMessage> {
  const before = seen.get(source)
  if (before !== undefined) return before
  const reading = read(source)
  seen.set(source, reading)
  return reading
}

async function read(source: MessageSource): Promise<SeenMessage> {
  const most = Math.min(source.size, LONGEST_HEADER)
  let octets: Uint8Array = new Uint8Array(0)
  while (octets.length < most) {
    const larger = await source.read(0, Math.min(most, Math.max(PIECE, octets.length * 4)))
    const from = Math.max(0, octets.length - 3)
    octets = larger
    const end = emptyLine(octets, from)
    if (end !== undefined) return { fields: fieldsOf(octets.subarray(0, end.header)), body: end.body }
  }
  return { fields: fieldsOf(octets), body: octets.length }
}

/** RFC 5322 §2.1: the header ends at an empty line. */
function emptyLine(octets: Uint8Array, from: number): { readonly header: number; readonly body: number } | undefined {
  if (from === 0 && octets[0] === 13 && octets[1] === 10) return { header: 0, body: 2 }
  for (let at = octets.indexOf(10, from); at >= 0; at = octets.indexOf(10, at + 1)) {
    if (octets[at + 1] === 13 && octets[at + 2] === 10) return { header: at + 1, body: at + 3 }
  }
  return undefined
}

function fieldsOf(octets: Uint8Array): SeenField[] {
  const fields: SeenField[] = []
  for (let at = 0; at < octets.length;) {
    let end = octets.indexOf(10, at)
    // A line that begins with a blank goes on. RFC 5322 §2.2.3.
    while (end >= 0 && (octets[end + 1] === 32 || octets[end + 1] === 9)) end = octets.indexOf(10, end + 1)
    const next = end < 0 ? octets.length : end + 1
    const colon = octets.subarray(at, next).indexOf(58)
    // What is no field is shown to nobody as one.
    if (colon > 0)
      fields.push({ name: latin1Text(octets, at, at + colon).trimEnd(), octets: valueOf(octets.subarray(at + colon + 1, next)) })
    at = next
  }
  return fields
}

/** Without CR before LF, the last line end, and NUL, which ends texts in this protocol. */
function valueOf(octets: Uint8Array): Uint8Array {
  const kept = octets.filter((octet, at) => octet !== 13 || octets[at + 1] !== 10)
  const value = kept.at(-1) === 10 ? kept.subarray(0, -1) : kept
  return value.map(octet => (octet === 0 ? 63 : octet))
}

/** Makes the changes, in what is stored and in what the next milter sees. Returns what could not be done. */
export function applyChanges(message: SeenMessage, changes: readonly Change[], { edits }: MessageContext): readonly string[] {
  const faults: string[] = []
  const top: SeenField[] = []
  // New fields go on top. Those for the end keep their order above those that were inserted.
  const added = [...changes.filter(({ kind }) => kind === 'insert'), ...changes.filter(({ kind }) => kind === 'add').toReversed()]
  for (const change of [...changes.filter(({ kind }) => kind === 'change'), ...added]) {
    const value = unfolded(change.value)
    try {
      if (change.kind === 'change') {
        const fault = changeField(message, change.name, change.which, value, edits)
        if (fault !== undefined) faults.push(fault)
      } else {
        edits.add(change.name, value)
        top.unshift({ name: change.name, octets: utf8Bytes(` ${change.value.trim()}`) })
      }
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      faults.push(error.message)
    }
  }
  message.fields = [...top, ...message.fields]
  return faults
}

function changeField(message: SeenMessage, name: string, which: number, value: string, edits: MessageContext['edits']): string | undefined {
  const alike = message.fields.filter(field => field.name.toLowerCase() === name.toLowerCase())
  const field = alike[which - 1]
  if (field === undefined) {
    // As Sendmail does it: what is not there is added.
    if (value === '') return `there is no ${name} number ${which} to remove`
    edits.add(name, value)
    message.fields = [{ name, octets: utf8Bytes(` ${value}`) }, ...message.fields]
    return undefined
  }
  const old = unfolded(utf8Text(field.octets))
  const before = alike.slice(0, which - 1).filter(one => unfolded(utf8Text(one.octets)) === old).length
  if (value !== '' && alike.length === 1) edits.replace(name, value)
  else {
    if (value !== '') edits.add(name, value)
    // The new field stands on top of those that are looked through.
    const passed = value !== '' && value === old ? before + 1 : before
    let met = 0
    edits.remove(name, one => unfolded(one) === old && met++ === passed)
  }
  const changed: SeenField = { name, octets: utf8Bytes(` ${value}`) }
  message.fields = message.fields.flatMap(one => (one !== field ? [one] : value === '' ? [] : [changed]))
  return undefined
}

/** RFC 5322 §2.2.3: "Unfolding is accomplished by simply removing any CRLF that is immediately followed by WSP." */
function unfolded(value: string): string {
  return value
    .replaceAll(/\r?\n(?=[ \t])/g, '')
    .replaceAll(/[ \t]+/g, ' ')
    .trim()
}
