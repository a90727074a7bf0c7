/** Mail that is put aside, in a mailbox of its own, and how it is let out. */

export { quarantineMailbox } from './quarantine.ts'
export type { QuarantineOptions } from './quarantine.ts'
export { quarantined } from './quarantined.ts'
export type { AsideMailbox, QuarantinedMessage, QuarantinedOptions } from './quarantined.ts'
export { releaseMessage } from './release.ts'
export type { ReleaseOptions } from './release.ts'
