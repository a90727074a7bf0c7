/** What every store needs and none should write again: which names are taken, sets of flags, sets of UIDs. */

export { normaliseRanges, rangesHave, rangesOf } from '../bytes/uid-ranges.ts'
export { checkAccountId } from './account-id.ts'
export { checkFlags, flagsAfter } from './flags.ts'
export { checkMailboxName, INBOX, isInferior } from './mailbox-name.ts'
