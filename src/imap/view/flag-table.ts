/** Sets of flags, each kept once for a mailbox and printed once. RFC 9051 §2.3.2. */

import { asciiLowerCase, latin1Bytes } from '../../bytes/ascii.ts'
import type { Flag, FlagChange } from '../../contracts/message.ts'

/** The system flags in their canonical spelling, by lower case. `\Recent` is not one that can be set. */
const SYSTEM: ReadonlyMap<string, Flag> = new Map(
  ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'].map(flag => [asciiLowerCase(flag), flag]),
)

/** One set of flags. */
export interface FlagSet {
  readonly id: number
  /** Sorted, in canonical spelling. */
  readonly flags: readonly Flag[]
  /** `(\Seen $Junk)` as octets. */
  readonly printed: Uint8Array
  readonly isSeen: boolean
  readonly isDeleted: boolean
}

/**
 * Interns flag sets and keeps the spelling of keywords: the first spelling seen in a mailbox is the one that clients see, since
 * RFC 9051 §2.3.2 takes flags that differ only in case for one. A store compares octet by octet, and other spellings come to it
 * with messages that were delivered, appended or copied: they are remembered, so that they can be taken away.
 */
export class FlagTable {
  #sets: FlagSet[] = []
  #byKey = new Map<string, FlagSet>()
  #spelling = new Map<string, Flag>(SYSTEM)
  #others = new Map<string, Set<Flag>>()
  /** Raised whenever a keyword shows that was not there before. */
  version = 0

  /** Number of sets kept. */
  get size(): number {
    return this.#sets.length
  }

  /** The keywords seen so far, in order of first sight. */
  get keywords(): readonly Flag[] {
    return [...this.#spelling.values()].slice(SYSTEM.size)
  }

  /** The set of that id. */
  set(id: number): FlagSet {
    const set = this.#sets[id]
    if (set === undefined) throw new RangeError('no such set of flags')
    return set
  }

  /** The flag in the spelling of this mailbox. */
  canonical(flag: Flag): Flag {
    return this.#spelling.get(asciiLowerCase(flag)) ?? flag
  }

  /** The flag in every spelling that this mailbox has seen; as given when it has seen none. */
  spellings(flag: Flag): readonly Flag[] {
    const key = asciiLowerCase(flag)
    return [this.canonical(flag), ...(this.#others.get(key) ?? [])]
  }

  /** Whether the flag is one that this mailbox has seen. */
  knows(flag: Flag): boolean {
    return this.#spelling.has(asciiLowerCase(flag))
  }

  /** The id of a set. */
  intern(flags: readonly Flag[]): number {
    // Stores give the same spelling again and again: one look-up by the flags as given.
    const asGiven = flags.length < 2 ? (flags[0] ?? '') : flags.join(' ')
    const known = this.#byKey.get(asGiven)
    if (known !== undefined) return known.id
    for (const flag of [...flags].sort()) this.#meet(flag)
    const sorted = [...new Set(flags.map(flag => this.canonical(flag)))].sort((a, b) => (a < b ? -1 : 1))
    const key = sorted.join(' ')
    const same = this.#byKey.get(key)
    if (same !== undefined) {
      if (this.#byKey.size < 4 * this.#sets.length + 64) this.#byKey.set(asGiven, same)
      return same.id
    }
    const set: FlagSet = {
      id: this.#sets.length,
      flags: Object.freeze(sorted),
      printed: latin1Bytes(`(${key})`),
      isSeen: sorted.includes('\\Seen'),
      isDeleted: sorted.includes('\\Deleted'),
    }
    this.#sets.push(set)
    this.#byKey.set(key, set)
    this.#byKey.set(asGiven, set)
    return set.id
  }

  #meet(flag: Flag): void {
    const key = asciiLowerCase(flag)
    const first = this.#spelling.get(key)
    if (first === undefined) {
      this.#spelling.set(key, flag)
      this.version++
    } else if (first !== flag) {
      const others = this.#others.get(key)
      if (others === undefined) this.#others.set(key, new Set([flag]))
      else others.add(flag)
    }
  }

  /** The id of a set after a change. */
  after(id: number, change: FlagChange): number {
    const { flags } = this.set(id)
    switch (change.kind) {
      case 'set':
        return this.intern(change.flags)
      case 'add':
        return this.intern([...flags, ...change.flags.filter(flag => !flags.includes(flag))])
      case 'remove':
        return this.intern(flags.filter(flag => !change.flags.includes(flag)))
    }
  }
}
