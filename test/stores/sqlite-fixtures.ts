/** What the tests of the SQLite store share: folders that go away, messages that can be checked. */

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ALL_UIDS, type MailboxId, type MailStore, type NewMessage } from 'mailwright/contracts'
import { sqliteStore, type SqliteStore, type SqliteStoreOptions, type StoreProblem } from 'mailwright/stores/sqlite'

/** An empty folder that is removed when the test ends. */
export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-sqlite-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A store that is closed when the test ends. */
export function storeIn(t: TestContext, path: string, options: Omit<SqliteStoreOptions, 'path'> = {}): SqliteStore {
  const store = sqliteStore({ path, ...options })
  t.after(() => store.close())
  return store
}

/** Octets of a message that carries its own name and hash, so that whoever reads it can tell whether it is whole. */
export function octetsOf(name: string, size: number = 1000): Uint8Array {
  const body = `${name}\r\n`.repeat(Math.ceil(size / (name.length + 2))).slice(0, size)
  const hash = createHash('sha256').update(body).digest('hex')
  return new TextEncoder().encode(`Subject: ${name}\r\nX-Hash: ${hash}\r\n\r\n${body}`)
}

/** The name of a whole message; `undefined` when it is damaged. */
export function nameOf(octets: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(octets)
  const [, name, hash, body = ''] = /^Subject: (.*)\r\nX-Hash: (.*)\r\n\r\n([^]*)$/.exec(text) ?? []
  return createHash('sha256').update(body).digest('hex') === hash ? name : undefined
}

/** A new message. */
export function message(octets: Uint8Array, more: Partial<NewMessage> = {}): NewMessage {
  return {
    content: { size: octets.length, read: (start, end) => octets.subarray(start, end) },
    summary: new TextEncoder().encode('summary'),
    flags: [],
    internalDate: 1_700_000_000_000,
    ...more,
  }
}

/** The inbox of an account. */
export async function inboxOf(store: MailStore, account: string = 'ann'): Promise<MailboxId> {
  const boxes = await (await store.open(account)).mailboxes()
  return boxes.find(({ name }) => name === 'INBOX')?.id ?? ''
}

/** The names of all messages in an inbox; throws at one that is damaged. */
export async function namesIn(store: MailStore, account: string = 'ann'): Promise<readonly string[]> {
  const box = (await store.open(account)).mailbox(await inboxOf(store, account))
  const names: string[] = []
  for await (const page of box.records(ALL_UIDS, ['source'])) {
    for (const { uid, source } of page) {
      const name = source === undefined ? undefined : nameOf(await source.read(0, source.size))
      if (name === undefined) throw new Error(`message ${uid} is damaged`)
      names.push(name)
    }
  }
  return names
}

/** All problems that an inspection finds. */
export async function problemsOf(store: SqliteStore, deep: boolean = true): Promise<readonly StoreProblem[]> {
  const problems: StoreProblem[] = []
  for await (const problem of store.verify({ deep })) problems.push(problem)
  return problems
}
