/** A transaction as it stands when its message arrives. RFC 5321 §3.3. */

import type { LiveConnection, MailAddress, RecipientParameters, TraceEntry, Transaction } from '../contracts/index.ts'
import type { Target } from './recipients.ts'

/** A recipient that was taken, and the accounts behind it. */
export interface TakenRecipient {
  readonly address: MailAddress
  readonly targets: readonly Target[]
  /** Addresses on other servers that it stands for, itself or by an alias. */
  readonly remotes: readonly MailAddress[]
  /** This server is a gateway for it. */
  readonly relayed: boolean
  /** What the client asked for with it. RFC 3461 §4. */
  readonly parameters: RecipientParameters
}

/** What delivery needs to know. */
export interface OpenTransaction {
  readonly transaction: Transaction
  readonly connection: LiveConnection
  /** The record of every decision so far. */
  readonly entries: TraceEntry[]
  readonly taken: readonly TakenRecipient[]
  readonly recipients: readonly MailAddress[]
}
