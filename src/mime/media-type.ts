/** Values with parameters: Content-Type, Content-Disposition. RFC 2045 §5.1; RFC 2183 §2. */

/** A value and its parameters as written; names in lower case. Text of octets (Latin-1). */
export interface ParameterisedValue {
  /** Lower case, without white space and comments: `text/plain`, `attachment`. */
  readonly value: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** More parameters than this are not told: they cost without saying anything. */
const MOST_PARAMETERS = 100

const TOKEN_END = /[\s;="(),<>@\\[\]?/:]/

/** Reads such a value; never throws, linear in its length. */
export function parseParameterised(text: string): ParameterisedValue {
  const reader = new Reader(text)
  let value = reader.until(';').trim().toLowerCase()
  if (/\s/.test(value)) value = value.replace(/\s+/g, value.includes('/') ? '' : ' ')
  const parameters: [string, string][] = []
  while (!reader.done && parameters.length < MOST_PARAMETERS) {
    reader.skip()
    const name = reader.token().toLowerCase()
    reader.blank()
    if (name === '' || !reader.take('=')) {
      reader.until(';')
      continue
    }
    reader.blank()
    const given = reader.peek === '"' ? reader.quoted() : reader.loose()
    parameters.push([name, given])
    reader.until(';')
  }
  return { value, parameters }
}

/** The value of a parameter, where it has one. */
export function parameter(of: ParameterisedValue, name: string): string | undefined {
  return of.parameters.find(entry => entry[0] === name)?.[1]
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    return this.#at >= this.#text.length
  }

  get peek(): string | undefined {
    return this.#text[this.#at]
  }

  take(character: string): boolean {
    if (this.peek !== character) return false
    this.#at++
    return true
  }

  /** White space and comments. RFC 5322 §3.2.2. */
  blank(): void {
    for (;;) {
      const next = this.peek
      if (next === ' ' || next === '\t') this.#at++
      else if (next === '(') this.#comment()
      else return
    }
  }

  /** Blanks and stray semicolons. */
  skip(): void {
    do this.blank()
    while (this.take(';'))
  }

  token(): string {
    const start = this.#at
    while (!this.done && !TOKEN_END.test(this.peek ?? '')) this.#at++
    return this.#text.slice(start, this.#at)
  }

  /** An unquoted value, in which people write what should have been quoted. */
  loose(): string {
    const start = this.#at
    while (!this.done && this.peek !== ';' && this.peek !== '(' && this.peek !== ' ' && this.peek !== '\t') this.#at++
    return this.#text.slice(start, this.#at)
  }

  quoted(): string {
    this.#at++
    let value = ''
    while (!this.done) {
      const next = this.#text[this.#at++]
      if (next === '"') break
      if (next === '\\') value += this.#text[this.#at++] ?? ''
      else value += next
    }
    return value
  }

  /** Everything before the character, which is passed; comments left out. */
  until(character: string): string {
    let text = ''
    while (!this.done) {
      if (this.peek === '(') {
        this.#comment()
        continue
      }
      if (this.peek === '"') {
        this.quoted()
        continue
      }
      const next = this.#text[this.#at++]
      if (next === character) break
      text += next
    }
    return text
  }

  #comment(): void {
    let depth = 0
    while (!this.done) {
      const next = this.#text[this.#at++]
      if (next === '\\') this.#at++
      else if (next === '(') depth++
      else if (next === ')' && --depth === 0) return
    }
  }
}
