/** Looks for a text within texts in time that grows with their length alone, whatever somebody made them of (P6, M6). */

/** Borders of a needle's end from which on the engine's own search may begin again and again. */
const BORDER = 8

/** Whether a text has what was looked for. */
export type Finder = (text: string) => boolean

/**
 * Makes the search for a text. The engine's own is the fastest, but it takes the product of both lengths for a needle whose end
 * repeats itself, in a text that does the same; such a needle is looked for in the way of Knuth, Morris and Pratt.
 */
export function finderOf(needle: string): Finder {
  return isRepetitive(needle) ? text => patientlyHas(text, needle) : text => text.includes(needle)
}

/** Whether some end of the needle has a border of {@link BORDER} characters: only then can many partial matches overlap. */
export function isRepetitive(needle: string): boolean {
  if (needle.length <= BORDER) return false
  let reversed = ''
  for (let at = needle.length - 1; at >= 0; at--) reversed += needle.charAt(at)
  return bordersOf(reversed).some(border => border >= BORDER)
}

/** The longest proper border of every prefix. */
function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length)
  for (let at = 1, border = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    while (border > 0 && character !== text.charCodeAt(border)) border = borders[border - 1] ?? 0
    if (character === text.charCodeAt(border)) border++
    borders[at] = border
  }
  return borders
}

function patientlyHas(text: string, needle: string): boolean {
  const borders = bordersOf(needle)
  const { length } = needle
  for (let at = 0, matched = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    while (matched > 0 && character !== needle.charCodeAt(matched)) matched = borders[matched - 1] ?? 0
    if (character === needle.charCodeAt(matched)) matched++
    if (matched === length) return true
  }
  return false
}
