/** The queue of the SQLite store keeps every promise of the contract: the conformance kit, with and without a crash in between. */

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Queue } from 'mailwright/contracts'
import { sqliteStore, type SqliteStore } from 'mailwright/stores/sqlite'
import { queueSuite, type QueueSetting, type TestableQueue } from 'mailwright/testing'

const stores = new Map<Queue, { readonly store: SqliteStore; readonly folder: string }>()

function openIn(folder: string, queue: QueueSetting): SqliteStore {
  const store = sqliteStore({ path: folder, queue, compactEvery: 0 })
  stores.set(store.queue, { store, folder })
  return store
}

async function drop({ queue }: TestableQueue): Promise<void> {
  const found = stores.get(queue)
  await found?.store.close()
  if (found !== undefined) rmSync(found.folder, { recursive: true, force: true })
  stores.delete(queue)
}

const cases = queueSuite({
  make: setting => Promise.resolve(openIn(mkdtempSync(join(tmpdir(), 'mailwright-queue-')), setting)),
  async reopen(tried, setting) {
    // What the files say at this moment is what a killed process would have left.
    const copy = mkdtempSync(join(tmpdir(), 'mailwright-queue-'))
    cpSync(stores.get(tried.queue)?.folder ?? '', copy, { recursive: true })
    await drop(tried)
    return openIn(copy, setting)
  },
  dispose: drop,
})

for (const { name, run } of cases) test(name, run)
