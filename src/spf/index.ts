/** SPF without a network or a clock: records read, macros expanded, `check_host()` over the contract for DNS. RFC 7208. */

export { checkHost } from './check-host.ts'
export type { SpfOutcome, SpfQuestion, SpfReason, SpfResult } from './question.ts'
export type { Macro, MacroString } from './macro.ts'
export { parseSpfRecord, spfRecords } from './record.ts'
export type { Mechanism, Qualifier, SpfRecord, SpfTerm } from './record.ts'
