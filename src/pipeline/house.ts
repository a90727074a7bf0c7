/** What the parts of the pipeline share: the adapters, the onion, and what is known of each connection. */

import type {
  Authenticator,
  Clock,
  Directory,
  EventSink,
  LiveConnection,
  MailStore,
  MessageSource,
  Outbound,
  ParsedMessage,
  Random,
  TraceEntry,
} from '../contracts/index.ts'
import type { Onion } from './compose.ts'
import type { SubmissionOptions } from './sender-rights.ts'

/** Everything a transaction needs. */
export interface House {
  readonly hostname: string
  readonly store: MailStore
  readonly directory: Directory
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
  readonly onion: Onion
  /** The way to other servers, where there is one. */
  readonly outbound: Outbound | undefined
  readonly submission: SubmissionOptions
  readonly parse: (source: MessageSource) => Promise<ParsedMessage>
  readonly report: (error: unknown, where: string, connection?: LiveConnection) => void
  readonly memory: (connection: LiveConnection) => ConnectionMemory
}

/** What is remembered of a connection from phase to phase. */
export interface ConnectionMemory {
  /** `PhaseContext.shared`. */
  readonly shared: Map<unknown, unknown>
  /** Entries of the phases before any transaction; the traces of its messages begin with them. */
  readonly entries: TraceEntry[]
}
