/** Weighs messages by asking SpamAssassin. */

export { spamassassin } from './spamassassin.ts'
export type { SpamassassinOptions } from './spamassassin.ts'
export type { ProgramAddress, ProgramOptions } from '../program.ts'
