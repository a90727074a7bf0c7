import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import { personalFiles } from 'mailwright/server'

const data = mkdtempSync(join(tmpdir(), 'mailwright-cli-'))
after(() => rmSync(data, { recursive: true, force: true }))

function mailwright(words: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  return spawnSync(process.execPath, ['--conditions=mailwright-source', main, ...words, '--data', data], {
    input,
    encoding: 'utf8',
    timeout: 30_000,
  })
}

test('accounts, aliases and domains are managed, and a backup holds them (RFC 5321 §3.6)', { timeout: 120_000 }, async () => {
  assert.equal(mailwright(['user', 'add', 'ann@home.test'], 'correct horse\n').stdout, 'ann@home.test added\n')
  const again = mailwright(['user', 'add', 'ann@home.test'], 'correct horse\n')
  assert.equal(again.status, 1)
  assert.match(again.stderr, /^mailwright: /)
  assert.equal(mailwright(['user', 'password', 'ann@home.test'], 'battery staple\n').status, 0)
  assert.equal(mailwright(['alias', 'set', 'post@home.test', 'ann@home.test']).status, 0)
  assert.equal(mailwright(['alias', 'list']).stdout, 'post@home.test -> ann@home.test\n')
  assert.equal(mailwright(['domain', 'list']).stdout, 'home.test\n')
  assert.equal(mailwright(['user', 'disable', 'ann@home.test']).status, 0)
  assert.equal(mailwright(['user', 'list', '--json']).stdout, '{"address":"ann@home.test","disabled":true,"quota":null}\n')
  assert.equal(mailwright(['user', 'enable', 'ann@home.test']).status, 0)
  assert.equal(mailwright(['verify', '--deep']).stdout, 'no damage found\n')
  assert.equal(mailwright(['rebuild']).status, 0)
  assert.equal(mailwright(['backup', join(data, 'copy')]).status, 0)

  const copied = sqliteDirectory({ path: personalFiles(join(data, 'copy')).directory })
  const principal = await copied.verify({ kind: 'password', username: 'ann@home.test', password: 'battery staple' }, 'imap')
  assert.equal(principal?.account.address, 'ann@home.test')
  copied.close()
})

test('what is no command is told with exit code 2', () => {
  assert.equal(mailwright(['user', 'paint']).status, 2)
  assert.equal(mailwright(['dance']).status, 2)
  assert.equal(mailwright(['user', 'list', '--colour']).status, 2)
  assert.match(mailwright(['--help']).stdout, /^Usage: mailwright /)
})
