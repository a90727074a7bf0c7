/** Folders are made with those above them, and a place where none can be made is said to be one. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs, { existsSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../../src/files/folder.ts'
import { folderOf } from '../stores/sqlite-fixtures.ts'

test('folders are made with those above them, for their owner only, and again is no error', t => {
  const folder = folderOf(t)
  for (let time = 0; time < 2; time++) makeFolder(join(folder, 'a', 'b', 'c'))
  assert.equal(statSync(join(folder, 'a', 'b', 'c')).mode & 0o777, 0o700)
  writeFileSync(join(folder, 'file'), '')
  assert.throws(() => makeFolder(join(folder, 'file')), { code: 'EEXIST' })
  assert.throws(() => makeFolder(join(folder, 'file', 'below')), { code: 'ENOTDIR' })
})

test(
  'a folder that was made outlives a loss of power: the folder above it is synced, and so is that above',
  { skip: !existsSync('/proc/self/fd') && 'there is no /proc here' },
  t => {
    const folder = folderOf(t)
    const synced: string[] = []
    const { fsyncSync } = fs
    t.after(() => {
      fs.fsyncSync = fsyncSync
      syncBuiltinESMExports()
    })
    fs.fsyncSync = fd => {
      synced.push(readlinkSync(`/proc/self/fd/${fd}`))
      fsyncSync(fd)
    }
    syncBuiltinESMExports()
    makeFolder(join(folder, 'a', 'b'))
    assert.deepEqual(synced, [folder, join(folder, 'a')])
    makeFolder(join(folder, 'a', 'b'))
    assert.equal(synced.length, 2, 'what is there costs no sync')
  },
)

test(
  'where a folder says that it is not there, as those of /proc do, everything that makes one says so',
  { skip: !existsSync('/proc/self') && 'there is no /proc here' },
  () => {
    // In a process of its own: what waits here waits without end, and keeps even a test's time limit from being seen.
    const program = `
      import { developmentCertificate } from 'mailwright/net'
      import { dkimKeys, secretFile } from 'mailwright/outbound'
      import { fileSpool, sqliteStore } from 'mailwright/stores/sqlite'
      import { traceJournal } from 'mailwright/stores/traces'
      const [path, folder, directory] = ['/proc/foo', '/proc/foo', '/proc/foo']
      for (const make of [() => sqliteStore({ path }), () => fileSpool({ directory }), () => traceJournal({ folder }), () => developmentCertificate(path, ['home.test']),
        () => dkimKeys({ folder, domains: ['home.test'] }), () => secretFile('/proc/foo/secret')]) {
        try { await make() } catch (error) { console.log(error.message) }
      }`
    const { stdout, stderr, signal } = spawnSync(
      process.execPath,
      ['--conditions=mailwright-source', '--input-type=module', '--eval', program],
      { encoding: 'utf8', timeout: 10_000, cwd: import.meta.dirname },
    )
    assert.equal(signal, null, 'it does not wait')
    assert.deepEqual(
      stdout.split('\n').slice(0, 6),
      [
        '/proc/foo cannot be used as the folder of a mail store: name one that can be written to',
        '/proc/foo cannot be used for spooling: name a directory that can be written to',
        ...Array<string>(4).fill("ENOENT: no such file or directory, mkdir '/proc/foo'"),
      ],
      stderr,
    )
  },
)
