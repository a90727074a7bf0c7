/** Values with parameters: Content-Type, Content-Disposition. RFC 2045 §5.1; RFC 2183 §2; RFC 2231 §3, §4.1. */

/**
 * A value and its parameters as written; names in lower case. Text of octets (Latin-1). Pieces of a parameter are joined
 * (RFC 2231 §6); an extended value stays in its form, under a name with an asterisk.
 */
export interface ParameterisedValue {
  /** Lower case, without white space and comments: `text/plain`, `attachment`. */
  readonly value: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** More parameters than this are not told: they cost without saying anything. */
const MOST_PARAMETERS = 100

const TOKEN_END = /[\s;="(),<>@\\[\]?/:]/

/** Names that people write without the quotes they need: `filename=a b.txt`. */
const LOOSE: ReadonlySet<string> = new Set(['name', 'filename'])

/** `filename*0`, `filename*1*`. RFC 2231 §3, §4.1. */
const PIECE = /^([^*]+)\*(0|[1-9]\d?)(\*?)$/

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
    const given = reader.peek === '"' ? reader.quoted() : reader.loose(LOOSE.has(name))
    parameters.push([name, given])
    reader.until(';')
  }
  return { value, parameters: joined(parameters) }
}

interface Piece {
  readonly value: string
  readonly isExtended: boolean
}

/** Pieces in place of the first of them; those that do not follow on 0, 1, 2, ... stay as they are. */
function joined(parameters: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const pieces = new Map<string, Map<number, Piece>>()
  for (const [name, value] of parameters) {
    const [, stem = '', number = '', star = ''] = PIECE.exec(name) ?? []
    if (stem === '') continue
    const own = pieces.get(stem) ?? new Map<number, Piece>()
    pieces.set(stem, own)
    if (!own.has(Number(number))) own.set(Number(number), { value, isExtended: star === '*' })
  }
  if (pieces.size === 0) return parameters
  const told = new Set<string>()
  return parameters.flatMap(([name, value]): readonly (readonly [string, string])[] => {
    const [, stem = '', number = ''] = PIECE.exec(name) ?? []
    const own = pieces.get(stem)
    if (own?.get(0) === undefined) return [[name, value]]
    const whole = run(own)
    if (Number(number) >= whole.length) return [[name, value]]
    if (told.has(stem)) return []
    told.add(stem)
    const isExtended = whole.some(piece => piece.isExtended)
    // A piece without the asterisk is literal also among those that are encoded.
    const text = whole.map(piece => (isExtended && !piece.isExtended ? encoded(piece.value) : piece.value)).join('')
    return [[isExtended ? `${stem}*` : stem, text]]
  })
}

/** The pieces 0, 1, 2, ... up to the first that is missing. */
function run(pieces: ReadonlyMap<number, Piece>): readonly Piece[] {
  const whole: Piece[] = []
  for (let piece = pieces.get(0); piece !== undefined; piece = pieces.get(whole.length)) whole.push(piece)
  return whole
}

/** RFC 2231 §7 `ext-octet`s for all that is no `attribute-char`. */
function encoded(text: string): string {
  return text.replace(/[^A-Za-z0-9!#$&+.^_`{|}~-]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
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
  loose(hasSpaces: boolean): string {
    const start = this.#at
    for (;;) {
      while (!this.done && this.peek !== ';' && this.peek !== '(' && this.peek !== ' ' && this.peek !== '\t') this.#at++
      const end = this.#at
      if (!hasSpaces || !this.#goesOn()) return this.#text.slice(start, end)
    }
  }

  /** Whether a word follows that belongs to the value: no end, no comment, and no other parameter whose semicolon was forgotten. */
  #goesOn(): boolean {
    this.#blanks()
    if (this.done || this.peek === ';' || this.peek === '(' || this.peek === '"') return false
    const word = this.#at
    this.token()
    this.#blanks()
    const isName = this.peek === '='
    this.#at = word
    return !isName
  }

  #blanks(): void {
    while (this.peek === ' ' || this.peek === '\t') this.#at++
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
