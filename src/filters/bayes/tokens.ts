/** From a message to the words that speak for or against it: one linear pass, bounded in words and characters. */

import type { MessageText } from '../message-text.ts'

/** How much of a message is weighed. */
export interface TokenLimits {
  /** Different tokens. */
  readonly tokens: number
  /** Characters of text. */
  readonly characters: number
}

/** A word: letters and digits, what joins them, what stands for money, and how loudly it ends. */
const WORD = /[\p{L}\p{M}\p{N}$€£¥%][\p{L}\p{M}\p{N}$€£¥%'’_-]*!{0,3}/gu
/** Scripts that write words without spaces: pairs of characters stand for words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
/** What is not seen parts words only for machines. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu
/** Marks are sorted when text is brought to one form, which takes the square of their number: no script stacks that many. UAX #15 §13. */
const STACKED = /(\p{M}{4})\p{M}+/gu
/** How often each of the most words of a message may stand in it, on average; beyond that the rest is not looked at. */
const REPEATED = 10
const SHORTEST = 3
const LONGEST = 24
/** Host names of links; what comes after them is made for each recipient. */
const HOST = /^(?:[a-z][a-z0-9+.-]{0,20}:)?\/{2}(?:[^/?#@]{0,200}@)?([^/?#:@]{1,253})/i

/**
 * The tokens of a message by their keys: short hashes, so that a table of them is small and is no copy of somebody's mail. The
 * values are the words, for explaining.
 */
export function tokensOf(message: MessageText, limits: TokenLimits): ReadonlyMap<string, string> {
  const tokens = new TokenSet(limits)
  for (const { name, value } of message.fields) {
    // Fields that the sender wrote. Those of the way here say more about the postman, and about who collected the training mail.
    if (name === 'subject') tokens.words('subject:', value)
    else if (name === 'from' || name === 'reply-to') tokens.address(`${name}:`, value)
    else if (name === 'x-mailer' || name === 'user-agent') tokens.words('mailer:', value.slice(0, 100))
    else if (name === 'content-type') tokens.add(`content:${value.split(';', 1)[0]?.trim().toLowerCase() ?? ''}`)
  }
  for (const type of message.types) tokens.add(`type:${type}`)
  for (const part of message.parts) {
    for (const link of part.links) tokens.link(link)
    tokens.words('', part.text)
    if (part.kind === 'html') tokens.add(part.text.trim().length < 50 && part.links.length > 0 ? 'html:links-only' : 'html:text')
  }
  return tokens.found
}

class TokenSet {
  readonly found = new Map<string, string>()
  readonly #tokens: number
  #characters: number
  /** Words that repeat cost time as well. */
  #left: number

  constructor({ tokens, characters }: TokenLimits) {
    this.#tokens = tokens
    this.#characters = characters
    this.#left = tokens * REPEATED
  }

  get isFull(): boolean {
    return this.found.size >= this.#tokens || this.#left <= 0
  }

  add(token: string): void {
    if (this.isFull) return
    this.#left--
    this.found.set(tokenKey(token), token)
  }

  /** The words of a text, in lower case; of a run without spaces its pairs of characters. */
  words(prefix: string, text: string): void {
    // Compatibility forms become plain letters; a single one can become eighteen.
    const plain = text.slice(0, this.#characters).replace(UNSEEN, '').replace(STACKED, '$1').normalize('NFKC').slice(0, this.#characters)
    this.#characters -= plain.length
    for (const [word] of plain.matchAll(WORD)) {
      if (this.isFull) return
      if (UNSPACED.test(word)) this.#pairs(prefix, word)
      else if (word.length > LONGEST) this.add(`${prefix}long:${word.slice(0, 2).toLowerCase()}:${Math.floor(word.length / 10)}`)
      else if (word.length >= SHORTEST) {
        this.add(prefix + word.toLowerCase())
        if (word.length > SHORTEST && word === word.toUpperCase() && word !== word.toLowerCase()) this.add(`${prefix}loud:${word}`)
      }
    }
  }

  address(prefix: string, value: string): void {
    this.words(prefix, value)
    const at = value.lastIndexOf('@')
    if (at < 0) return
    const [domain = ''] = /^[^\s>,;"]{1,253}/.exec(value.slice(at + 1)) ?? []
    this.#host(`${prefix}@`, domain)
  }

  link(link: string): void {
    const host = HOST.exec(link)?.[1]
    if (host !== undefined) this.#host('link:', host)
    else this.add(`link:${/^[a-z]{1,20}:/i.exec(link)?.[0].toLowerCase() ?? 'relative'}`)
  }

  /** A host stands for itself and for what it lies in. */
  #host(prefix: string, host: string): void {
    if (/^[\d.]+$/.test(host)) this.add(`${prefix}number`)
    const labels = host.toLowerCase().split('.').slice(-4)
    for (let from = 0; from < labels.length; from++) this.add(prefix + labels.slice(from).join('.'))
  }

  #pairs(prefix: string, word: string): void {
    const characters = Array.from(word)
    if (characters.length === 1) this.add(prefix + word)
    for (let at = 1; at < characters.length && !this.isFull; at++) this.add(`${prefix}${characters[at - 1] ?? ''}${characters[at] ?? ''}`)
  }
}

/** 53 bits of a hash that mixes well, as text. Not a secret: who finds two words with one key has gained a word. */
function tokenKey(token: string): string {
  let low = 0x2545_f491
  let high = 0x4f6c_dd1d
  for (let at = 0; at < token.length; at++) {
    const code = token.charCodeAt(at)
    low = Math.imul(low ^ code, 0x9e37_79b1)
    high = Math.imul(high ^ code, 0x5f35_6495)
  }
  low = Math.imul(low ^ (low >>> 16), 0x85eb_ca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2_ae35)
  high = Math.imul(high ^ (high >>> 16), 0x85eb_ca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2_ae35)
  return (((high >>> 0) % 0x20_0000) * 0x1_0000_0000 + (low >>> 0)).toString(36)
}
