/** Replies that other programs wish to be given, made into verdicts. RFC 5321 §4.2; RFC 3463 §2. */

import type { EnhancedCode, Verdict } from '../contracts/index.ts'
import { defer, reject } from '../contracts/index.ts'

const REPLY = /^([45])[0-9]{2}(?:[ -]([\s\S]*))?$/
const CODE = /^([45])\.(\d{1,3})\.(\d{1,3})(?:[ \t]+|$)/
const LONGEST = 300

/** `550 5.7.1 text` as a verdict; `undefined` for what is no refusal. */
export function replyVerdict(reply: string, text: string): Verdict | undefined {
  const [, kind, rest = ''] = REPLY.exec(reply) ?? []
  return kind === undefined ? undefined : refusal(kind === '4' ? 'defer' : 'reject', rest, text)
}

/** A refusal with a text that may begin with an enhanced code. One of the wrong class is left out. */
export function refusal(kind: 'defer' | 'reject', words: string, otherwise: string): Verdict {
  const [all = '', first, second = '', third = ''] = CODE.exec(words) ?? []
  const isOurs = first === (kind === 'defer' ? '4' : '5')
  const text = oneText(words.slice(all.length)) || otherwise
  if (kind === 'defer') return defer(text, isOurs ? code('4', second, third) : '4.7.1')
  return reject(text, isOurs ? code('5', second, third) : '5.7.1')
}

function code(first: '4' | '5', second: string, third: string): EnhancedCode {
  return `${first}.${Number(second)}.${Number(third)}` as EnhancedCode
}

function oneText(words: string): string {
  return words
    .slice(0, LONGEST)
    .replaceAll(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
}
