/** The notation of transcripts: who says what, line by line, as the examples in RFCs do. */

import { parseDuration } from './fake-clock.ts'

/** What a client does apart from sending lines. */
export type ClientAct = 'connect' | 'tls' | 'tls fails' | 'end' | 'gone' | 'stops reading' | 'reads again'

/** One step of a script. `client` is the letter of the client it belongs to. */
export type Step = { readonly line: number; readonly text: string } & (
  | { readonly kind: 'says'; readonly client: string; readonly octets: Uint8Array }
  | { readonly kind: 'does'; readonly client: string; readonly act: ClientAct }
  | { readonly kind: 'hears'; readonly client: string; readonly pattern: string }
  | { readonly kind: 'hears-any'; readonly client: string }
  | { readonly kind: 'hears-nothing'; readonly client: string }
  | { readonly kind: 'is-closed'; readonly client: string }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'host'; readonly name: string }
)

const ACTS: ReadonlySet<string> = new Set<ClientAct>(['connect', 'tls', 'tls fails', 'end', 'gone', 'stops reading', 'reads again'])

/** Reads a script into its steps. Throws for a line that is none, naming it. */
export function parseScript(script: string): Step[] {
  const steps: Step[] = []
  for (const [index, raw] of script.split('\n').entries()) {
    const text = raw.replace(/^[ \t]+/, '')
    if (text.trim() === '' || text.startsWith('#')) continue
    const parts = /^([A-Z])([:~<])(?: (.*))?$/.exec(text)
    if (parts === null) throw new Error(`line ${index + 1} of the script is no step: ${text}`)
    const [, letter = '', mark = '', rest = ''] = parts
    steps.push(stepOf(letter, mark, rest, { line: index + 1, text }))
  }
  return steps
}

function stepOf(letter: string, mark: string, rest: string, where: { readonly line: number; readonly text: string }): Step {
  if (mark === ':' && letter === 'T') {
    const ms = parseDuration(rest)
    if (ms === undefined) throw new Error(`line ${where.line} of the script is no duration: ${where.text}`)
    return { ...where, kind: 'time', ms }
  }
  if (mark === ':' && letter === 'H') return { ...where, kind: 'host', name: rest }
  if (mark === '<') return heard(letter, rest, where)
  if (letter === 'S') return heard('C', rest, where)
  if (mark === '~') return { ...where, kind: 'says', client: letter, octets: unescaped(rest) }
  const act = /^\(([a-z ]+)\)$/.exec(rest)?.[1]
  if (act !== undefined && isAct(act)) return { ...where, kind: 'does', client: letter, act }
  return { ...where, kind: 'says', client: letter, octets: new TextEncoder().encode(`${rest}\r\n`) }
}

function isAct(text: string): text is ClientAct {
  return ACTS.has(text)
}

function heard(client: string, rest: string, where: { readonly line: number; readonly text: string }): Step {
  if (rest === '(closed)') return { ...where, kind: 'is-closed', client }
  if (rest === '(nothing)') return { ...where, kind: 'hears-nothing', client }
  if (rest === '...') return { ...where, kind: 'hears-any', client }
  return { ...where, kind: 'hears', client, pattern: rest }
}

/** Octets of a `C~` line: `\r`, `\n`, `\t`, `\\` and `\xHH` stand for octets, all else for its UTF-8. */
export function unescaped(text: string): Uint8Array {
  const octets: number[] = []
  for (const [, hex, escape, plain = ''] of text.matchAll(/\\x([0-9A-Fa-f]{2})|\\([rnt\\])|([^\\]+|\\)/g)) {
    if (hex !== undefined) octets.push(Number.parseInt(hex, 16))
    else if (escape !== undefined) octets.push({ r: 13, n: 10, t: 9 }[escape] ?? 0x5c)
    else octets.push(...new TextEncoder().encode(plain))
  }
  return Uint8Array.from(octets)
}

/** Octets as a script shows them: UTF-8 where they are, and `\xHH` for controls and whatever is no UTF-8. */
export function shown(octets: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    return Array.from(octets, octet => (octet < 0x80 ? shownControls(String.fromCharCode(octet)) : hexOf(octet))).join('')
  }
  return shownControls(text)
}

function shownControls(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, control => hexOf(control.charCodeAt(0)))
}

function hexOf(octet: number): string {
  return `\\x${octet.toString(16).padStart(2, '0')}`
}

/**
 * Whether a line is what a pattern says. Each `*` stands for any run of characters, except that a `*` before a space at the
 * very beginning is IMAP's mark of an untagged response and stands for itself.
 */
export function lineMatches(pattern: string, line: string): boolean {
  const untagged = pattern.startsWith('* ')
  if (untagged && !line.startsWith('* ')) return false
  const [first = '', ...others] = (untagged ? pattern.slice(2) : pattern).split('*')
  const text = untagged ? line.slice(2) : line
  if (others.length === 0) return text === first
  if (!text.startsWith(first)) return false
  const last = others.pop() ?? ''
  let at = first.length
  for (const part of others) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - at >= last.length && text.endsWith(last)
}
