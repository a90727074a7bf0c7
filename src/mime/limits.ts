/** How much structure is told of one message; beyond it parts are opaque, and the message is stored all the same. */

/** Bounds of the scanner (threats M1-M3). */
export interface MimeLimits {
  /** Levels of multipart and message nesting. Default 100. */
  readonly depth: number
  /** Parts in all. Default 10,000. */
  readonly parts: number
  /**
   * Levels of all parts together: one that lies ten deep counts ten, since its number has ten figures and it is closed ten times over.
   * Default 50,000.
   */
  readonly levels: number
  /** Octets of one header block that are looked at. Default 262,144. */
  readonly headerOctets: number
  /** Fields of one header block that are looked at. Default 1,000. */
  readonly headerFields: number
  /**
   * Octets of header fields that are told of all parts together, the message's own header not counted. Parts beyond it
   * keep their type, encoding and place, and lose parameters and envelopes. Default 524,288.
   */
  readonly toldOctets: number
}

/** The defaults. */
export const MIME_LIMITS: MimeLimits = Object.freeze({
  depth: 100,
  parts: 10_000,
  levels: 50_000,
  headerOctets: 262_144,
  headerFields: 1000,
  toldOctets: 524_288,
})
