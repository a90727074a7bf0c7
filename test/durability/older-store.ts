/** Stores as earlier releases left them, with mail in them, and what can be seen of their mail. */

import { createHash } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ALL_UIDS, type ModSeq, type Uid, type UidRange } from 'mailwright/contracts'
import { sqliteStore, type SqliteStore } from 'mailwright/stores/sqlite'
import { APPLICATION_ID, STEPS } from '../../src/stores/sqlite/schema.ts'
import { inboxOf, message, octetsOf } from '../stores/sqlite-fixtures.ts'

/** Makes a store with two accounts and all that mail can have. */
export async function fillWithMail(folder: string): Promise<void> {
  const store = sqliteStore({ path: folder, segmentSize: 100_000 })
  const prefix = new TextEncoder().encode('Delivered-To: bob\r\n')
  const ann = await store.open('ann')
  const inbox = ann.mailbox(await inboxOf(store))
  for (let at = 0; at < 40; at++) {
    await inbox.append([
      message(octetsOf(`mail-${at}`, 200 + 300 * at), { flags: [at % 2 === 0 ? '\\Seen' : '$Forwarded', `word${at % 5}`] }),
    ])
  }
  const shared = message(octetsOf('to both', 150_000))
  await store.deliver([
    { account: 'ann', message: shared },
    { account: 'bob', message: message(octetsOf('to both', 150_000), { prefix }) },
  ])
  const uid = (first: number, last: number = first): readonly UidRange[] => [{ first: first as Uid, last: last as Uid }]
  const work = await ann.create('Work')
  await inbox.copy(uid(1, 10), work.id)
  await inbox.flag(uid(5, 8), { kind: 'set', flags: ['\\Deleted', '\\Flagged'] })
  await inbox.expunge(uid(6, 7))
  await inbox.expunge(uid(40))
  await ann.subscribe('Work')
  await store.close()
}

/** Adds what waits to go out, and an address that gets nothing more. */
export async function fillQueue(folder: string): Promise<void> {
  const store = sqliteStore({ path: folder })
  const { content } = message(octetsOf('queued'))
  await store.queue.enqueue({
    from: 'ann@example.org',
    origin: 'api',
    envelopeId: 'q',
    recipients: [{ address: 'eve@example.net' }],
    content,
  })
  await store.suppressions.suppress({ address: 'gone@example.org', reason: 'hard-bounce', since: 1 })
  await store.close()
}

/** Makes in `to` the store of an earlier version that has the rows of the one in `from`. */
export function takeBack(from: string, to: string, version: number): void {
  cpSync(join(from, 'segments'), join(to, 'segments'), { recursive: true })
  const database = new DatabaseSync(join(to, 'mail.sqlite'))
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${APPLICATION_ID}`)
  database.exec('CREATE TABLE schema (version INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT')
  for (const [at, step] of STEPS.slice(0, version).entries()) {
    for (const statement of step) database.exec(statement)
    database.exec(`INSERT INTO schema VALUES (${at + 1}, 1)`)
  }
  database.prepare('ATTACH ? AS later').run(join(from, 'mail.sqlite'))
  const names = (text: string): string[] =>
    database
      .prepare(text)
      .all()
      .map(({ name }) => String(name))
  // What was there before and is not any more: no sum of it is asked for by what came later.
  const gone: Readonly<Record<string, string>> = { hash: 'randomblob(32)', hash_key: 'abs(random()) % 281474976710656' }
  for (const table of names(`SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name <> 'schema'`)) {
    const columns = names(`SELECT name FROM pragma_table_info('${table}', 'main')`)
    const values = columns.map(column => gone[column] ?? column).join(', ')
    const known = table === 'counter' && version < 3 ? `WHERE name NOT GLOB 'queue-*'` : ''
    database.exec(
      `DELETE FROM main.${table}; INSERT INTO main.${table} (${columns.join(', ')}) SELECT ${values} FROM later.${table} ${known}`,
    )
  }
  database.exec('DELETE FROM main.sqlite_sequence')
  database.exec(`INSERT INTO main.sqlite_sequence SELECT * FROM later.sqlite_sequence WHERE name IN (SELECT name FROM main.sqlite_schema)`)
  database.close()
}

/** Everything of a store's mail that its users can see, a line for each mailbox and message. */
export async function seenIn(store: SqliteStore): Promise<readonly string[]> {
  const seen: string[] = []
  for (const account of await store.accounts()) {
    const opened = await store.open(account)
    seen.push(JSON.stringify([account, await opened.subscriptions()]))
    for (const { id, name } of await opened.mailboxes()) {
      const box = opened.mailbox(id)
      seen.push(JSON.stringify([account, id, name, await box.status(), await box.vanishedSince?.(0 as ModSeq)]))
      for await (const page of box.records(ALL_UIDS, ['summary', 'source', 'emailId'])) {
        for (const { source, summary, flags, ...rest } of page) {
          const octets = source === undefined ? '' : await source.read(0, source.size)
          const sum = createHash('sha256').update(octets).digest('hex')
          seen.push(JSON.stringify({ ...rest, flags: [...flags].sort(), sum, summary: new TextDecoder().decode(summary) }))
        }
      }
    }
  }
  return seen
}
