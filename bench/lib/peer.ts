/** What a benchmark asks of a server, ours or another's. */

import type { CpuGroup } from './cgroup.ts'

/** A server that is running, with the ports that it has. */
export interface Peer {
  readonly name: string
  readonly group: CpuGroup
  /** Where load is sent. */
  readonly smtpPort?: number
  readonly lmtpPort?: number
  readonly imapPort?: number
  readonly pop3Port?: number
  readonly user: string
  readonly password: string
  /** Messages that lie in the mailbox now. */
  delivered(): number | Promise<number>
  /** Forgets what makes a second reading faster (index caches), where there is such a thing. */
  coldCaches?(): Promise<void>
  stop(): Promise<void>
}
