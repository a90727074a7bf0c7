/** Verdicts as middleware may really answer them: checked before anybody acts on them. RFC 3463 §2. */

import type { Phase } from '../contracts/phase.ts'
import { accept, defer, discard, quarantine, reject } from '../contracts/verdict.ts'
import type { EnhancedCode, Verdict } from '../contracts/verdict.ts'
import { escaped, printable } from './printable.ts'

const CODE = /^[245]\.[0-9]{1,3}\.[0-9]{1,3}$/

/** The answer as a verdict with printable texts. Throws an `Error` that says what is wrong with it otherwise. */
export function checkedVerdict(phase: Phase, answer: unknown): Verdict {
  if (typeof answer !== 'object' || answer === null || !('kind' in answer)) throw new Error(`answered ${naming(answer)}, not a verdict`)
  const { kind, text, code, reason, mailbox } = answer as Readonly<Record<string, unknown>>
  switch (kind) {
    case 'accept':
      return accept()
    case 'reject':
      return reject(checkedText(text), checkedCode(code, '5'))
    case 'defer':
      return defer(checkedText(text), checkedCode(code, '4'))
    case 'discard':
    case 'quarantine': {
      if (phase !== 'message' && phase !== 'deliver') throw new Error(`answered ${kind} in the phase ${phase}, where there is no message`)
      const why = typeof reason === 'string' ? escaped(reason) : ''
      if (kind === 'discard') return discard(why)
      if (mailbox !== undefined && typeof mailbox !== 'string') throw new Error('answered quarantine with a mailbox that is no name')
      return quarantine(why, mailbox)
    }
    default:
      throw new Error(`answered a verdict of the unknown kind ${naming(kind)}`)
  }
}

function checkedText(text: unknown): string {
  if (typeof text !== 'string') throw new Error('answered a refusal without a text')
  return printable(text)
}

function checkedCode(code: unknown, group: '4' | '5'): EnhancedCode {
  if (typeof code !== 'string' || !CODE.test(code) || !code.startsWith(group)) {
    throw new Error(`answered the code ${naming(code)} where one of class ${group} belongs`)
  }
  return code as EnhancedCode
}

function naming(value: unknown): string {
  return typeof value === 'string' ? escaped(JSON.stringify(value), 80) : typeof value
}
