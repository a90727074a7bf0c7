/** What SEARCH can be asked. RFC 9051 §6.4.4, §9 `search-key`; RFC 4731; RFC 7162 §3.1.5. */

import { ITEMS, NESTING } from '../limits.ts'
import { date } from './date-time.ts'
import type { Parser } from './parser.ts'
import { sequenceSet, type SequenceSet } from './sequence-set.ts'

/** Where text is looked for. */
export type TextPlace = 'BCC' | 'BODY' | 'CC' | 'FROM' | 'SUBJECT' | 'TEXT' | 'TO'

/** One key. `octets` are in the charset of the command. */
export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'flag'; readonly flag: string; readonly isSet: boolean }
  | { readonly kind: 'recent'; readonly isSet: boolean }
  | { readonly kind: 'set'; readonly set: SequenceSet; readonly numbering: 'seq' | 'uid' }
  | { readonly kind: 'date'; readonly of: 'internal' | 'sent'; readonly when: 'before' | 'on' | 'since'; readonly day: number }
  | { readonly kind: 'size'; readonly than: 'larger' | 'smaller'; readonly size: number }
  | { readonly kind: 'modseq'; readonly modSeq: number }
  | { readonly kind: 'text'; readonly place: TextPlace; readonly octets: Uint8Array }
  | { readonly kind: 'header'; readonly field: string; readonly octets: Uint8Array }

/** `search-return-opt`. */
export type ReturnOption = 'MIN' | 'MAX' | 'ALL' | 'COUNT' | 'SAVE'

/** The arguments of SEARCH. */
export interface SearchArguments {
  /** `undefined`: no RETURN was given. */
  readonly options: readonly ReturnOption[] | undefined
  /** `undefined`: none was given. */
  readonly charset: string | undefined
  readonly key: SearchKey
}

const RETURN_OPTIONS: readonly ReturnOption[] = ['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE']

/** `[SP search-return-opts] SP search-program`. */
export function searchArguments(p: Parser): SearchArguments {
  p.sp()
  let options: ReturnOption[] | undefined
  if (p.skipWord('return ')) {
    options = p.list(
      () => {
        const name = p.keyword()
        return RETURN_OPTIONS.find(option => option === name) ?? p.fail('a return option')
      },
      { empty: true },
    )
    p.sp()
  }
  let charset: string | undefined
  if (p.skipWord('charset ')) {
    charset = p.astring()
    p.sp()
  }
  return { options, charset, key: new SearchProgram(p).keys(0) }
}

const FLAGS: ReadonlyMap<string, readonly [flag: string, isSet: boolean]> = new Map([
  ['ANSWERED', ['\\Answered', true]],
  ['DELETED', ['\\Deleted', true]],
  ['DRAFT', ['\\Draft', true]],
  ['FLAGGED', ['\\Flagged', true]],
  ['SEEN', ['\\Seen', true]],
  ['UNANSWERED', ['\\Answered', false]],
  ['UNDELETED', ['\\Deleted', false]],
  ['UNDRAFT', ['\\Draft', false]],
  ['UNFLAGGED', ['\\Flagged', false]],
  ['UNSEEN', ['\\Seen', false]],
])

/** Reads keys, counting them and their depth. */
class SearchProgram {
  readonly #p: Parser
  #count = 0

  constructor(p: Parser) {
    this.#p = p
  }

  /** One or more keys, all of which must hold. */
  keys(depth: number): SearchKey {
    const keys: SearchKey[] = []
    do keys.push(this.#key(depth))
    while (this.#p.skip(0x20))
    const [only] = keys
    return keys.length === 1 && only !== undefined ? only : { kind: 'and', keys }
  }

  #key(depth: number): SearchKey {
    const p = this.#p
    if (depth > NESTING) p.fail('less nesting')
    if (++this.#count > ITEMS) p.fail('fewer keys')
    if (p.skip(0x28)) {
      const key = this.keys(depth + 1)
      p.close()
      return key
    }
    const octet = p.peek()
    if ((octet >= 0x30 && octet <= 0x39) || octet === 0x2a || octet === 0x24) return { kind: 'set', set: sequenceSet(p), numbering: 'seq' }
    return this.#named(p.keyword(), depth)
  }

  #named(name: string, depth: number): SearchKey {
    const p = this.#p
    const flag = FLAGS.get(name)
    if (flag !== undefined) return { kind: 'flag', flag: flag[0], isSet: flag[1] }
    switch (name) {
      case 'ALL':
        return { kind: 'all' }
      case 'NOT':
        p.sp()
        return { kind: 'not', key: this.#key(depth + 1) }
      case 'OR': {
        p.sp()
        const left = this.#key(depth + 1)
        p.sp()
        return { kind: 'or', left, right: this.#key(depth + 1) }
      }
      case 'KEYWORD':
      case 'UNKEYWORD':
        p.sp()
        return { kind: 'flag', flag: p.flag(), isSet: name === 'KEYWORD' }
      // RFC 3501 §6.4.4: NEW is RECENT UNSEEN, OLD is NOT RECENT.
      case 'NEW':
        return {
          kind: 'and',
          keys: [
            { kind: 'recent', isSet: true },
            { kind: 'flag', flag: '\\Seen', isSet: false },
          ],
        }
      case 'OLD':
      case 'RECENT':
        return { kind: 'recent', isSet: name === 'RECENT' }
      case 'UID':
        p.sp()
        return { kind: 'set', set: sequenceSet(p), numbering: 'uid' }
      case 'LARGER':
      case 'SMALLER':
        p.sp()
        return { kind: 'size', than: name === 'LARGER' ? 'larger' : 'smaller', size: p.number64() }
      case 'MODSEQ':
        return this.#modSeq()
      case 'HEADER': {
        p.sp()
        const field = p.astring().toLowerCase()
        p.sp()
        return { kind: 'header', field, octets: p.astringOctets() }
      }
      default:
        return this.#dateOrText(name)
    }
  }

  #dateOrText(name: string): SearchKey {
    const p = this.#p
    switch (name) {
      case 'BEFORE':
      case 'ON':
      case 'SINCE':
        p.sp()
        return { kind: 'date', of: 'internal', when: whenOf(name), day: date(p) }
      case 'SENTBEFORE':
      case 'SENTON':
      case 'SENTSINCE':
        p.sp()
        return { kind: 'date', of: 'sent', when: whenOf(name.slice(4)), day: date(p) }
      case 'BCC':
      case 'BODY':
      case 'CC':
      case 'FROM':
      case 'SUBJECT':
      case 'TEXT':
      case 'TO':
        p.sp()
        return { kind: 'text', place: name, octets: p.astringOctets() }
      default:
        return p.fail('a search key')
    }
  }

  /** RFC 7162 §3.1.5: an entry name and type may stand before the number; there is one MODSEQ here for all of them. */
  #modSeq(): SearchKey {
    const p = this.#p
    p.sp()
    if (p.peek() === 0x22) {
      p.string()
      p.sp()
      const type = p.keyword()
      if (type !== 'ALL' && type !== 'PRIV' && type !== 'SHARED') p.fail('an entry type')
      p.sp()
    }
    return { kind: 'modseq', modSeq: p.number64() }
  }
}

function whenOf(name: string): 'before' | 'on' | 'since' {
  return name === 'BEFORE' ? 'before' : name === 'ON' ? 'on' : 'since'
}
