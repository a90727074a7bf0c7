/** Changes that middleware makes to a header. The original octets stay; the changes become new octets around them. RFC 5322 §2.2. */

import { MailError } from '../contracts/mail-error.ts'
import type { HeaderEdits } from '../contracts/middleware.ts'
import type { HeaderBlock, LocatedField } from './header-block.ts'

const NAME = /^[\u0021-\u0039\u003b-\u007e]{1,76}$/
/** Everything that ends a line somewhere or is none of text. */
const NOT_IN_VALUES = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/u
const MAX_VALUE = 64 * 1024
/** RFC 5322 §2.1.1: "MUST be no more than 998 characters, and SHOULD be no more than 78". */
const WISHED_LINE = 78
const LONGEST_LINE = 998
const encoder = new TextEncoder()
const NOTHING = new Uint8Array()

interface NewField {
  readonly key: string
  readonly value: string
  readonly text: string
}

/** What the changes come to. */
export interface EditedHeader {
  /** New fields on top, as octets. */
  readonly added: Uint8Array
  /** The whole header without the empty line, when an original field was changed or removed. */
  readonly rewritten: Uint8Array | undefined
}

/** The changes of one message, in the order in which they are made. */
export class Edits implements HeaderEdits {
  readonly #block: HeaderBlock
  /** New fields on top, the topmost first. */
  #top: NewField[] = []
  /** What an original field is replaced by; `undefined` = removed. */
  readonly #changed = new Map<LocatedField, NewField | undefined>()

  constructor(block: HeaderBlock) {
    this.#block = block
  }

  add(name: string, value: string): void {
    this.#top.unshift(newField(name, value))
  }

  remove(name: string, when: (value: string) => boolean = () => true): void {
    const key = name.toLowerCase()
    this.#top = this.#top.filter(field => field.key !== key || !when(field.value))
    for (const field of this.#block.fields) {
      if (field.key !== key || !this.#stands(field)) continue
      if (when(this.#changed.get(field)?.value ?? field.value)) this.#changed.set(field, undefined)
    }
  }

  replace(name: string, value: string): void {
    const replacement = newField(name, value)
    const top = this.#top.findIndex(field => field.key === replacement.key)
    if (top >= 0) {
      this.#top[top] = replacement
      return
    }
    const original = this.#block.fields.find(field => field.key === replacement.key && this.#stands(field))
    if (original === undefined) this.#top.unshift(replacement)
    else this.#changed.set(original, replacement)
  }

  /** The first value of a field after the changes made so far. */
  header(name: string): string | undefined {
    const key = name.toLowerCase()
    const added = this.#top.find(field => field.key === key)
    if (added !== undefined) return added.value
    const original = this.#block.fields.find(field => field.key === key && this.#stands(field))
    return original === undefined ? undefined : (this.#changed.get(original)?.value ?? original.value)
  }

  /** All values of a field after the changes made so far, in their order. */
  values(name: string): readonly string[] {
    const key = name.toLowerCase()
    const original = this.#block.fields.filter(field => field.key === key && this.#stands(field))
    return [
      ...this.#top.filter(field => field.key === key).map(({ value }) => value),
      ...original.map(field => this.#changed.get(field)?.value ?? field.value),
    ]
  }

  /** The changes as octets. */
  result(): EditedHeader {
    const added = this.#top.length === 0 ? NOTHING : encoder.encode(this.#top.map(field => field.text).join(''))
    if (this.#changed.size === 0) return { added, rewritten: undefined }
    const pieces: Uint8Array[] = []
    for (const field of this.#block.fields) {
      if (!this.#changed.has(field)) pieces.push(this.#block.octets.subarray(field.start, field.end))
      else pieces.push(encoder.encode(this.#changed.get(field)?.text ?? ''))
    }
    return { added, rewritten: concatenated(pieces) }
  }

  #stands(field: LocatedField): boolean {
    return !this.#changed.has(field) || this.#changed.get(field) !== undefined
  }
}

/** Octets put together. */
export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function newField(name: string, value: string): NewField {
  if (!NAME.test(name)) throw new MailError('invalid', `${JSON.stringify(name)} cannot be the name of a header field`)
  if (NOT_IN_VALUES.test(value)) throw new MailError('invalid', `the value of ${name} has control characters or line ends`)
  if (value.length > MAX_VALUE || !value.isWellFormed()) throw new MailError('invalid', `the value of ${name} is too long or broken`)
  return { key: name.toLowerCase(), value: value.trim(), text: folded(name, value.trim()) }
}

/** The field as lines: broken before white space where that keeps lines short, never inside a word. RFC 5322 §2.2.3. */
function folded(name: string, value: string): string {
  const lines: string[] = []
  let line = `${name}:`
  for (const word of ` ${value}`.match(/[ \t]+[^ \t]*/g) ?? [' ']) {
    if (line.length + word.length > WISHED_LINE && line.length > name.length + 1) {
      lines.push(line)
      line = word
    } else {
      line += word
    }
  }
  lines.push(line)
  if (lines.some(text => encoder.encode(text).length > LONGEST_LINE)) {
    throw new MailError('invalid', `the value of ${name} has a word that fits into no line`)
  }
  return `${lines.join('\r\n')}\r\n`
}
