/** The symbols of sanity and what they weigh. */

/** A symbol that `sanity` can give. */
export type SanitySymbol = keyof typeof SANITY_SCORES

/** What each weighs unless the host says otherwise: together they make mail suspect, hardly any of them alone. */
export const SANITY_SCORES: {
  readonly MISSING_FROM: number
  readonly MISSING_DATE: number
  readonly MISSING_MESSAGE_ID: number
  readonly MULTIPLE_FROM: number
  readonly DUPLICATE_FIELDS: number
  readonly INVALID_DATE: number
  readonly DATE_IN_FUTURE: number
  readonly DATE_IN_PAST: number
  readonly BROKEN_HEADER: number
  readonly LARGE_HEADER: number
  readonly LONG_LINES: number
  readonly NUL_OCTETS: number
  readonly BARE_LINE_ENDS: number
  readonly HELO_IS_US: number
  readonly HELO_BARE_ADDRESS: number
  readonly HELO_LOCALHOST: number
  readonly HELO_INVALID: number
  readonly HELO_NO_DOT: number
  readonly HELO_LITERAL: number
  readonly HELO_OTHER_LITERAL: number
} = Object.freeze({
  MISSING_FROM: 3,
  MISSING_DATE: 1.5,
  MISSING_MESSAGE_ID: 0.5,
  MULTIPLE_FROM: 8,
  DUPLICATE_FIELDS: 2,
  INVALID_DATE: 1,
  DATE_IN_FUTURE: 2,
  DATE_IN_PAST: 1,
  BROKEN_HEADER: 1,
  LARGE_HEADER: 0.5,
  LONG_LINES: 0.5,
  NUL_OCTETS: 3,
  BARE_LINE_ENDS: 1.5,
  HELO_IS_US: 4,
  HELO_BARE_ADDRESS: 2,
  HELO_LOCALHOST: 2,
  HELO_INVALID: 2,
  HELO_NO_DOT: 1.5,
  HELO_LITERAL: 0.5,
  HELO_OTHER_LITERAL: 1.5,
})
