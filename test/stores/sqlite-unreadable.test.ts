/** Calls to the disk that fail beside what is written: reading, letting go, telling. They refuse one caller at most, in words that help. */

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ALL_UIDS, MailError, type SpooledMessage } from 'mailwright/contracts'
import { fileSpool, sqliteStore } from 'mailwright/stores/sqlite'
import { ChangeFeed } from '../../src/stores/sqlite/change-feed.ts'
import { KeywordSets } from '../../src/stores/sqlite/flag-bits.ts'
import { inspect } from '../../src/stores/sqlite/inspection.ts'
import { type Row, Sql } from '../../src/stores/sqlite/sql.ts'
import { folderOf, inboxOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'

const saysWhatToDo = (error: unknown): boolean => error instanceof MailError && /check the disk/.test(error.message)

async function spooled(directory: string): Promise<SpooledMessage> {
  const writer = fileSpool({ directory, memoryLimit: 10 }).begin()
  await writer.write(octetsOf('large'))
  return writer.finish()
}

/** A folder in its place: to remove or to read it as a file fails. */
function spoil(path: string): void {
  rmSync(path)
  mkdirSync(path)
}

test('a spooled message that cannot be removed is let go of all the same', async t => {
  const directory = folderOf(t)
  const held = await spooled(directory)
  spoil(held.file?.path ?? '')
  assert.doesNotThrow(() => held.dispose())

  const another = folderOf(t)
  const writer = fileSpool({ directory: another, memoryLimit: 10 }).begin()
  await writer.write(octetsOf('large', 400_000))
  const [name = ''] = readdirSync(another)
  spoil(join(another, name))
  writer.discard()
  // What fails behind it would end the process, and this test with it.
  await new Promise(setImmediate)
})

test('a spooled message that cannot be read says what to do', async t => {
  const held = await spooled(folderOf(t))
  rmSync(held.file?.path ?? '')
  assert.throws(() => held.read(0, 10), saysWhatToDo)
})

test('a message that cannot be read says what to do, and verify does not call it lost', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await store.deliver([{ account: 'ann', message: message(octetsOf('one')) }])
  await store.close()
  const segment = join(folder, 'segments', '00000001.seg')
  rmSync(segment)
  symlinkSync(segment, segment)
  const again = storeIn(t, folder)
  const box = (await again.open('ann')).mailbox(await inboxOf(again))
  for await (const [record] of box.records(ALL_UIDS, ['source'])) assert.throws(() => record?.source?.read(0, 10), saysWhatToDo)
  const [problem] = await problemsOf(again)
  assert.match(problem?.text ?? '', /cannot be opened \(ELOOP.*\): 1 contents cannot be read; check the disk/)
})

test('a message whose file cannot be read is refused alone', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, join(folder, 'mail'))
  // Opens like a file, and says EISDIR when it is read.
  const content = { size: 300_000, read: () => new Uint8Array(), file: { path: folder, start: 0 } }
  const input = message(octetsOf('none'), { content })
  await assert.rejects(store.deliver([{ account: 'ann', message: input }]), saysWhatToDo)
  await store.deliver([{ account: 'ann', message: message(octetsOf('next')) }])
  assert.deepEqual(await namesIn(store), ['next'])
})

test('changes that could not be read are told by a later look, each once and in order', t => {
  const folder = folderOf(t)
  const store = sqliteStore({ path: folder })
  t.after(() => store.close())
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  t.after(() => database.close())
  let fails = false
  const sql = new (class extends Sql {
    override rows<T extends Row = Row>(...asked: Parameters<Sql['rows']>): readonly T[] {
      if (fails) throw new Error('disk I/O error')
      return super.rows<T>(...asked)
    }
  })(database)
  const other = new DatabaseSync(join(folder, 'mail.sqlite'))
  t.after(() => other.close())
  other.exec("INSERT INTO account (name, modseq) VALUES ('ann', 0); INSERT INTO writer (seen) VALUES (0)")
  const feed = new ChangeFeed(sql, new KeywordSets(sql), 3_600_000)
  t.after(() => feed.close())
  const told: string[] = []
  feed.watch('ann', change => told.push('name' in change ? change.name : change.kind))
  const subscribe = (name: string): void =>
    other.exec(`BEGIN; UPDATE account SET modseq = modseq + 1;
      INSERT INTO change (account, modseq, part, mailbox, kind, detail) SELECT id, modseq, 0, 0, 'subscribed', '{"name":"${name}"}' FROM account;
      UPDATE writer SET commits = commits + 1; COMMIT`)
  subscribe('one')
  fails = true
  assert.doesNotThrow(() => feed.look())
  subscribe('two')
  feed.tell({ account: 'ann', change: { kind: 'subscribed', modSeq: 3 as never, name: 'three' } })
  assert.deepEqual(told, [])
  fails = false
  feed.look()
  assert.deepEqual(told, ['one', 'two'])
})

test('a row whose commit fails has no number', t => {
  const database = new DatabaseSync(':memory:')
  t.after(() => database.close())
  database.exec(
    'PRAGMA foreign_keys = ON; CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)',
  )
  const sql = new Sql(database)
  assert.throws(() => sql.insert('INSERT INTO a (b) VALUES (?)', 99))
  assert.equal(sql.insert('INSERT INTO a (b) VALUES (?)', null), 1)
})

test('a backup takes no notice of what an earlier one left, and leaves nothing of the kind', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, join(folder, 'mail'))
  await store.deliver([{ account: 'ann', message: message(octetsOf('one')) }])
  const copy = join(folder, 'copy')
  mkdirSync(copy)
  for (const ending of ['', '-wal', '-shm', '-journal']) writeFileSync(join(copy, `mail.sqlite.part${ending}`), 'half of something')
  await store.backup(copy)
  assert.deepEqual(readdirSync(copy).sort(), ['mail.sqlite', 'segments'])
  assert.deepEqual(await namesIn(storeIn(t, copy)), ['one'])
})

test('a backup that fails at its end can be made again in the same place', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, join(folder, 'mail'))
  await store.deliver([{ account: 'ann', message: message(octetsOf('one')) }])
  const copy = join(folder, 'copy')
  // The name that it is to get is taken, in a way that a look at what is there does not see.
  mkdirSync(copy)
  symlinkSync(join(copy, 'nowhere', 'at', 'all'), join(copy, 'segments'))
  await assert.rejects(store.backup(copy), MailError)
  rmSync(join(copy, 'segments'))
  await store.backup(copy)
  assert.deepEqual(await namesIn(storeIn(t, copy)), ['one'])
})

test('verify does not take for damage what could not be read', t => {
  const folder = folderOf(t)
  const store = sqliteStore({ path: folder })
  t.after(() => store.close())
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  t.after(() => database.close())
  const sql = new (class extends Sql {
    override rows<T extends Row = Row>(...asked: Parameters<Sql['rows']>): readonly T[] {
      if (asked[0] !== 'PRAGMA quick_check') return super.rows<T>(...asked)
      const told = ['*** in database main ***\nTree 6 page 6: unable to get the page. error code=8458', 'wrong # of entries in index x']
      return told.map(text => [text]) as unknown as readonly T[]
    }
  })(database)
  const problems = [...inspect(sql, folder, false)].flatMap(finding => (finding.kind === 'problem' ? [finding.problem.text] : []))
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /could not be read as a whole .* check the disk/)
})
