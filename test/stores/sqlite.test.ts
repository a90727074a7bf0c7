/** The SQLite store keeps every promise of the contract: the conformance kit, with and without a crash in between. */

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { mailStoreSuite } from 'mailwright/testing'
import type { MailStore } from 'mailwright/contracts'

const folders = new Map<MailStore, string>()

function openIn(folder: string, history?: number): MailStore {
  const store = sqliteStore({ path: folder, ...(history === undefined ? {} : { history }) })
  folders.set(store, folder)
  return store
}

async function drop(store: MailStore): Promise<void> {
  await store.close()
  rmSync(folders.get(store) ?? '', { recursive: true, force: true })
  folders.delete(store)
}

const cases = mailStoreSuite({
  make: () => Promise.resolve(openIn(mkdtempSync(join(tmpdir(), 'mailwright-sqlite-')))),
  async reopen(store) {
    // What the files say at this moment is what a killed process would have left.
    const copy = mkdtempSync(join(tmpdir(), 'mailwright-sqlite-'))
    cpSync(folders.get(store) ?? '', copy, { recursive: true })
    await drop(store)
    return openIn(copy)
  },
  dispose: drop,
})

for (const { name, run } of cases) test(name, run)

// A store that remembers few changes has to answer from what lives.
const forgetful = mailStoreSuite({
  make: () => Promise.resolve(openIn(mkdtempSync(join(tmpdir(), 'mailwright-sqlite-')), 10)),
  dispose: drop,
})

for (const { name, run } of forgetful.filter(each => /^I(?:20|24)\b/.test(each.name))) test(`with ten changes remembered: ${name}`, run)
