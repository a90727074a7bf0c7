/** Carries one lease: into mailboxes here, or out. RFC 5321 §3.6.1. */

import type { Directory } from '../contracts/directory.ts'
import type { Host } from '../contracts/host.ts'
import type { Transmit } from './agent/transmission.ts'
import { deliverHere } from './local.ts'

/** Options of {@link carrier}. */
export interface CarrierOptions {
  readonly directory: Pick<Directory, 'serves'>
  /** Mail for domains that are served here goes in by this. Asked when the first such lease comes. */
  readonly host: () => Host
  /** Everything else goes out by this. */
  readonly transmit: Transmit
}

/** Makes the function that the agent gives leases to. */
export function carrier({ directory, host, transmit }: CarrierOptions): Transmit {
  return async (lease, signal) =>
    (await directory.serves(lease.destination, { signal })) ? deliverHere(host(), lease, signal) : transmit(lease, signal)
}
