/** How the writer knows that SQLite's log has grown: by what was written since it was begun anew, not by the file's size. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { LogSize } from '../../src/stores/sqlite/log-size.ts'

test('a log that is written over from its beginning counts from there', t => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'some.sqlite')
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
  const log = new LogSize(`${path}-wal`)
  t.after(() => {
    log.close()
    database.close()
  })
  assert.equal(log.holds(1), false, 'nothing was written')
  database.exec('CREATE TABLE words (word TEXT)')
  const insert = database.prepare('INSERT INTO words VALUES (?)')
  for (let n = 0; n < 100; n++) insert.run('x'.repeat(8000))
  const { size } = statSync(`${path}-wal`)
  assert.equal(log.holds(size - 32), true)
  assert.equal(log.holds(size + 8192), false)
  const generation = log.generation()

  database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  assert.equal(log.generation(), generation, 'it is begun anew by the next write')
  insert.run('one more')
  assert.notEqual(log.generation(), generation)
  assert.equal(statSync(`${path}-wal`).size, size, 'the file stays as long as it was')
  assert.equal(log.holds(size - 32), false)
  assert.equal(log.holds(4096), true)
})
