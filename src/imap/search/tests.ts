/** Search keys as tests that are asked message by message, cheapest first. RFC 9051 §6.4.4; RFC 7162 §3.1.5. */

import { rangesHave } from '../../bytes/uid-ranges.ts'
import type { UidRange } from '../../contracts/numbers.ts'
import type { Context } from '../context.ts'
import { SEARCHED_OCTETS } from '../limits.ts'
import type { MailboxState } from '../view/mailbox-state.ts'
import { DAY } from '../wire/date-time.ts'
import type { SearchKey, TextPlace } from '../wire/search-key.ts'
import { resolveSet } from '../wire/sequence-set.ts'
import type { Answer, Test } from './candidate.ts'
import { isRepetitive } from './finder.ts'
import type { TextNeeds } from './message-text.ts'
import { needleOf } from './needle.ts'
import { headerTest, summaryTells, textTest } from './text-tests.ts'

/** A search, ready to be run. */
export interface SearchPlan {
  readonly test: Test
  /** Some key asks for MODSEQ: answers have it. */
  readonly usesModSeq: boolean
  readonly needs: TextNeeds
  /** Keys that look for text: each is held against every message. */
  readonly texts: number
}

const SECONDS_OF_DAY = DAY / 1000

/** Compiles the keys against the view as it is now. */
export function searchPlan(key: SearchKey, charset: string | undefined, context: Context): SearchPlan {
  const compiler = new Compiler(charset, context)
  const test = compiler.compile(key)
  return { test, usesModSeq: compiler.usesModSeq, needs: compiler.needs, texts: compiler.texts }
}

class Compiler {
  readonly #charset: string | undefined
  readonly #context: Context
  usesModSeq = false
  needsHeader = false
  needsBody = false
  /** Keys that look for text. */
  texts = 0
  /** What looking through a body costs, about, in searches of the engine's own kind. */
  #weight = 0

  constructor(charset: string | undefined, context: Context) {
    this.#charset = charset
    this.#context = context
  }

  /** The more is looked for, the less of each message's text: one message is looked through at one go. */
  get needs(): TextNeeds {
    const octets = Math.floor(SEARCHED_OCTETS / Math.max(1, this.#weight / 4))
    return { header: this.needsHeader, body: this.needsBody, octets }
  }

  compile(key: SearchKey): Test {
    const { state } = this.#context.view
    switch (key.kind) {
      case 'all':
        return () => true
      case 'and':
        return both(key.keys.map(each => this.compile(each)))
      case 'or':
        return either(this.compile(key.left), this.compile(key.right))
      case 'not': {
        const test = this.compile(key.key)
        return candidate => negated(test(candidate))
      }
      case 'flag':
        return flagTest(state, key.flag, key.isSet)
      case 'recent':
        // RFC 9051 §A: nothing is ever \Recent here.
        return () => !key.isSet
      case 'set':
        return this.#set(key)
      case 'date':
        return key.of === 'internal' ? internalDateTest(state, key) : sentDateTest(key)
      case 'size': {
        const { size, than } = key
        return ({ at }) => (than === 'larger' ? (state.sizes[at] ?? 0) > size : (state.sizes[at] ?? 0) < size)
      }
      case 'modseq': {
        this.usesModSeq = true
        const { modSeq } = key
        return ({ at }) => (state.modSeqs[at] ?? 0) >= modSeq
      }
      case 'text':
        return this.#text(key.place, needleOf(key.octets, this.#charset))
      case 'header':
        return this.#header(key.field, needleOf(key.octets, this.#charset))
    }
  }

  #text(place: TextPlace, needle: string): Test {
    if (place === 'TEXT' || place === 'BODY') this.texts++
    if (place !== 'TEXT' && place !== 'BODY') return this.#header(place.toLowerCase(), needle)
    this.needsBody = true
    this.#weight += isRepetitive(needle) ? 16 : 1
    if (place === 'TEXT') this.needsHeader = true
    return textTest(place, needle)
  }

  #header(name: string, needle: string): Test {
    this.texts++
    if (!summaryTells(name, needle)) this.needsHeader = true
    return headerTest(name, needle)
  }

  /** Unlike FETCH, SEARCH takes numbers beyond the mailbox for numbers that nothing has. */
  #set({ set, numbering }: Extract<SearchKey, { readonly kind: 'set' }>): Test {
    const { view } = this.#context
    if (set === '$') {
      const { saved } = view
      return ({ uid }) => rangesHave(saved, uid)
    }
    const ranges = resolveSet(set, numbering === 'uid' ? view.largestUid : view.count) as readonly unknown[] as readonly UidRange[]
    return numbering === 'uid' ? ({ uid }) => rangesHave(ranges, uid) : ({ seq }) => rangesHave(ranges, seq)
  }
}

function both(tests: readonly Test[]): Test {
  return candidate => {
    let all: Answer = true
    for (const test of tests) {
      const answer = test(candidate)
      if (answer === false) return false
      if (answer === undefined) all = undefined
    }
    return all
  }
}

function either(left: Test, right: Test): Test {
  return candidate => {
    const answer = left(candidate)
    if (answer === true) return true
    const other = right(candidate)
    if (other === true) return true
    return answer === undefined || other === undefined ? undefined : false
  }
}

function negated(answer: Answer): Answer {
  return answer === undefined ? undefined : !answer
}

/** Each set of flags is looked into once. */
function flagTest(state: MailboxState, flag: string, isSet: boolean): Test {
  const wanted = state.flags.canonical(flag)
  const known: (boolean | undefined)[] = []
  return ({ at }) => {
    const id = state.flagIds[at] ?? 0
    return (known[id] ??= state.flags.set(id).flags.includes(wanted) === isSet)
  }
}

type DateKey = Extract<SearchKey, { readonly kind: 'date' }>

/** RFC 9051 §6.4.4, BEFORE: "disregarding time and timezone"; ours are all in UTC. */
function internalDateTest(state: MailboxState, { when, day }: DateKey): Test {
  const wanted = day / DAY
  return ({ at }) => holds(when, Math.floor((state.dates[at] ?? 0) / SECONDS_OF_DAY), wanted)
}

function sentDateTest({ when, day }: DateKey): Test {
  const wanted = day / DAY
  return ({ summary }) => {
    if (summary === undefined) return undefined
    return summary.sentDay !== undefined && holds(when, summary.sentDay, wanted)
  }
}

function holds(when: DateKey['when'], day: number, wanted: number): boolean {
  return when === 'on' ? day === wanted : when === 'before' ? day < wanted : day >= wanted
}
