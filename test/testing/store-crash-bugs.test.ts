import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { MailStore } from 'mailwright/contracts'
import { type ConformanceCase, mailStoreSuite } from 'mailwright/testing'
import { journalStore } from '../../examples/custom-store.ts'

const root = mkdtempSync(join(tmpdir(), 'mailwright-crash-bugs-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** The cases of a store whose journals suffer this when it crashes. */
function crashCases(suffer: (journal: string) => void): readonly ConformanceCase[] {
  const folders = new Map<MailStore, string>()
  const open = (folder: string): MailStore => {
    const store = journalStore(folder)
    folders.set(store, folder)
    return store
  }
  const factory = {
    make: async () => open(mkdtempSync(join(root, 'store-'))),
    reopen: async (store: MailStore) => {
      const copy = mkdtempSync(join(root, 'crashed-'))
      cpSync(folders.get(store) ?? '', copy, { recursive: true })
      for (const name of readdirSync(copy)) suffer(join(copy, name))
      await store.close()
      return open(copy)
    },
  }
  const powers = ['usage', 'move', 'vanishedSince', 'emailId'] as const
  return mailStoreSuite(factory, { powers, many: 100, histories: 0 }).filter(({ name }) => /crash/i.test(name))
}

function lines(journal: string): readonly string[] {
  return readFileSync(journal, 'utf8').split('\n').slice(0, -1)
}

async function failures(cases: readonly ConformanceCase[]): Promise<readonly string[]> {
  const failed: string[] = []
  for (const { name, run } of cases) await run().catch(() => failed.push(name))
  return failed
}

test('a crash that leaves half of a line behind loses nothing', async () => {
  const cases = crashCases(journal => appendFileSync(journal, '{"method":"create","args":["ha'))
  assert.equal(cases.length, 3)
  assert.deepEqual(await failures(cases), [])
})

const bugs: Readonly<Record<string, (journal: string) => void>> = {
  'the last change was acknowledged before it was written': journal =>
    writeFileSync(
      journal,
      lines(journal)
        .slice(0, -1)
        .map(line => `${line}\n`)
        .join(''),
    ),
  'expunged messages come back': journal =>
    writeFileSync(
      journal,
      lines(journal)
        .filter(line => !line.includes('"method":"expunge"'))
        .map(line => `${line}\n`)
        .join(''),
    ),
  'changes of flags are not written down': journal =>
    writeFileSync(
      journal,
      lines(journal)
        .filter(line => !line.includes('"method":"flag"'))
        .map(line => `${line}\n`)
        .join(''),
    ),
  'removed mailboxes are forgotten, so that their numbers come again': journal => {
    const gone = lines(journal).filter(line => line.includes('"method":"remove"')).length
    const kept = lines(journal).filter(line => gone === 0 || !/"method":"(?:remove|create)"/.test(line))
    writeFileSync(journal, kept.map(line => `${line}\n`).join(''))
  },
}

for (const [bug, suffer] of Object.entries(bugs)) {
  test(`the kit sees after a crash that ${bug}`, async () => {
    assert.notDeepEqual(await failures(crashCases(suffer)), [])
  })
}
