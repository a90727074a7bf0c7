/** One decision from many reasons: sums up what other filters found. */

export { score } from './score.ts'
export type { ScoreOptions } from './score.ts'
