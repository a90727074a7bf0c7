/** Strangers wait for the greeting. */

export { earlyTalker } from './early-talker.ts'
export type { EarlyTalkerOptions } from './early-talker.ts'
