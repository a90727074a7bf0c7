/** Two ways into a store that is examined: as an application goes, and by the same rooms without the threads, ten times as fast. */

import type { MailAccount, Queue } from 'mailwright/contracts'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { prepareDatabase } from '../../../src/stores/sqlite/database.ts'
import { House } from '../../../src/stores/sqlite/house.ts'
import { inspect, type StoreProblem } from '../../../src/stores/sqlite/inspection.ts'
import { SqliteQueue } from '../../../src/stores/sqlite/queue-doors.ts'
import { SqliteAccount } from '../../../src/stores/sqlite/sqlite-account.ts'
import { clearStash } from '../../../src/stores/sqlite/stash.ts'
import { Writer } from '../../../src/stores/sqlite/writer.ts'
import { octetsNamed } from './story.ts'

/** The message that is delivered to see whether the store still takes mail. */
export const AFTER = 'after:500'

/** What is asked of a store. */
export interface Doors {
  readonly queue: Queue
  verify(): Promise<readonly string[]>
  accounts(): Promise<readonly string[]>
  open(account: string): Promise<MailAccount>
  /** Delivers {@link AFTER} to an account; answers the mailbox and the UID. */
  deliver(): Promise<readonly [string, number]>
  close(): Promise<void>
}

/** As an application goes. Throws what opening throws. */
export function frontDoors(path: string): Doors {
  const store = sqliteStore({ path, compactEvery: 0 })
  return {
    queue: store.queue,
    accounts: () => store.accounts(),
    open: account => store.open(account),
    close: () => store.close(),
    async verify() {
      const problems: string[] = []
      for await (const problem of store.verify({ deep: true })) problems.push(...told(problem))
      return problems
    },
    async deliver() {
      const octets = octetsNamed(AFTER)
      const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
      const message = { content, summary: new Uint8Array(), flags: [], internalDate: 0 }
      const [result] = await store.deliver([{ account: 'ann', message }])
      if (result?.ok !== true) throw result?.error ?? new Error('nothing was delivered')
      return [result.mailbox, result.uid]
    },
  }
}

/** The same steps on this thread. */
export function quickDoors(folder: string): Doors {
  prepareDatabase(folder, 5000)
  clearStash(folder)
  const options = { folder, busyTimeout: 5000, segmentSize: 1_000_000, history: 1000, minimumFree: 0, failpoint: undefined }
  const house = new House(options, 500)
  const queue = new SqliteQueue(house, {}, 500)
  return {
    queue,
    verify: () =>
      house.run(undefined, () =>
        [...inspect(house.sql, folder, true)].flatMap(found => (found.kind === 'problem' ? told(found.problem) : [])),
      ),
    accounts: () => house.run(undefined, () => house.sql.rows<[string]>('SELECT name FROM account').map(([name]) => name)),
    open: account => Promise.resolve(new SqliteAccount(account, house, undefined)),
    deliver: () =>
      house.run(undefined, () => {
        const writer = new Writer(options)
        try {
          const octets = octetsNamed(AFTER)
          const message = { content: 0, prefix: undefined, summary: '', flags: [], date: 0 }
          const targets = [{ account: 'ann', mailbox: undefined, quota: undefined, message }]
          const contents = [{ pieces: [octets], size: octets.length }]
          const [answer] = writer.run([{ id: 1, operation: { kind: 'deliver', contents, targets } }])
          if (answer?.outcome.ok !== true) throw new Error(answer?.outcome.failure.cause ?? answer?.outcome.failure.message)
          const [result] = answer.outcome.value as readonly { readonly ok: boolean; readonly mailbox: string; readonly uid: number }[]
          if (result?.ok !== true) throw new Error('nothing was delivered')
          return [result.mailbox, result.uid] as const
        } finally {
          writer.close()
        }
      }),
    async close() {
      await queue.close()
      await house.close()
    },
  }
}

/** A file that belongs to nothing is what the removal of a file leaves that was not synced. */
function told({ kind, text }: StoreProblem): readonly string[] {
  return kind === 'stray-file' ? [] : [`verify: ${text}`]
}
