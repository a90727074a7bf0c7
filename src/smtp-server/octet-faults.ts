/** Counts what has no place in a message, in octets that come cut anywhere. RFC 5321 §2.3.8, §4.5.1. */

const CR = 0x0d
const LF = 0x0a

/** For message data whose end somebody else has found. */
export class OctetFaults {
  bareCr = 0
  bareLf = 0
  nul = 0
  #endsWithCr = false

  /** Takes the next octets. */
  push(octets: Uint8Array): void {
    if (octets.length === 0) return
    if (this.#endsWithCr && octets[0] !== LF) this.bareCr++
    for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
      if (at === 0 ? !this.#endsWithCr : octets[at - 1] !== CR) this.bareLf++
    }
    for (let at = octets.indexOf(CR); at >= 0 && at < octets.length - 1; at = octets.indexOf(CR, at + 1)) {
      if (octets[at + 1] !== LF) this.bareCr++
    }
    for (let at = octets.indexOf(0); at >= 0; at = octets.indexOf(0, at + 1)) this.nul++
    this.#endsWithCr = octets[octets.length - 1] === CR
  }

  /** No more octets. */
  end(): void {
    if (this.#endsWithCr) this.bareCr++
    this.#endsWithCr = false
  }
}
