/** Reads parenthesised lists of RFC 9051 §9 back, for tests only. */

/** NIL, a string or number as text, or a list. */
export type Form = null | string | Form[]

/** The one value in the octets; text of octets becomes UTF-8 text where it is. */
export function parseForm(octets: Uint8Array): Form {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')
  let at = 0
  const read = (): Form => {
    while (text[at] === ' ') at++
    if (text[at] === '(') {
      at++
      const list: Form[] = []
      for (;;) {
        while (text[at] === ' ') at++
        if (text[at] === ')') {
          at++
          return list
        }
        if (at >= text.length) throw new Error('the list does not end')
        list.push(read())
      }
    }
    if (text[at] === '"') {
      let value = ''
      for (at++; text[at] !== '"'; at++) {
        if (text[at] === '\\') at++
        value += text[at]
      }
      at++
      return value
    }
    const literal = /^\{(\d+)\}\r\n/.exec(text.slice(at, at + 20))
    if (literal !== null) {
      at += literal[0].length
      const value = text.slice(at, at + Number(literal[1]))
      at += value.length
      return Buffer.from(value, 'latin1').toString('utf8')
    }
    const atom = /^[^ ()]+/.exec(text.slice(at))
    if (atom === null) throw new Error(`nothing to read at ${at}`)
    at += atom[0].length
    return atom[0] === 'NIL' ? null : atom[0]
  }
  const value = read()
  if (at !== text.length) throw new Error(`something follows at ${at}`)
  return value
}
