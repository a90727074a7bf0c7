/** Reads Authentication-Results, whoever wrote them and however. RFC 8601 §2.2, §2.3, §5; S20. */

import { decodeWords } from '../../mime/index.ts'
import { commentEnd } from './author.ts'

/** One method's result. */
export interface MethodResult {
  readonly method: string
  readonly result: string
  /** By `ptype.property`, lower case. */
  readonly properties: ReadonlyMap<string, string>
}

/** A field in parts. */
export interface ReadResults {
  readonly id: string
  readonly results: readonly MethodResult[]
}

const LONGEST = 65_536
const MOST_RESULTS = 100

/** Reads a field's value; `undefined` for what cannot be read. Linear in the value. */
export function readResults(value: string): ReadResults | undefined {
  const parts = partsOf(value)
  if (parts === undefined) return undefined
  const [head, ...rest] = parts
  const id = (head?.[0] ?? '').toLowerCase()
  const results: MethodResult[] = []
  for (const words of rest.slice(0, MOST_RESULTS)) {
    const [first = '', ...others] = joined(words)
    const [method = '', result = ''] = first.split('=', 2)
    if (result === '') continue
    const properties = new Map<string, string>()
    for (const word of others) {
      const equals = word.indexOf('=')
      if (equals > 0) properties.set(word.slice(0, equals).toLowerCase(), word.slice(equals + 1))
    }
    results.push({ method: method.split('/')[0]?.toLowerCase() ?? '', result: result.toLowerCase(), properties })
  }
  return { id, results }
}

/** Words around `=` put together: white space may stand there. */
function joined(words: readonly string[]): readonly string[] {
  const out: string[] = []
  for (const word of words) {
    const last = out.at(-1)
    if (last !== undefined && (last.endsWith('=') || word.startsWith('='))) out[out.length - 1] = last + word
    else out.push(word)
  }
  return out
}

/** The words between semicolons; comments gone, quotes opened. `undefined` where either does not close. */
function partsOf(value: string): string[][] | undefined {
  if (value.length > LONGEST) return undefined
  const parts: string[][] = [[]]
  let word: string | undefined
  const end = (): void => {
    if (word !== undefined) parts.at(-1)?.push(word)
    word = undefined
  }
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? ''
    if (character === '(') {
      const behind = commentEnd(value, at)
      if (behind === undefined) return undefined
      end()
      at = behind - 1
    } else if (character === '"') {
      let text = ''
      for (at++; value[at] !== '"'; at++) {
        if (value[at] === '\\') at++
        if (at >= value.length) return undefined
        text += value[at] ?? ''
      }
      word = (word ?? '') + text
    } else if (character === ';') {
      end()
      parts.push([])
    } else if (/\s/.test(character)) end()
    else word = (word ?? '') + character
  }
  end()
  return parts
}

/**
 * Whether a field claims to be written by one of the hosts `ids` (lower case), in any spelling that some reader could take for it:
 * comments, quotes, folds, case, white space, a version, encoded-words, a final dot. What cannot be read counts as claimed.
 */
export function claimsToBe(value: string, ids: readonly string[]): boolean {
  if (value.includes('=?')) {
    const decoded = decodeWords(value)
    if (decoded !== value && claimsToBe(decoded.replaceAll('=?', ''), ids)) return true
  }
  const parts = partsOf(value.normalize('NFKC'))
  if (parts === undefined) return true
  // The first word, for those who forgot the semicolon; all words, for those who read past the space between them.
  const words = (parts[0] ?? []).map(word => word.toLowerCase())
  const heads = [words[0] ?? '', words.join('')]
  return (
    heads[0] === '' || ids.some(id => heads.some(head => head.startsWith(id) && !/^(?:-|[a-z]|\.[a-z0-9])/.test(head.slice(id.length))))
  )
}
