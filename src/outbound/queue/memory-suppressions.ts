/** A suppression list that forgets on exit. */

import type { Suppression, SuppressionList } from '../../contracts/queue.ts'
import { suppressionKey } from './suppression-key.ts'

/**
 * A suppression list in memory, for tests and beside {@link memoryQueue}.
 *
 * @example
 * ```ts
 * import { memorySuppressions } from 'mailwright/outbound'
 *
 * const list = memorySuppressions()
 * await list.suppress({ address: 'gone@example.org', reason: 'hard-bounce', since: Date.now() })
 * ```
 */
export function memorySuppressions(): SuppressionList {
  const entries = new Map<string, Suppression>()
  return {
    async suppress(entry) {
      const address = suppressionKey(entry.address)
      entries.set(address, Object.freeze({ ...entry, address }))
    },
    async unsuppress(address) {
      entries.delete(suppressionKey(address))
    },
    async suppressed(addresses) {
      return [...new Set(addresses)].flatMap(address => {
        const entry = entries.get(suppressionKey(address))
        return entry === undefined ? [] : [{ ...entry, address }]
      })
    },
    async *suppressions() {
      yield* [...entries.values()].sort((one, other) => (one.address < other.address ? -1 : 1))
    },
  }
}
