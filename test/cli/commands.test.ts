import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import { personalFiles } from 'mailwright/server'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { message, octetsOf } from '../stores/sqlite-fixtures.ts'

const data = mkdtempSync(join(tmpdir(), 'mailwright-cli-'))
after(() => rmSync(data, { recursive: true, force: true }))

function mailwright(words: readonly string[], input = '', folder = data): { status: number | null; stdout: string; stderr: string } {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  return spawnSync(process.execPath, ['--conditions=mailwright-source', main, ...words, '--data', folder], {
    input,
    encoding: 'utf8',
    timeout: 30_000,
  })
}

test('accounts, aliases and domains are managed, and a backup holds them and the keys (RFC 5321 §3.6)', { timeout: 120_000 }, async () => {
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

  const files = personalFiles(data)
  mkdirSync(files.dkim, { mode: 0o700 })
  writeFileSync(join(files.dkim, 'home.test.json'), 'a signing key', { mode: 0o600 })
  writeFileSync(files.secret, 'a secret', { mode: 0o600 })
  assert.equal(mailwright(['backup', join(data, 'copy')]).status, 0)
  const kept = personalFiles(join(data, 'copy'))
  assert.equal(readFileSync(join(kept.dkim, 'home.test.json'), 'utf8'), 'a signing key')
  assert.equal(readFileSync(kept.secret, 'utf8'), 'a secret')
  const modes = [kept.dkim, join(kept.dkim, 'home.test.json'), kept.secret].map(path => statSync(path).mode & 0o777)
  assert.deepEqual(modes, [0o700, 0o600, 0o600], 'keys stay as private as they were')

  const copied = sqliteDirectory({ path: kept.directory })
  const principal = await copied.verify({ kind: 'password', username: 'ann@home.test', password: 'battery staple' }, 'imap')
  assert.equal(principal?.account.address, 'ann@home.test')
  copied.close()
})

test('a folder that cannot be made is said to be one', { skip: !existsSync('/proc/self') && 'there is no /proc here' }, () => {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  for (const words of [['user', 'add', 'ann@home.test'], ['domain', 'add', 'home.test'], ['serve']]) {
    const { status, stderr } = spawnSync(process.execPath, ['--conditions=mailwright-source', main, ...words, '--data', '/proc/foo'], {
      input: 'correct horse\n',
      encoding: 'utf8',
      timeout: 20_000,
    })
    assert.equal(status, 1, words.join(' '))
    assert.match(stderr, /^mailwright: \/proc\/foo\S* cannot be .*: name (?:a folder|one) that can be written to\n$/)
  }
})

test('an alias that leads to nobody here is set, and said to lead to nobody (RFC 5321 §3.9.1)', { timeout: 60_000 }, () => {
  assert.equal(mailwright(['user', 'add', 'zoe@lead.test'], 'correct horse\n').status, 0)
  const set = (...words: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    mailwright(['alias', 'set', ...words])
  const { status, stdout, stderr } = set('post@lead.test', 'zoë@lead.test', 'zoe@lead.test', 'zoe+post@lead.test', 'zoe@far.example')
  assert.deepEqual([status, stdout], [0, 'post@lead.test goes to zoë@lead.test, zoe@lead.test, zoe+post@lead.test, zoe@far.example\n'])
  assert.equal(
    stderr,
    'mailwright: there is no account zoë@lead.test yet, and it gets no mail until there is: "mailwright user add zoë@lead.test" makes one\n',
  )
  assert.equal(set('desk@lead.test', 'post@lead.test').stderr, '', 'an alias of an alias leads to somebody')
  assert.match(set('desk@lead.test', 'zoe').stderr, /not a mail address: "zoe"/)
  assert.equal(set('@lead.test', 'zoe@lead.test').stderr, '')
})

test('what is no command is told with exit code 2', () => {
  assert.equal(mailwright(['user', 'paint']).status, 2)
  assert.equal(mailwright(['dance']).status, 2)
  assert.equal(mailwright(['user', 'list', '--colour']).status, 2)
  assert.match(mailwright(['--help']).stdout, /^Usage: mailwright /)
})

test('reports of others are told, what failed marked, and their words cannot speak to the terminal (S14)', { timeout: 60_000 }, () => {
  assert.match(mailwright(['reports']).stderr, /no report came yet/)
  const folder = personalFiles(data).reports
  mkdirSync(folder, { recursive: true })
  const policies = [{ type: 'sts', domain: 'home.test', successes: 5, failures: 2, details: [] }]
  const report = { organisation: 'Far\u001b[31m', contact: 'x', id: '1', begin: 1, end: 2, policies }
  writeFileSync(join(folder, '2026-11-24.jsonl'), `${JSON.stringify({ kind: 'tls', at: 0, sender: 't@far.example', report })}\n`)
  const { stdout } = mailwright(['reports', 'HOME.test'])
  assert.match(
    stdout,
    /^1970-01-01T00:00:00\.000Z {2}TLS by Far.*\(mail from t@far\.example\)\n {2}! home\.test \(sts\): 5 well, 2 failed\n$/,
  )
  assert.ok(!stdout.includes('\u001b'))
  assert.equal(mailwright(['reports', '--last', 'x']).status, 2)
})

test('a backup of damaged mail is made as far as it can be, says what is damaged, and exits with 1', { timeout: 120_000 }, async t => {
  const damaged = mkdtempSync(join(tmpdir(), 'mailwright-cli-'))
  t.after(() => rmSync(damaged, { recursive: true, force: true }))
  sqliteDirectory({ path: personalFiles(damaged).directory }).close()
  const store = sqliteStore({ path: personalFiles(damaged).mail, segmentSize: 100_000 })
  for (const at of [0, 1, 2]) await store.deliver([{ account: 'ann', message: message(octetsOf(`mail-${at}`, 150_000)) }])
  await store.close()
  const segment = (data: string, number: number): string => join(personalFiles(data).mail, 'segments', `0000000${number}.seg`)
  const backup = (name: string): ReturnType<typeof mailwright> => mailwright(['backup', join(damaged, name)], '', damaged)

  const sound = backup('sound')
  assert.deepEqual([sound.status, sound.stdout], [0, `3 messages, the accounts and the keys are in ${join(damaged, 'sound')}\n`])

  const octets = readFileSync(segment(damaged, 1))
  octets[70_000] = (octets[70_000] ?? 0) ^ 1
  writeFileSync(segment(damaged, 1), octets)
  truncateSync(segment(damaged, 2), 1000)
  rmSync(segment(damaged, 3))
  const { status, stdout, stderr } = backup('copy')
  assert.equal(status, 1)
  assert.match(stdout, /^damaged-content: content 1 at 16 of .*copy\/mail\/segments\/00000001\.seg is not what was written$/m)
  assert.match(stdout, /^short-file: content 2 .* the file at 1000$/m)
  assert.match(stdout, /^missing-file: .*00000003\.seg cannot be opened: 1 contents are lost/m)
  assert.match(stdout, /^3 messages, the accounts and the keys are in /m)
  assert.ok(
    stderr.includes(`damaged in 3 places, named above; keep the copies from before. "mailwright verify --deep --data ${damaged}" says`),
  )
  assert.deepEqual(readFileSync(segment(join(damaged, 'copy'), 1)), octets, 'what is there is copied')
  assert.deepEqual(readdirSync(personalFiles(join(damaged, 'copy')).mail).sort(), ['mail.sqlite', 'segments'])
  assert.equal(mailwright(['backup', join(damaged, 'copy')], '', damaged).status, 1, 'and is not written over')
})
