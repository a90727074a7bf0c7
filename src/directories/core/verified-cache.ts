/** Remembers for a short while which passwords were right, so that a client that logs in every minute pays for one hash. */

import { createHmac, randomBytes } from 'node:crypto'

const MAX_ENTRIES = 10_000

/**
 * Keeps keyed digests only, under a key that dies with the process: neither a password nor anything that could be tried
 * offline is in it. The stored hash is part of each digest, so a changed password is forgotten at once, whoever changed it.
 */
export class VerifiedCache {
  readonly #key = randomBytes(32)
  readonly #until = new Map<string, number>()
  readonly #ttl: number

  /** `ttl` in milliseconds; 0 remembers nothing. */
  constructor(ttl: number) {
    this.#ttl = ttl
  }

  has(storedHash: string, password: string): boolean {
    if (this.#until.size === 0) return false
    const digest = this.#digest(storedHash, password)
    const until = this.#until.get(digest)
    if (until === undefined) return false
    if (performance.now() < until) return true
    this.#until.delete(digest)
    return false
  }

  add(storedHash: string, password: string): void {
    if (this.#ttl <= 0) return
    // The oldest entry goes first: a map keeps the order in which its entries were added.
    if (this.#until.size >= MAX_ENTRIES)
      for (const oldest of this.#until.keys()) {
        this.#until.delete(oldest)
        break
      }
    this.#until.set(this.#digest(storedHash, password), performance.now() + this.#ttl)
  }

  #digest(storedHash: string, password: string): string {
    // A PHC string has no NUL, so the two parts cannot run into each other.
    return createHmac('sha256', this.#key).update(`${storedHash}\0${password}`).digest('base64')
  }
}
