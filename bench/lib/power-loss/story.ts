/** What a recorded workload tells of itself: what it began, what it was answered, and the octets of each message from its name alone. */

import { crc32 } from 'node:zlib'

/** A message at a place. */
export interface Placed {
  readonly box: string
  readonly uid: number
  /** `label:size`, from which {@link octetsNamed} makes the octets. */
  readonly name: string
  readonly flags: readonly string[]
}

/** What became true with an answer. */
export interface Effects {
  readonly account?: string
  readonly added?: readonly Placed[]
  readonly gone?: readonly { readonly box: string; readonly uid: number }[]
  readonly flagged?: readonly { readonly box: string; readonly uid: number; readonly flags: readonly string[] }[]
  /** Mailboxes and what they are called from now on; no name: removed. */
  readonly boxes?: readonly { readonly id: string; readonly account: string; readonly name?: string }[]
  readonly told?: readonly { readonly box: string; readonly uidNext: number; readonly modSeq: number }[]
  readonly queued?: readonly { readonly id: string; readonly name: string; readonly recipients: number }[]
  readonly outcomes?: readonly { readonly id: string; readonly index: number; readonly state: 'leased' | 'delivered' | 'failed' }[]
  /** A notification that has to be in the queue, once, by its ENVID. */
  readonly bounce?: string
  /** A backup that is whole: where, and how many messages are in it. */
  readonly backup?: { readonly folder: string; readonly messages: number }
}

/** A line of the ledger: an operation begins (with the names of messages that may appear), or is answered. */
export type Line =
  | { readonly kind: 'begun'; readonly op: number; readonly names: readonly string[] }
  | { readonly kind: 'answered'; readonly op: number; readonly effects: Effects }

/** The octets that a name stands for: no two names have a sector in common. */
export function octetsNamed(name: string): Buffer {
  const size = Number(name.slice(name.lastIndexOf(':') + 1))
  const octets = Buffer.alloc(size)
  let state = crc32(name) | 1
  for (let at = 0; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    octets[at] = 33 + ((state >>> 8) % 94)
  }
  octets.write(`Subject: ${name}\r\n\r\n`.slice(0, size), 'latin1')
  return octets
}
