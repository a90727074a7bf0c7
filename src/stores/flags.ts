/** Flags as sets: which can be stored, and what a change makes of them. RFC 9051 §2.3.2, §6.4.6, §9 `flag`. */

import { MailError } from '../contracts/mail-error.ts'
import type { Flag, FlagChange } from '../contracts/message.ts'

// RFC 9051 §9: flag-keyword is an atom, flag-extension a backslash and an atom.
const FLAG = /^\\?[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]{1,255}$/

/** Throws `invalid` unless each is a flag: an atom of at most 255 characters, with or without a backslash before it. */
export function checkFlags(flags: readonly Flag[]): void {
  for (const flag of flags) {
    if (!FLAG.test(flag)) throw new MailError('invalid', `${JSON.stringify(flag.slice(0, 100))} is not a flag`)
  }
}

/** The flags after the change, or `undefined` when they were so already. Flags are compared octet by octet. */
export function flagsAfter(flags: readonly Flag[], change: FlagChange): readonly Flag[] | undefined {
  const before = new Set(flags)
  const after = change.kind === 'set' ? new Set(change.flags) : new Set(flags)
  if (change.kind === 'add') for (const flag of change.flags) after.add(flag)
  if (change.kind === 'remove') for (const flag of change.flags) after.delete(flag)
  return after.size === before.size && [...after].every(flag => before.has(flag)) ? undefined : Object.freeze([...after])
}
