/** Lets milters, such as OpenDKIM and OpenDMARC, look at mail. */

export { milter } from './milter.ts'
export type { MilterOptions } from './milter.ts'
export type { ProgramAddress, ProgramOptions } from '../program.ts'
