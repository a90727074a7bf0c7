/** A message as its checks read it: the header whole, the body once, in slices between which others are served. RFC 5322 §2.1; S18. */

import type { MessageSource } from '../../contracts/index.ts'
import { BodyHasher, readSignableHeader, headerLength } from '../../dkim/index.ts'
import type { BodyHash, BodyHashRequest, SignableField } from '../../dkim/index.ts'
import { latin1Text } from '../../bytes/ascii.ts'

/** A header, and where the body begins. */
export interface ReadHeader {
  /** Octets as characters. */
  readonly text: string
  readonly fields: readonly SignableField[]
  readonly bodyStart: number
}

const FIRST_READ = 32 * 1024
/** The server's own limit is 256 KiB; whoever uses this without it is not held up by more. */
const LONGEST_HEADER = 512 * 1024
const SLICE = 64 * 1024
/** Octets that are hashed before others have their turn: a millisecond or so, of the worst kind of body two. */
const TURN = 128 * 1024

/** Reads the header; `undefined` when it has no end within the limit. */
export async function readMessageHeader(source: MessageSource): Promise<ReadHeader | undefined> {
  let octets = await source.read(0, Math.min(source.size, FIRST_READ))
  let length = headerLength(octets)
  if (length === octets.length && octets.length < source.size) {
    octets = await source.read(0, Math.min(source.size, LONGEST_HEADER))
    length = headerLength(octets)
    if (length === octets.length && octets.length < source.size) return undefined
  }
  const { fields, bodyStart } = readSignableHeader(octets)
  return { text: latin1Text(octets, 0, length), fields, bodyStart }
}

/** Hashes a body for all signatures at once; throws the signal's reason when it fires meanwhile. */
export async function hashBody(
  source: MessageSource,
  bodyStart: number,
  requests: readonly BodyHashRequest[],
  signal: AbortSignal,
): Promise<(request: BodyHashRequest) => BodyHash> {
  const hasher = new BodyHasher(requests)
  let turn = 0
  for (let at = bodyStart; at < source.size && requests.length > 0; at += SLICE) {
    const slice = source.read(at, Math.min(source.size, at + SLICE))
    hasher.push(slice instanceof Uint8Array ? slice : await slice)
    turn += SLICE
    if (turn < TURN) continue
    turn = 0
    await anotherTurn()
    signal.throwIfAborted()
  }
  return hasher.finish()
}

/** Lets timers and sockets have their turn. */
export function anotherTurn(): Promise<void> {
  return new Promise(resolve => void setImmediate(resolve))
}
