/** Asks programs that were written for Postfix's policy delegation. */

export { policyService } from './policy-service.ts'
export type { PolicyServiceOptions } from './policy-service.ts'
export type { ProgramAddress, ProgramOptions } from '../program.ts'
