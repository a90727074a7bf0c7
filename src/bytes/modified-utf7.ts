/** Modified UTF-7, the form in which IMAP4rev1 writes mailbox names. RFC 3501 §5.1.3. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,'

/** Digit values by character code; -1 = not a digit. */
const DIGITS: Int8Array = new Int8Array(128).fill(-1)
for (let i = 0; i < ALPHABET.length; i++) DIGITS[ALPHABET.charCodeAt(i)] = i

/** A text as modified UTF-7; printable ASCII stands for itself, `&` is `&-`. Lone surrogates throw a RangeError: no name holds them. */
export function encodeModifiedUtf7(text: string): string {
  if (!text.isWellFormed()) throw new RangeError('a mailbox name is well-formed Unicode')
  let out = ''
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (isPrintable(code)) {
      out += code === 0x26 ? '&-' : text.charAt(at)
      at++
      continue
    }
    let bits = 0
    let held = 0
    out += '&'
    for (; at < text.length && !isPrintable(text.charCodeAt(at)); at++) {
      bits = (bits << 16) | text.charCodeAt(at)
      held += 16
      while (held >= 6) {
        held -= 6
        out += ALPHABET.charAt((bits >>> held) & 63)
      }
      bits &= (1 << held) - 1
    }
    if (held > 0) out += ALPHABET.charAt((bits << (6 - held)) & 63)
    out += '-'
  }
  return out
}

/**
 * The text that a modified UTF-7 name means, or undefined when the name is not in the one form RFC 3501 §5.1.3 allows:
 * encoded printable ASCII (`&AC8-` for `/`), adjoining or empty shifts, left-over bits, a missing `-`, 8-bit octets,
 * control characters or NUL in any form, lone surrogates. So decode and encode are inverse, and no two names mean one mailbox.
 */
export function decodeModifiedUtf7(name: string): string | undefined {
  let out = ''
  let at = 0
  let shiftEnded = -1
  while (at < name.length) {
    const code = name.charCodeAt(at)
    if (!isPrintable(code)) return undefined
    if (code !== 0x26) {
      out += name.charAt(at)
      at++
      continue
    }
    const end = name.indexOf('-', at + 1)
    if (end < 0) return undefined
    if (end === at + 1) {
      out += '&'
      at += 2
      continue
    }
    // "&Jjo-&Jjo-" is one text written in two shifts where one was due.
    if (shiftEnded === at) return undefined
    const piece = decodeShift(name, at + 1, end)
    if (piece === undefined) return undefined
    out += piece
    at = shiftEnded = end + 1
  }
  return out.isWellFormed() ? out : undefined
}

function decodeShift(name: string, from: number, to: number): string | undefined {
  let bits = 0
  let held = 0
  let out = ''
  for (let at = from; at < to; at++) {
    const digit = DIGITS[name.charCodeAt(at)] ?? -1
    if (digit < 0) return undefined
    bits = (bits << 6) | digit
    held += 6
    if (held < 16) continue
    held -= 16
    const unit = bits >>> held
    bits &= (1 << held) - 1
    // C0, DEL and C1 are no part of a mailbox name (RFC 9051 §5.1, RFC 5198 §2); printable ASCII stands for itself.
    if (unit < 0xa0) return undefined
    out += String.fromCharCode(unit)
  }
  // Up to five zero bits fill the last digit; more of them, or others, are a second spelling.
  if (held >= 6 || bits !== 0 || out === '') return undefined
  return out
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e
}
