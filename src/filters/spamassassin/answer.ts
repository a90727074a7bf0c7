/** Reads what spamd answers: a line, fields, and the report of its rules. */

import { latin1Text, utf8Text } from '../../bytes/ascii.ts'
import { nonsense } from '../program.ts'

/** What spamd says of one message. */
export interface SpamdAnswer {
  readonly isSpam: boolean
  readonly score: number
  /** From where on spamd calls it spam. */
  readonly threshold: number
  /** The rules that matched, with their points where the report told them. */
  readonly rules: readonly { readonly name: string; readonly points: number | undefined }[]
}

const RULE = /^[A-Z][A-Z0-9_]{0,63}$/
const MOST_RULES = 500

/** Where the header of an answer ends; -1: it does not yet. */
function headEnd(octets: Uint8Array): number {
  for (let at = octets.indexOf(13); at >= 0; at = octets.indexOf(13, at + 1)) {
    if (octets[at + 1] === 10 && octets[at + 2] === 13 && octets[at + 3] === 10) return at
    if (at > 8192) throw nonsense('a header without an end')
  }
  return -1
}

/** Whether the whole answer has come. */
export function isWhole(octets: Uint8Array): boolean {
  const end = headEnd(octets)
  if (end < 0) return false
  const length = /^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(latin1Text(octets, 0, end))?.[1]
  return length !== undefined && octets.length >= end + 4 + Number(length)
}

/** Reads an answer to SYMBOLS or REPORT. Throws `unavailable` for what is none, and for an error that spamd tells. */
export function readAnswer(octets: Uint8Array): SpamdAnswer {
  const end = headEnd(octets)
  const head = end < 0 ? '' : latin1Text(octets, 0, end)
  const [, code, word = ''] = /^SPAMD\/\d+\.\d+ (\d{1,3}) ([^\r\n]{0,200})/.exec(head) ?? []
  if (code === undefined) throw nonsense(JSON.stringify(latin1Text(octets, 0, Math.min(100, octets.length))))
  if (code !== '0') throw nonsense(`error ${code} ${word}`)
  const [, spam, score, threshold] =
    /^spam:[ \t]*(true|false|yes|no)[ \t]*;[ \t]*(-?\d{1,9}(?:\.\d{1,9})?)[ \t]*\/[ \t]*(-?\d{1,9}(?:\.\d{1,9})?)[ \t]*\r?$/im.exec(head) ??
    []
  if (spam === undefined) throw nonsense('no Spam field')
  const rules = rulesOf(utf8Text(octets.subarray(end + 4)))
  return { isSpam: /^(?:true|yes)$/i.test(spam), score: Number(score), threshold: Number(threshold), rules }
}

/** The names of SYMBOLS (`A,B,C`), or the table of REPORT: points, name, description. */
function rulesOf(body: string): SpamdAnswer['rules'] {
  const lines = body.split('\n').map(line => line.trim())
  const table = lines.findIndex(line => /^-{2,} -{2,}/.test(line))
  if (table < 0) {
    const names = (lines[0] ?? '').split(',').filter(name => RULE.test(name))
    return names.slice(0, MOST_RULES).map(name => ({ name, points: undefined }))
  }
  const rules: { name: string; points: number }[] = []
  for (const line of lines.slice(table + 1)) {
    const [, points, name = ''] = /^(-?\d{1,6}(?:\.\d{1,6})?)[ \t]+(\S{1,64})(?:[ \t]|$)/.exec(line) ?? []
    if (points !== undefined && RULE.test(name) && rules.length < MOST_RULES) rules.push({ name, points: Number(points) })
  }
  return rules
}
