/** Names and passwords are prepared before they are compared or hashed, so that one spelling is one name. RFC 4013 §2; RFC 6856 §2.2. */

/** Octets of UTF-8 that a name or a password may have. RFC 4616 §2 asks for 255 and more. */
const MAX_OCTETS = 1024

// RFC 4013 §2.1: spaces of other scripts are a space (RFC 3454 C.1.2), and what shows nothing is nothing (B.1).
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/g
// RFC 4013 §2.3: controls, private use, no characters, surrogates, and what has no place in a name (RFC 3454 C.2 to C.9).
const PROHIBITED =
  // oxlint-disable-next-line no-misleading-character-class -- each is meant by itself
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u0340\u0341\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u

/**
 * A name or password in the form in which it is compared and hashed: NFC, spaces of other scripts as SPACE, invisible
 * characters gone. `undefined` when it may not be one: empty, longer than 1,024 octets, or with controls, private use or
 * other prohibited characters. Preparing twice changes nothing.
 *
 * NFC instead of SASLprep's NFKC: RFC 4616 §2 leaves the choice open, and NFKC would make different passwords equal.
 */
export function prepareString(text: string): string | undefined {
  // The cheap bound first: normalising is not free, and a code unit is at least an octet.
  if (text.length > MAX_OCTETS) return undefined
  const prepared = /^[\x20-\x7e]*$/.test(text) ? text : text.replaceAll(SPACES, ' ').replaceAll(NOTHING, '').normalize('NFC')
  if (prepared === '' || PROHIBITED.test(prepared)) return undefined
  return new TextEncoder().encode(prepared).length > MAX_OCTETS ? undefined : prepared
}
