/** What goes wrong below the store: a full disk, a failing disk, a folder that cannot be opened. Nothing acknowledged is lost. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ALL_UIDS, ConfigurationError, MailError, type Uid } from 'mailwright/contracts'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { SCHEMA_VERSION } from '../../src/stores/sqlite/schema.ts'
import { requireProgram, skipUnlessCi } from '../support/programs.ts'
import { folderOf, inboxOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'

const [, , role, path = '', ledger = ''] = process.argv

if (role === 'until-refused') await deliverUntilRefused()
else if (role === undefined) defineTests()

/** The child under strace: one fsync fails; from then on nothing may be acknowledged. */
async function deliverUntilRefused(): Promise<void> {
  const store = sqliteStore({ path })
  const told: string[] = []
  for (let at = 0; at < 60; at++) {
    const [result] = await store
      .deliver([{ account: 'ann', message: message(octetsOf(`m${at}`)) }])
      .catch((error: unknown) => [{ ok: false, error }])
    told.push(result?.ok === true ? `ok m${at}` : 'refused')
  }
  writeFileSync(ledger, told.join('\n'))
  process.exit(0)
}

function tmpfs(t: TestContext, size: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-small-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status === 0
  if (!mounted) {
    rmSync(folder, { recursive: true })
    skipUnlessCi(t, 'a small file system cannot be mounted here: needs Linux and root')
    return undefined
  }
  t.after(() => {
    spawnSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}

function isNoSpace(error: unknown): boolean {
  return error instanceof MailError && error.kind === 'no-space'
}

function defineTests(): void {
  for (const minimumFree of [0, 600_000]) {
    test(`a full disk refuses new mail, keeps what was acknowledged, and needs no restart (${minimumFree} octets kept free)`, async t => {
      const folder = tmpfs(t, '8m')
      if (folder === undefined) return
      const store = storeIn(t, join(folder, 'mail'), { minimumFree })
      const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
      const acknowledged: string[] = []
      let refused = 0
      for (let at = 0; at < 2000 && refused < 20; at++) {
        const name = `m${at}`
        try {
          const [result] = await store.deliver([{ account: 'ann', message: message(octetsOf(name, 20_000)) }])
          assert.ok(result?.ok === true)
          acknowledged.push(name)
        } catch (error) {
          assert.ok(isNoSpace(error), String(error))
          refused++
        }
      }
      assert.equal(refused, 20)
      assert.ok(acknowledged.length > 50)
      assert.deepEqual(await namesIn(store), acknowledged, 'reading works, nothing half is visible')
      if (minimumFree > 0) await inbox.expunge([{ first: 1 as Uid, last: 10 as Uid }])
      // Space returns: somebody removes something else.
      assert.equal(spawnSync('mount', ['-o', 'remount,size=16m', folder]).status, 0)
      const [result] = await store.deliver([{ account: 'ann', message: message(octetsOf('again')) }])
      assert.equal(result?.ok, true)
      assert.deepEqual(await namesIn(store), [...acknowledged.slice(minimumFree > 0 ? 10 : 0), 'again'])
      assert.deepEqual(await problemsOf(store), [])
      await store.close()
    })
  }

  test('moving the log into the database leaves room for removing mail, also while somebody reads', async t => {
    const folder = tmpfs(t, '8m')
    if (folder === undefined) return
    const store = storeIn(t, join(folder, 'mail'))
    const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
    const summary = new Uint8Array(3000).fill(1)
    for (let at = 0, refused = 0; refused < 5; at++) {
      const deliveries = Array.from({ length: 20 }, (_, n) => ({
        account: 'ann',
        message: message(octetsOf(`m${at}-${n}`, 100), { summary }),
      }))
      await store.deliver(deliveries).catch((error: unknown) => {
        assert.ok(isNoSpace(error), String(error))
        refused++
      })
    }
    // A reader's snapshot keeps the log from being begun anew after it was moved, so the next change makes it longer.
    const reader = new DatabaseSync(join(folder, 'mail', 'mail.sqlite'), { readOnly: true })
    t.after(() => reader.close())
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM content').get()
    const before = statSync(join(folder, 'mail', 'mail.sqlite')).size
    while (statSync(join(folder, 'mail', 'mail.sqlite')).size === before) await sleep(20)
    await sleep(50)
    assert.deepEqual(await inbox.expunge([{ first: 1 as Uid, last: 10 as Uid }]), [{ first: 1, last: 10 }])
    await store.close()
  })

  for (const call of ['fsync', 'fdatasync']) {
    test(
      `after the first ${call} that fails nothing is acknowledged until the store is opened again`,
      { skip: requireProgram('strace') },
      async t => {
        const folder = folderOf(t)
        const prepared = sqliteStore({ path: join(folder, 'mail') })
        await prepared.open('ann')
        await prepared.close()
        const book = join(folder, 'ledger')
        const inject = `inject=${call}:error=EIO:when=12`
        const node = [process.execPath, '--conditions=mailwright-source', import.meta.filename, 'until-refused', join(folder, 'mail'), book]
        const run = spawnSync('strace', ['-f', '-qq', '-o', join(folder, 'trace'), '-e', `trace=${call}`, '-e', inject, ...node])
        if (run.status !== 0 && /ptrace/i.test(String(run.stderr))) {
          skipUnlessCi(t, 'strace may not trace here')
          return
        }
        assert.equal(run.status, 0, String(run.stderr))
        const told = readFileSync(book, 'utf8').split('\n')
        const firstRefused = told.indexOf('refused')
        assert.ok(firstRefused > 0, `some were acknowledged, then not: ${told.join(' ')}`)
        assert.ok(
          told.slice(firstRefused).every(line => line === 'refused'),
          'fail-stop',
        )
        const store = storeIn(t, join(folder, 'mail'))
        const names = await namesIn(store)
        for (const line of told.slice(0, firstRefused)) assert.ok(names.includes(line.slice(3)), `${line} is there`)
        assert.deepEqual(await problemsOf(store), [])
      },
    )
  }

  test('a newer schema is refused with what to do, and not touched', t => {
    const folder = folderOf(t)
    void sqliteStore({ path: folder }).close()
    const database = new DatabaseSync(join(folder, 'mail.sqlite'))
    database.exec('INSERT INTO schema VALUES (999, 0)')
    database.close()
    assert.throws(
      () => sqliteStore({ path: folder }),
      (error: unknown) =>
        error instanceof ConfigurationError && error.code === 'MW_STORE_NEWER' && /install the release/.test(error.message),
    )
  })

  test('an older schema is brought up to date, its mail stays', async t => {
    const folder = folderOf(t)
    const old = sqliteStore({ path: folder })
    await old.deliver([{ account: 'ann', message: message(octetsOf('old')) }])
    await old.close()
    const database = new DatabaseSync(join(folder, 'mail.sqlite'))
    const later = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND (name GLOB 'queue_*' OR name = 'suppression')")
      .all()
    for (const { name } of later) database.exec(`DROP TABLE ${String(name)}`)
    database.exec("ALTER TABLE content RENAME COLUMN key TO hash_key; ALTER TABLE content ADD COLUMN hash BLOB NOT NULL DEFAULT x'00'")
    database.exec("DROP INDEX content_segment; DELETE FROM counter WHERE name GLOB 'queue-*'; DELETE FROM schema WHERE version > 1")
    database.close()
    const store = storeIn(t, folder)
    assert.deepEqual(await namesIn(store), ['old'])
    const after = new DatabaseSync(join(folder, 'mail.sqlite'))
    t.after(() => after.close())
    assert.equal(after.prepare('SELECT max(version) AS v FROM schema').get()?.['v'], SCHEMA_VERSION)
    const made = after.prepare("SELECT name FROM sqlite_schema WHERE name IN ('content_segment', 'queue_message') ORDER BY name").all()
    assert.deepEqual(
      made.map(({ name }) => name),
      ['content_segment', 'queue_message'],
    )
  })

  test('a database of another program, and a folder that cannot be one, are refused', t => {
    const folder = folderOf(t)
    const database = new DatabaseSync(join(folder, 'mail.sqlite'))
    database.exec('CREATE TABLE bookmarks (url TEXT)')
    database.close()
    const codeIs = (code: string) => (error: unknown) => error instanceof ConfigurationError && error.code === code
    assert.throws(() => sqliteStore({ path: folder }), codeIs('MW_STORE_FOREIGN'))
    writeFileSync(join(folder, 'file'), '')
    assert.throws(() => sqliteStore({ path: join(folder, 'file') }), codeIs('MW_STORE_FOLDER'))
  })

  test('a damaged database says so and what to do', async t => {
    const folder = folderOf(t)
    const store = sqliteStore({ path: folder })
    await store.open('ann')
    await store.close()
    rmSync(join(folder, 'mail.sqlite-wal'), { force: true })
    writeFileSync(join(folder, 'mail.sqlite'), 'this is no database, and long enough to be taken for one. '.repeat(100))
    assert.throws(
      () => sqliteStore({ path: folder }),
      (error: unknown) => error instanceof MailError && error.kind === 'corrupt' && /restore the latest backup/.test(error.message),
    )
  })

  test('a database that somebody else locks is unavailable, says who to look for, and works again afterwards', async t => {
    const folder = folderOf(t)
    const store = storeIn(t, folder, { busyTimeout: 50 })
    const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
    await inbox.append([message(octetsOf('before'))])
    const database = new DatabaseSync(join(folder, 'mail.sqlite'))
    t.after(() => database.close())
    database.exec('BEGIN IMMEDIATE')
    const isLocked = (error: unknown): boolean =>
      error instanceof MailError && error.kind === 'unavailable' && /another process/.test(error.message)
    await assert.rejects(inbox.append([message(octetsOf('during'))]), isLocked)
    assert.deepEqual(await namesIn(store), ['before'], 'reading does not wait')
    database.exec('COMMIT')
    await inbox.append([message(octetsOf('after'))])
    assert.deepEqual(await namesIn(store), ['before', 'after'])
    assert.deepEqual(await inbox.expunge(ALL_UIDS), [{ first: 1, last: 2 }])
  })
}
