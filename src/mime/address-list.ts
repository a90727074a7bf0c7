/** Address lists of header fields, as liberal as mail is. RFC 5322 §3.4, §4.4; RFC 9051 §7.5.2, `envelope`. */

/**
 * One address as RFC 9051's envelope has it; text of octets. A group begins with `{ mailbox: its name }` without a host
 * and ends with an address that has neither.
 */
export interface ListedAddress {
  readonly name: string | undefined
  /** Source route (RFC 5322 §4.4, `obs-route`). */
  readonly route: string | undefined
  readonly mailbox: string | undefined
  readonly host: string | undefined
}

/** More than this are not told. */
const MOST_ADDRESSES = 2000
const LONGEST_ROUTE = 1000

/** What an atom is here: all up to a character that has a meaning. */
const ATOM = /[^("<>,;:@ \t\r\n]+/y

/** Reads a list; never throws, linear in the text's length. */
export function parseAddressList(text: string): readonly ListedAddress[] {
  return new AddressReader(text).list()
}

class AddressReader {
  readonly #text: string
  #at = 0
  #comment = ''

  constructor(text: string) {
    this.#text = text
  }

  list(): readonly ListedAddress[] {
    const addresses: ListedAddress[] = []
    let inGroup = false
    while (addresses.length < MOST_ADDRESSES) {
      this.#comment = ''
      this.#blank()
      const next = this.#text[this.#at]
      if (next === undefined) break
      if (next === ',') {
        this.#at++
        continue
      }
      if (next === ';') {
        this.#at++
        if (inGroup) addresses.push({ name: undefined, route: undefined, mailbox: undefined, host: undefined })
        inGroup = false
        continue
      }
      const words = this.#words()
      const after = this.#text[this.#at]
      if (after === ':' && !inGroup) {
        this.#at++
        addresses.push({ name: undefined, route: undefined, mailbox: words.join(' '), host: undefined })
        inGroup = true
      } else if (after === '<') addresses.push(this.#angle(words.join(' ')))
      else if (after === '@') {
        this.#at++
        const host = this.#domain()
        this.#blank()
        addresses.push({ name: this.#comment === '' ? undefined : this.#comment, route: undefined, mailbox: words.join(''), host })
      } else {
        if (words.length > 0)
          addresses.push({ name: this.#comment === '' ? undefined : this.#comment, route: undefined, mailbox: words.join(' '), host: '' })
        if (after !== undefined && after !== ',' && after !== ';') this.#at++
      }
    }
    if (inGroup) addresses.push({ name: undefined, route: undefined, mailbox: undefined, host: undefined })
    return addresses
  }

  /** `angle-addr`, with what stands before it as the name. */
  #angle(phrase: string): ListedAddress {
    this.#at++
    this.#blank()
    let route: string | undefined
    if (this.#text[this.#at] === '@') {
      // Looked for in so much only: a list of openings without an end would be read again for each of them.
      const near = this.#text.slice(this.#at, this.#at + LONGEST_ROUTE)
      const end = near.indexOf(':')
      const close = near.indexOf('>')
      if (end > 0 && (close < 0 || end < close)) {
        route = near.slice(0, end).replace(/\s+/g, '')
        this.#at += end + 1
      }
    }
    const mailbox = this.#words().join('')
    let host = ''
    if (this.#text[this.#at] === '@') {
      this.#at++
      host = this.#domain()
    }
    while (this.#at < this.#text.length && this.#text[this.#at] !== '>' && this.#text[this.#at] !== ',') this.#at++
    if (this.#text[this.#at] === '>') this.#at++
    this.#blank()
    const name = phrase === '' ? this.#comment : phrase
    return { name: name === '' ? undefined : name, route, mailbox, host }
  }

  /** Words up to a character that has a meaning; quoted strings without their quotes. */
  #words(): string[] {
    const words: string[] = []
    for (;;) {
      this.#blank()
      const next = this.#text[this.#at]
      if (next === undefined) return words
      if (next === '"') {
        words.push(this.#quoted())
        continue
      }
      ATOM.lastIndex = this.#at
      if (!ATOM.test(this.#text)) return words
      words.push(this.#text.slice(this.#at, ATOM.lastIndex))
      this.#at = ATOM.lastIndex
    }
  }

  #domain(): string {
    this.#blank()
    if (this.#text[this.#at] === '[') {
      const close = this.#text.indexOf(']', this.#at)
      const end = close < 0 ? this.#text.length : close + 1
      const literal = this.#text.slice(this.#at, end)
      this.#at = end
      return literal
    }
    return this.#words().join('')
  }

  #quoted(): string {
    this.#at++
    let value = ''
    while (this.#at < this.#text.length) {
      const next = this.#text[this.#at++]
      if (next === '"') break
      if (next === '\\') value += this.#text[this.#at++] ?? ''
      else value += next
    }
    return value
  }

  /** White space and comments; the last comment is remembered, old mail keeps names there. */
  #blank(): void {
    for (;;) {
      const next = this.#text[this.#at]
      if (next === ' ' || next === '\t' || next === '\r' || next === '\n') this.#at++
      else if (next === '(') this.#readComment()
      else return
    }
  }

  #readComment(): void {
    let depth = 0
    let text = ''
    while (this.#at < this.#text.length) {
      const next = this.#text[this.#at++]
      if (next === '\\') text += this.#text[this.#at++] ?? ''
      else if (next === '(') {
        if (depth++ > 0) text += next
      } else if (next === ')') {
        if (--depth === 0) break
        text += next
      } else text += next
    }
    this.#comment = text.trim()
  }
}
