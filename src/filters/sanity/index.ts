/** What proper mail software does not do. */

export { sanity } from './sanity.ts'
export type { SanityOptions } from './sanity.ts'
export { SANITY_SCORES } from './scores.ts'
export type { SanitySymbol } from './scores.ts'
