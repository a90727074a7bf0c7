/** What the queue asks of the writer: the messages between the two threads. */

import type { QueueSelector } from '../../contracts/queue.ts'
import type { Suppression } from '../../contracts/queue.ts'

/** A message to be queued. `content` is an index into the contents of the operation. */
export interface QueueMessageInput {
  readonly content: number
  readonly prefix: Uint8Array | undefined
  /** Octets, prefix included. */
  readonly size: number
  readonly sender: string
  /** Empty for nobody's. */
  readonly account: string
  readonly priority: number
  readonly queuedAt: number
  readonly expiresAt: number
  readonly deliverBy: number | undefined
  /** When its recipients fall due. */
  readonly due: number
  /** JSON. */
  readonly envelope: string
  readonly key: string | undefined
  /** A line for each, as `packedRecipients` makes them: between threads one text is much cheaper than very many arrays. */
  readonly recipients: string
}

/** How one recipient's try ended. `state` is as stored; `due` counts for those that wait. `last` is JSON. */
export interface QueueOutcomeInput {
  readonly place: number
  readonly state: number
  readonly due: number
  readonly tried: boolean
  readonly warned: boolean
  readonly last: string
}

/** The end of one lease. */
export interface QueueSettlementInput {
  readonly message: number
  readonly token: number
  /** Recipients of the lease. */
  readonly count: number
  readonly outcomes: readonly QueueOutcomeInput[]
}

/** Every task. `now` is the queue's clock. */
export type QueueTask =
  | {
      readonly kind: 'enqueue'
      readonly now: number
      readonly message: QueueMessageInput
      readonly maxMessages: number
      /** Settled up to this moment: forgotten. */
      readonly forgotten: number
    }
  | {
      readonly kind: 'lease'
      readonly now: number
      readonly limit: number
      readonly leaseMs: number
      readonly recipientsPerLease: number
      readonly perDestination: number
      readonly except: readonly string[]
      readonly allowances: readonly (readonly [destination: string, leases: number])[]
    }
  | { readonly kind: 'renew'; readonly until: number; readonly leases: readonly (readonly [message: number, token: number])[] }
  | {
      readonly kind: 'settle'
      readonly now: number
      readonly settlements: readonly QueueSettlementInput[]
      readonly notifications: readonly { readonly about: number; readonly token: number | undefined; readonly message: QueueMessageInput }[]
      readonly forgotten: number
    }
  | { readonly kind: 'hold' | 'release' | 'retry' | 'remove'; readonly now: number; readonly selector: QueueSelector }
  | { readonly kind: 'pause' | 'resume'; readonly now: number; readonly rule: readonly [kind: string, value: string] }
  | { readonly kind: 'forget'; readonly settledUntil: number; readonly most: number }
  | { readonly kind: 'suppress'; readonly entry: Suppression }
  | { readonly kind: 'unsuppress'; readonly address: string }

/** The task of that kind. */
export type QueueTaskOf<Kind extends QueueTask['kind']> = Extract<QueueTask, { readonly kind: Kind }>

/** A recipient of a lease, on its way between threads. `wishes` and `last` are JSON. */
export type LeasedRow = readonly [
  place: number,
  address: string,
  wishes: string | null,
  attempts: number,
  warned: number,
  last: string | null,
]

/** A lease on its way between threads. */
export interface LeasedInput {
  readonly message: number
  readonly token: number
  readonly destination: string
  /** JSON. */
  readonly envelope: string
  readonly prefix: Uint8Array | null
  /** Where the content lies; `undefined` when its row is lost. */
  readonly place:
    | { readonly id: number; readonly segment: number; readonly start: number; readonly size: number; readonly sums: Uint8Array }
    | undefined
  readonly recipients: readonly LeasedRow[]
}
