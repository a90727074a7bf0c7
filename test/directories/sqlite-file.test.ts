/** The file of a SQLite directory: what it survives, what it refuses, who shares it. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Credentials } from 'mailwright/contracts'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import type { SqliteDirectory } from 'mailwright/directories/sqlite'
import { CHEAP, temporaryFolder } from './both.ts'

const folder = temporaryFolder()
const open = (path: string): SqliteDirectory => sqliteDirectory({ path, hashCost: CHEAP, busyTimeout: 10_000 })
const shows = (username: string, password: string): Credentials => ({ kind: 'password', username, password })

test('everything is still there when the file is opened again', async () => {
  const path = join(folder, 'kept.db')
  const before = open(path)
  await before.addDomain('example.org')
  const ann = await before.addAccount({
    address: 'ann@example.org',
    password: 'correct horse',
    displayName: 'Ann',
    quota: { octets: 2 ** 40 },
  })
  const secret = await before.addAppPassword('ann@example.org', 'phone', ['imap'])
  await before.setAlias('@example.org', ['ann@example.org', 'bob@example.net'])
  before.close()
  const after = open(path)
  assert.deepEqual(await after.accounts(), [ann])
  assert.deepEqual(await after.aliases(), [{ address: '@example.org', targets: ['ann@example.org', 'bob@example.net'] }])
  assert.equal((await after.verify(shows('ann@example.org', 'correct horse'), 'imap'))?.credential, 'password')
  assert.equal((await after.verify(shows('ann@example.org', secret), 'imap'))?.credential, 'phone')
  after.close()
})

test('no secret stands in the file, and the file is its owner’s alone (W7)', async () => {
  const path = join(folder, 'secrets.db')
  const directory = open(path)
  await directory.addDomain('example.org')
  await directory.addAccount({ address: 'ann@example.org', password: 'correct horse battery' })
  const secret = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
  for (const file of readdirSync(folder).filter(name => name.startsWith('secrets.db'))) {
    const octets = readFileSync(join(folder, file))
    assert.ok(!octets.includes('correct horse battery') && !octets.includes(secret), file)
    assert.equal(statSync(join(folder, file)).mode & 0o077, 0, file)
  }
  assert.ok(readFileSync(`${path}-wal`).includes('$argon2id$v=19$'))
  directory.close()
})

test('calls after close are told "unavailable"', async () => {
  const directory = open(join(folder, 'closed.db'))
  directory.close()
  directory.close()
  await assert.rejects(directory.serves('example.org'), { kind: 'unavailable' })
  await assert.rejects(directory.verify(shows('a@b.c', 'x'), 'imap'), { kind: 'unavailable' })
})

test('a file of something else, or of a later release, is refused by name', () => {
  const foreign = join(folder, 'foreign.db')
  const other = new DatabaseSync(foreign)
  other.exec('CREATE TABLE recipe (name TEXT)')
  other.close()
  assert.throws(() => open(foreign), { code: 'MW_DIRECTORY_FOREIGN' })

  const later = join(folder, 'later.db')
  open(later).close()
  const raised = new DatabaseSync(later)
  raised.exec('PRAGMA user_version = 99')
  raised.close()
  assert.throws(() => open(later), { code: 'MW_DIRECTORY_TOO_NEW' })

  const rubbish = join(folder, 'rubbish.db')
  writeFileSync(rubbish, 'this is no database, and long enough to look like one'.repeat(100))
  assert.throws(() => open(rubbish), { kind: 'corrupt' })

  assert.throws(() => open(join(folder, 'no', 'such', 'folder.db')), { kind: 'unavailable' })
})

test('a writer elsewhere makes a change wait, then "unavailable"; readers go on', async () => {
  const path = join(folder, 'busy.db')
  const directory = sqliteDirectory({ path, hashCost: CHEAP, busyTimeout: 20 })
  await directory.addDomain('example.org')
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(directory.addDomain('example.com'), { kind: 'unavailable' })
  assert.equal(await directory.serves('example.org'), true)
  other.exec('ROLLBACK')
  await directory.addDomain('example.com')
  other.close()
  directory.close()
})

test('a change by one process counts for the other at once, remembered passwords too', async () => {
  const path = join(folder, 'shared.db')
  const [one, two] = [open(path), open(path)]
  await one.addDomain('example.org')
  await one.addAccount({ address: 'ann@example.org', password: 'correct horse' })
  assert.notEqual(await two.verify(shows('ann@example.org', 'correct horse'), 'imap'), undefined)
  await one.setPassword('ann@example.org', 'battery staple')
  assert.equal(await two.verify(shows('ann@example.org', 'correct horse'), 'imap'), undefined)
  assert.notEqual(await two.verify(shows('ann@example.org', 'battery staple'), 'imap'), undefined)
  one.close()
  two.close()
})

test('four processes open a new file and write at the same time: each account once, none lost', async () => {
  const path = join(folder, 'raced.db')
  const script = join(import.meta.dirname, 'sqlite-writer.ts')
  const taken = await Promise.all(
    ['a', 'b', 'c', 'd'].map(
      letter =>
        new Promise<number>((resolve, reject) => {
          const child = fork(script, [path, letter], { execArgv: ['--conditions=mailwright-source'] })
          child.on('message', message => resolve(Number(message)))
          child.on('error', reject)
          child.on('exit', code => (code === 0 ? undefined : reject(new Error(`a writer ended with ${code}`))))
        }),
    ),
  )
  const directory = open(path)
  const accounts = await directory.accounts()
  // Twenty addresses that all four tried for, and ten of each one's own.
  assert.equal(accounts.length, 20 + 4 * 10)
  assert.equal(
    taken.reduce((sum, count) => sum + count, 0),
    20,
  )
  assert.equal(new Set(accounts.map(account => account.id)).size, accounts.length)
  directory.close()
})
