/** Counts lines, four octets at a time: a call for each line costs more than the line. RFC 5322 §2.1. */

const LF = 0x0a

/** Octets up to a boundary of four in their buffer. */
function unaligned(octets: Uint8Array): number {
  return -octets.byteOffset & 3
}

/** The whole words of an array of octets, from its first boundary of four on. */
function wordsOf(octets: Uint8Array): Int32Array {
  const first = unaligned(octets)
  const count = octets.length < first + 4 ? 0 : (octets.length - first) >> 2
  return count === 0 ? NONE : new Int32Array(octets.buffer, octets.byteOffset + first, count)
}

const NONE = new Int32Array(0)

/** Counts lines as they pass, and knows the longest. */
export class LineCounter {
  /** Line feeds so far. */
  feeds = 0
  /** The longest line so far in octets, its line end included. */
  longest = 0
  #line = 0

  /** The next octets. */
  push(octets: Uint8Array): void {
    const words = wordsOf(octets)
    const first = Math.min(unaligned(octets), octets.length)
    let { feeds, longest } = this
    // Where the line began, in the counting of this array.
    let start = -this.#line
    let at = 0
    let word = 0
    while (at < octets.length) {
      if (at === first + word * 4) {
        // A word without a line feed is crossed in one step.
        for (; word < words.length; word++) {
          const four = (words[word] ?? 0) ^ 0x0a0a0a0a
          if (((four - 0x01010101) & ~four & 0x80808080) !== 0) break
        }
        at = first + word * 4
        word++
        if (at >= octets.length) break
      }
      const isFeed = octets[at] === LF
      at++
      if (!isFeed) continue
      feeds++
      if (at - start > longest) longest = at - start
      start = at
    }
    this.feeds = feeds
    this.#line = octets.length - start
    this.longest = Math.max(longest, this.#line)
  }
}
