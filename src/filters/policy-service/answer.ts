/** Reads what a policy service answers: `action=` and what an access table could say. */

import type { Verdict } from '../../contracts/index.ts'
import { utf8Text } from '../../bytes/ascii.ts'
import { refusal, replyVerdict } from '../foreign-reply.ts'
import { nonsense, oneLine } from '../program.ts'

/** What a policy service wants. */
export type PolicyAction =
  /** It has nothing against it. */
  | { readonly kind: 'go-on' }
  | { readonly kind: 'refuse'; readonly verdict: Verdict }
  /** Refuse for now, unless somebody else refuses for good. */
  | { readonly kind: 'defer-if-permit'; readonly verdict: Verdict }
  | { readonly kind: 'prepend'; readonly name: string; readonly value: string }
  | { readonly kind: 'discard'; readonly reason: string }
  | { readonly kind: 'note'; readonly text: string }

const TEXT = 'Access denied'
const LATER = 'Service temporarily unavailable, please try again later'

/** Whether the empty line has come. */
export function isWhole(octets: Uint8Array): boolean {
  for (let at = octets.indexOf(10); at >= 0; at = octets.indexOf(10, at + 1)) if (octets[at + 1] === 10) return true
  return false
}

/** Reads an answer: the first `action=` up to the empty line. Throws `MailError('unavailable')` when there is none. */
export function readAnswer(octets: Uint8Array): PolicyAction {
  if (!isWhole(octets)) throw nonsense('no empty line at the end')
  const [lines = ''] = utf8Text(octets).split('\n\n', 1)
  const line = lines.split('\n').find(one => one.startsWith('action='))
  if (line === undefined) throw nonsense('no action')
  return actionOf(oneLine(line.slice('action='.length)).trim())
}

function actionOf(action: string): PolicyAction {
  const [, word = '', words = ''] = /^(\S+)\s*(.*)$/.exec(action) ?? []
  switch (word.toUpperCase()) {
    case 'OK':
    case 'DUNNO':
      return { kind: 'go-on' }
    case 'REJECT':
      return { kind: 'refuse', verdict: refusal('reject', words, TEXT) }
    case 'DEFER':
      return { kind: 'refuse', verdict: refusal('defer', words, LATER) }
    case 'DEFER_IF_PERMIT':
      return { kind: 'defer-if-permit', verdict: refusal('defer', words, LATER) }
    case 'PREPEND': {
      const [, name, value = ''] = /^([!-9;-~]{1,76}):\s*(.*)$/.exec(words) ?? []
      return name === undefined ? { kind: 'note', text: 'what it wants to prepend is no header field' } : { kind: 'prepend', name, value }
    }
    case 'DISCARD':
      return { kind: 'discard', reason: words.slice(0, 200) || 'a policy service said so' }
    case 'HOLD':
      return { kind: 'note', text: `it would hold the message: ${words}` }
    case 'INFO':
    case 'WARN':
      return { kind: 'note', text: words }
    default:
  }
  const verdict = replyVerdict(action, TEXT)
  // What is unknown (FILTER, REDIRECT, names of restrictions) refuses nobody.
  return verdict === undefined
    ? { kind: 'note', text: `it said ${action.slice(0, 200)}, which has no meaning here` }
    : { kind: 'refuse', verdict }
}
