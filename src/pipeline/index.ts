/** The pipeline: how middleware composes, and the policy of receiving that engines share. RFC 5321 §3.3, §3.6, §4.4. */

export { DEFAULT_DEADLINES } from './compose.ts'
export type { Deadlines } from './compose.ts'
export { worstOf } from './failures.ts'
export { createHost } from './host.ts'
export type { HostOptions } from './host.ts'
export { idMoment } from './identifier.ts'
export { printable } from './printable.ts'
export type { AuthorRight, SubmissionOptions } from './sender-rights.ts'
