/** The hashes of a body for several signatures at once, computed while it arrives. RFC 6376 §3.5 (`bh=`, `l=`), §3.7. */

import { createHash } from 'node:crypto'
import { bodyCanonicaliser, type BodyCanonicaliser } from './canonical-body.ts'
import type { Canonicalization } from './canonical-header.ts'

/** What is to be hashed. */
export interface BodyHashRequest {
  readonly canonicalization: Canonicalization
  /** `l=`: canonical octets to hash. Absent: all. */
  readonly length?: number | undefined
}

/** SHA-256 of a body. */
export interface BodyHash {
  /** Base64; `undefined` when the body is shorter than `l=` says. */
  readonly digest: string | undefined
  /** Octets of the whole canonical body. */
  readonly total: number
}

/**
 * Hashes a body for any number of signatures: once for each canonicalisation, however many ask. A limit (`l=`) costs a
 * snapshot of the running hash, not a second one.
 */
export class BodyHasher {
  readonly #running: ReadonlyMap<Canonicalization, RunningHash>

  constructor(requests: readonly BodyHashRequest[]) {
    const limits = new Map<Canonicalization, number[]>()
    for (const { canonicalization, length } of requests) {
      const list = limits.get(canonicalization) ?? []
      limits.set(canonicalization, list)
      if (length !== undefined) list.push(length)
    }
    this.#running = new Map(
      [...limits].map(([canonicalization, lengths]) => [canonicalization, new RunningHash(canonicalization, lengths)]),
    )
  }

  /** The next octets of the body, with CRLF line ends. */
  push(slice: Uint8Array): void {
    for (const running of this.#running.values()) running.body.push(slice)
  }

  /** The body is over; answers the hash for each request that was given to the constructor. */
  finish(): (request: BodyHashRequest) => BodyHash {
    for (const running of this.#running.values()) running.finish()
    return ({ canonicalization, length }) => {
      const running = this.#running.get(canonicalization)
      if (running === undefined) throw new TypeError(`no ${canonicalization} body hash was asked for`)
      return { digest: length === undefined ? running.digest : running.snapshots.get(length), total: running.total }
    }
  }
}

class RunningHash {
  readonly #hash = createHash('sha256')
  /** Ascending, each once. */
  readonly #limits: readonly number[]
  #nextLimit = 0
  readonly body: BodyCanonicaliser
  readonly snapshots: Map<number, string> = new Map()
  total = 0
  digest: string | undefined

  constructor(canonicalization: Canonicalization, limits: readonly number[]) {
    this.#limits = [...new Set(limits)].sort((a, b) => a - b)
    this.body = bodyCanonicaliser(canonicalization, octets => this.#take(octets))
    this.#snapshot()
  }

  #take(octets: Uint8Array): void {
    let from = 0
    for (;;) {
      const limit = this.#limits[this.#nextLimit]
      const left = limit === undefined ? Infinity : limit - this.total
      const to = Math.min(octets.length, from + left)
      if (to > from) this.#hash.update(from === 0 && to === octets.length ? octets : octets.subarray(from, to))
      this.total += to - from
      from = to
      this.#snapshot()
      if (from === octets.length) return
    }
  }

  #snapshot(): void {
    if (this.#limits[this.#nextLimit] !== this.total) return
    this.snapshots.set(this.total, this.#hash.copy().digest('base64'))
    this.#nextLimit++
  }

  finish(): void {
    this.body.finish()
    this.digest = this.#hash.digest('base64')
  }
}
