/** Flags of commands in the spelling of the mailbox. RFC 9051 §2.3.2. */

import { asciiLowerCase } from '../bytes/ascii.ts'
import type { Flag } from '../contracts/message.ts'
import { FlagTable } from './view/flag-table.ts'

const NO_MAILBOX: FlagTable = new FlagTable()

/**
 * The flags as they are stored: system flags and keywords in canonical spelling, each once. `\Recent` and unknown flags with
 * a backslash cannot be set and are left out: RFC 9051 §7.1 (PERMANENTFLAGS) lets a server ignore them.
 */
export function storableFlags(flags: readonly Flag[], table: FlagTable = NO_MAILBOX): Flag[] {
  const stored = new Map<string, Flag>()
  for (const flag of flags) {
    const canonical = table.canonical(flag)
    if (canonical.startsWith('\\') && !table.knows(canonical)) continue
    const key = asciiLowerCase(canonical)
    if (!stored.has(key)) stored.set(key, canonical)
  }
  return [...stored.values()]
}

/** The flags as they are taken away: in every spelling in which a message of the mailbox may have them. */
export function removableFlags(flags: readonly Flag[], table: FlagTable): Flag[] {
  return storableFlags(flags, table).flatMap(flag => table.spellings(flag))
}
