/** The suppression list of a SQLite store: a table, written by the same writer as all else. */

import { setImmediate } from 'node:timers/promises'
import type { CallOptions } from '../../contracts/call.ts'
import type { Suppression, SuppressionList } from '../../contracts/queue.ts'
import { suppressionKey } from '../../outbound/queue/suppression-key.ts'
import type { House } from './house.ts'
import type { QueueTask } from './queue-task.ts'

/** Addresses read at a time. */
const PAGE = 500

type Row = readonly [address: string, reason: Suppression['reason'], since: number, text: string | null]

function entryOf([address, reason, since, text]: Row): Suppression {
  return { address, reason, since, ...(text === null ? {} : { text }) }
}

/** The list. */
export class SqliteSuppressions implements SuppressionList {
  readonly #house: House

  constructor(house: House) {
    this.#house = house
  }

  #task(task: QueueTask, options: CallOptions | undefined): Promise<void> {
    return this.#house.run(options, () => this.#house.write<undefined>({ kind: 'queue', contents: [], task }))
  }

  suppress(entry: Suppression, options?: CallOptions): Promise<void> {
    return this.#task({ kind: 'suppress', entry: { ...entry, address: suppressionKey(entry.address) } }, options)
  }

  unsuppress(address: string, options?: CallOptions): Promise<void> {
    return this.#task({ kind: 'unsuppress', address: suppressionKey(address) }, options)
  }

  suppressed(addresses: readonly string[], options?: CallOptions): Promise<readonly Suppression[]> {
    return this.#house.run(options, async () => {
      // Most lists are short, and most servers have none.
      if (this.#house.sql.row('SELECT 1 FROM suppression LIMIT 1') === undefined) return []
      const asked = [...new Set(addresses)]
      const found: Suppression[] = []
      for (let at = 0; at < asked.length; at += PAGE) {
        if (at > 0) await setImmediate()
        found.push(...this.#among(asked.slice(at, at + PAGE)))
      }
      return found
    })
  }

  #among(addresses: readonly string[]): readonly Suppression[] {
    return addresses.flatMap(address => {
      const row = this.#house.sql.row<Row>(
        'SELECT address, reason, since, text FROM suppression WHERE address = ?',
        suppressionKey(address),
      )
      return row === undefined ? [] : [{ ...entryOf(row), address }]
    })
  }

  async *suppressions(options?: CallOptions): AsyncIterable<Suppression> {
    for (let after = ''; ;) {
      const from = after
      const rows = await this.#house.run(options, () =>
        this.#house.sql.rows<Row>(
          'SELECT address, reason, since, text FROM suppression WHERE address > ? ORDER BY address LIMIT +?',
          from,
          PAGE,
        ),
      )
      for (const row of rows) yield entryOf(row)
      const last = rows.at(-1)
      if (rows.length < PAGE || last === undefined) return
      after = last[0]
    }
  }
}
