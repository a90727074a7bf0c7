import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { MailStore } from 'mailwright/contracts'
import { mailStoreSuite } from 'mailwright/testing'
import { journalStore } from '../../examples/custom-store.ts'

const root = mkdtempSync(join(tmpdir(), 'mailwright-custom-store-'))
after(() => rmSync(root, { recursive: true, force: true }))

const folders = new Map<MailStore, string>()

function open(folder: string): MailStore {
  const store = journalStore(folder)
  folders.set(store, folder)
  return store
}

const factory = {
  make: async () => open(mkdtempSync(join(root, 'store-'))),
  // What a crash leaves is what the files hold at that moment; the old store goes on writing elsewhere, and is forgotten.
  reopen: async (store: MailStore) => {
    const copy = mkdtempSync(join(root, 'crashed-'))
    cpSync(folders.get(store) ?? '', copy, { recursive: true })
    await store.close()
    return open(copy)
  },
  dispose: (store: MailStore) => store.close(),
}

const options = { powers: ['usage', 'move', 'vanishedSince', 'emailId'], many: 5000, histories: 4 } as const
for (const { name, run } of mailStoreSuite(factory, options)) test(`examples/custom-store: ${name}`, run)
