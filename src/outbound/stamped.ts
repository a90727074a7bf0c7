/**
 * Local parts that only we can have made: a day and a keyed hash in letters that survive systems which fold case. The hash
 * covers everything in lower case. RFC 5321 §2.4 (local parts may be case-sensitive; not everybody keeps case); RFC 4648 §6.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { utf8Bytes } from '../bytes/ascii.ts'
import type { Clock } from '../contracts/clock.ts'
import { ConfigurationError } from '../contracts/mail-error.ts'

/** Base32 in lower case: letters that no one folds, digits that look like no letter. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const DAY = 86_400_000
/** Days count modulo 1024: two letters. */
const CYCLE = 1024
/** 40 bits: a forger's try costs a message each. */
const HASH_LETTERS = 8

/** Secrets with which addresses are stamped: the first stamps, all are recognised, so that one can be replaced. */
export type Secrets = string | readonly string[]

/** Stamps and recognises. */
export interface Stamps {
  /** Today in two letters. */
  readonly day: () => string
  /** Hash of a text, eight letters. */
  readonly hash: (text: string) => string
  /** Whether a hash is that of a text, in any case. */
  readonly isHash: (hash: string, text: string) => boolean
  /** Whether a day lies so many days back at most. */
  readonly isRecent: (day: string, days: number) => boolean
}

/** `purpose` keeps stamps of one use from being taken for those of another. Throws `MW_SECRET` for secrets below 16 octets. */
export function stamps(purpose: string, secrets: Secrets, clock: Pick<Clock, 'now'>): Stamps {
  const keys = typeof secrets === 'string' ? [secrets] : secrets
  if (keys.length === 0 || keys.some(key => utf8Bytes(key).length < 16))
    throw new ConfigurationError('MW_SECRET', 'a secret that stamps addresses must have 16 octets at least')
  const today = (): number => Math.floor(clock.now() / DAY) % CYCLE
  const hashWith = (key: string, text: string): string =>
    base32(createHmac('sha256', key).update(`${purpose}\0${text.toLowerCase()}`).digest()).slice(0, HASH_LETTERS)
  return {
    day() {
      const day = today()
      return letter(day >> 5) + letter(day & 31)
    },
    hash: text => hashWith(keys[0] ?? '', text),
    isHash(hash, text) {
      const given = utf8Bytes(hash.toLowerCase())
      // All of them, so that the time tells nothing.
      const found = keys.map(key => given.length === HASH_LETTERS && timingSafeEqual(given, utf8Bytes(hashWith(key, text))))
      return found.includes(true)
    },
    isRecent(day, days) {
      const [high, low] = [0, 1].map(at => LETTERS.indexOf(day.toLowerCase().charAt(at)))
      if (day.length !== 2 || high === undefined || low === undefined || high < 0 || low < 0) return false
      const age = (today() - (high * 32 + low) + CYCLE) % CYCLE
      // A clock may be a day behind the one that stamped.
      return age <= days || age === CYCLE - 1
    },
  }
}

function letter(index: number): string {
  return LETTERS[index] ?? ''
}

/** Octets as base32 in lower case, without padding. RFC 4648 §6. */
export function base32(octets: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const octet of octets) {
    held = ((held << 8) | octet) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += letter((held >> bits) & 31)
    }
  }
  return bits > 0 ? text + letter((held << (5 - bits)) & 31) : text
}

/** The octets of a base32 text in any case; `undefined` when it is none. */
export function fromBase32(text: string): Uint8Array | undefined {
  const octets: number[] = []
  let bits = 0
  let held = 0
  for (const character of text.toLowerCase()) {
    const value = LETTERS.indexOf(character)
    if (value < 0) return undefined
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    octets.push((held >> bits) & 0xff)
  }
  return Uint8Array.from(octets)
}
