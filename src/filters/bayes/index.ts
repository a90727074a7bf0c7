/** Learns what is spam and what is wanted, word by word, from what people sort. */

export { bayes } from './bayes.ts'
export type { Bayes, BayesOpinion, BayesOptions } from './bayes.ts'
export type { LearningResult, Lesson } from '../learned.ts'
