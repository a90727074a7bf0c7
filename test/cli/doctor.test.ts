import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { developmentCertificate } from 'mailwright/net'
import { personalFiles } from 'mailwright/server'

const data = mkdtempSync(join(tmpdir(), 'mailwright-doctor-'))
after(() => rmSync(data, { recursive: true, force: true }))

function mailwright(words: readonly string[], folder: string, input = ''): { status: number | null; stdout: string } {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  return spawnSync(process.execPath, ['--conditions=mailwright-source', main, ...words, '--data', folder], {
    input,
    encoding: 'utf8',
    timeout: 30_000,
  })
}

test('the doctor says what is well, makes nothing, and answers 1 for what is not (RFC 5321 §6.1)', { timeout: 120_000 }, () => {
  const nowhere = join(data, 'nowhere')
  const missing = mailwright(['doctor'], nowhere)
  assert.equal(missing.status, 1)
  assert.match(missing.stdout, /^fault {4}folder: .* does not exist\n {9}name the right one with --data/)
  assert.equal(existsSync(nowhere), false)

  assert.match(mailwright(['doctor'], data).stdout, /^ok {7}mail: none yet/m)
  assert.equal(existsSync(personalFiles(data).mail), false)

  assert.equal(mailwright(['user', 'add', 'ann@home.test'], data, 'correct horse\n').status, 0)
  developmentCertificate(personalFiles(data).tls, ['mail.home.test']).close()
  const { stdout } = mailwright(['doctor'], data)
  assert.match(stdout, /^ok {7}mail: opens/m)
  assert.match(stdout, /^ok {7}accounts: 1 in home\.test$/m)
  assert.match(stdout, /^ok {7}certificate: for DNS:mail\.home\.test, DNS:localhost, .*valid until /m)

  assert.match(stdout, /^All is well\.$/m)

  writeFileSync(join(personalFiles(data).tls, 'development-cert.pem'), 'not a certificate')
  const damaged = mailwright(['doctor', '--json'], data)
  assert.equal(damaged.status, 1)
  assert.match(damaged.stdout, /^\{"check":"certificate","looked":"certificate","level":"fault",/m)
  assert.match(damaged.stdout, /^\{"check":"summary","ok":false\}$/m)
})

test('what would keep the server from starting is a fault, with what to do (RFC 5321 §6.1)', { timeout: 60_000 }, () => {
  const folder = join(data, 'spoilt')
  const files = personalFiles(folder)
  mkdirSync(files.dkim, { recursive: true })
  for (const file of [join(files.dkim, 'home.test.json'), files.secret, files.state, files.directory])
    writeFileSync(file, 'x'.repeat(200), { mode: 0o600 })
  const { status, stdout } = mailwright(['doctor'], folder)
  assert.equal(status, 1)
  assert.match(stdout, /^fault {4}accounts: .* the file is damaged: keep a copy of it, and restore it from the latest backup$/m)
  assert.match(stdout, /^fault {4}signing keys: .*home\.test\.json is damaged, .* move it away to have new keys/m)
  assert.match(stdout, /^fault {4}return secret: .* holds no secret: remove it, and another is made$/m)
  assert.match(stdout, /^fault {4}what filters learned: .* move it away to begin anew$/m)
})

test(
  'keys that others can read are a fault, and the rest is looked at all the same (RFC 6376 §8.3)',
  { skip: process.platform === 'win32', timeout: 60_000 },
  () => {
    const folder = join(data, 'careless')
    mkdirSync(join(folder, 'dkim'), { recursive: true })
    writeFileSync(join(folder, 'dkim', 'home.test.json'), '{"keys":[]}', { mode: 0o644 })
    const { status, stdout } = mailwright(['doctor', 'home.test', '--dns', '127.0.0.1:1'], folder)
    assert.equal(status, 1)
    assert.match(stdout, /^fault {4}keys and certificates in .*: .* can be read by others than its owner: chmod 600/m)
    assert.match(stdout, /^note {5}MX records of home\.test: could not be checked/m)
  },
)
