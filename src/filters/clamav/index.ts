/** Looks for viruses by asking ClamAV. */

export { clamav } from './clamav.ts'
export type { ClamavOptions } from './clamav.ts'
export type { ProgramAddress, ProgramOptions } from '../program.ts'
