/** What is known of a server once it is ready to take mail. RFC 5321 §3.2. */

import type { Capabilities } from './capabilities.ts'

/** The same for all transactions of a session. */
export interface SessionFacts {
  /** The server's name, for statuses. */
  readonly host: string
  readonly lmtp: boolean
  readonly capabilities: Capabilities
  /** TLS is on, and its certificate satisfied the policy. */
  readonly verified: boolean
  /** BDAT is used where it is offered. */
  readonly chunking: boolean
}
