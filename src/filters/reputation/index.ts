/** Known correspondents and known nuisances, for each account. */

export { reputation } from './reputation.ts'
export type { Reputation, ReputationOptions } from './reputation.ts'
export type { LearningResult, Lesson } from '../learned.ts'
