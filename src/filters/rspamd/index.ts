/** Lets rspamd weigh or decide. */

export { rspamd } from './rspamd.ts'
export type { RspamdOptions } from './rspamd.ts'
export type { ProgramAddress, ProgramOptions } from '../program.ts'
