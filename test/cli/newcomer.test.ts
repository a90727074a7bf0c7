/** What people type first, and what they are told: never a stack, always the way out (RFC 5321 §3.6). */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { DOOR_NAMES } from '../../src/server/doors.ts'

const folder = mkdtempSync(join(tmpdir(), 'mailwright-newcomer-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const node = ['--conditions=mailwright-source', main]
const anyPort = DOOR_NAMES.flatMap(door => [`--${door}-port`, '0'])

interface Told {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function mailwright(line: string, input = ''): Told {
  const words = line.split(' ').filter(word => word !== '')
  return spawnSync(process.execPath, [...node, ...words], { input, encoding: 'utf8', timeout: 30_000, cwd: folder })
}

const wrong: readonly (readonly [line: string, told: RegExp])[] = [
  ['start', /did you mean "mailwright serve"\?/],
  ['sevre', /did you mean "mailwright serve"\?/],
  ['useradd ann@home.test', /did you mean "mailwright user add"\?/],
  ['user ad ann@home.test', /did you mean "mailwright user add"\?/],
  ['user paint', /there are user add, user list, user password/],
  ['user add', /"mailwright user add" takes ADDRESS\n/],
  ['user add ann', /"ann" is no address: write NAME@DOMAIN/],
  ['user add ann@home.test secret', /takes ADDRESS and nothing else, but "secret" came too/],
  ['user list --colour', /"mailwright user list" has no option --colour: it has --data, --json\n/],
  ['serve --port 25', /has no option --port: it has --data, .*--smtp-port/],
  ['serve --smtp-prt 25', /did you mean --smtp-port\?/],
  ['serve --smtp-port', /--smtp-port takes a value: --smtp-port N/],
  ['serve --smtp-port many', /takes a number from 0 to 65535, not "many"/],
  ['serve --smtp-port 65536', /takes a number from 0 to 65535/],
  ['serve --user ann', /--user takes an address such as me@home\.test/],
  ['serve --data --json', /--data takes a value: --data DIR/],
  ['serve --user ann@a.test --domain b.test', /the account ann@a\.test is not in the domain b\.test/],
  ['serve --dns resolver', /"resolver" is no DNS server such as 192\.0\.2\.1/],
  ['doctor home.test --dns resolver', /"resolver" is no DNS server.*\n.*see mailwright doctor --help/],
  ['doctor --smtp-port 0', /--smtp-port takes a port from 1 to 65535, not "0"\n.*see mailwright doctor --help/],
  ['doctor --ca nowhere.pem', /--ca takes the file of a certificate: nowhere\.pem does not exist/],
  ['dns home.test --ipv4 2001:db8::1', /"2001:db8::1" is no IPv4 address\n.*see mailwright dns --help/],
  ['explain --last 0', /--last takes a whole number of at least 1, not "0"/],
  ['explain mail.eml --from ann@a.test --ip nowhere', /--ip takes an IP address such as 203\.0\.113\.7, not "nowhere"/],
  ['verify --deep=yes', /--deep takes no value/],
  ['--data elsewhere', /--data comes behind a command/],
  ['alias set post@home.test', /takes ADDRESS TARGET\.\.\./],
  ['backup', /takes FOLDER/],
]

test('a line that is not understood is answered with what was meant, exit code 2, and nothing is made', { timeout: 240_000 }, () => {
  for (const [line, told] of wrong) {
    const { status, stdout, stderr } = mailwright(line)
    assert.deepEqual([line, status, stdout], [line, 2, ''])
    assert.match(stderr, told, line)
    assert.match(stderr, /^mailwright: [^]*\n$/)
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack')
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('a mistyped folder has no mail store, and still does not exist afterwards', { timeout: 120_000 }, () => {
  for (const line of [
    'verify',
    'rebuild',
    'backup copy',
    'user list',
    'user password ann@home.test',
    'user disable ann@home.test',
    'user enable ann@home.test',
    'user remove ann@home.test',
    'alias list',
    'alias set post@home.test ann@home.test',
    'alias remove post@home.test',
    'domain list',
  ]) {
    const { status, stdout, stderr } = mailwright(`${line} --data mistyped`, 'correct horse\n')
    assert.deepEqual([line, status, stdout], [line, 1, ''])
    assert.match(
      stderr,
      /^mailwright: there is no (?:mail store|directory of accounts) in \/.*\/mistyped, which does not exist: name the folder/,
    )
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('who is near the right folder is told where it is; a file is no folder', { timeout: 120_000 }, () => {
  const made = mailwright('user add ann@home.test', 'correct horse\n')
  assert.deepEqual([made.status, made.stdout], [0, 'ann@home.test added\n'])
  assert.match(made.stderr, /made the folder \/.*\/data\n/)
  const elsewhere = mailwright('user add ann@typo.test', 'correct horse\n')
  assert.match(elsewhere.stderr, /typo\.test is new: mail for it is received from now on/)
  assert.match(mailwright('domain add other.test').stderr, /other\.test is new: /)
  assert.match(mailwright('verify --data data/mail').stderr, /did you mean --data \/.*\/data\?/)
  assert.match(mailwright('verify --data .').stderr, /did you mean --data data\?/)
  assert.match(mailwright('user list --data dta').stderr, /did you mean --data \/.*\/data\?/)
  writeFileSync(join(folder, 'file'), '')
  for (const command of ['verify', 'serve', 'user list', 'doctor']) {
    assert.match(mailwright(`${command} --data file`).stderr, /is a file: name the folder of a server with --data/)
  }
})

test('what cannot be done says what can', { timeout: 240_000 }, () => {
  assert.match(mailwright('user add bea@home.test').stderr, /no password came from stdin/)
  assert.match(mailwright('user add ann@home.test', 'correct horse\n').stderr, /"mailwright user password ann@home\.test" gives it another/)
  assert.match(mailwright('user remove bea@home.test').stderr, /"mailwright user list" shows those there are/)
  assert.match(mailwright('alias remove bea@home.test').stderr, /"mailwright alias list" shows those there are/)
  assert.match(mailwright('alias set a@far.test ann@home.test').stderr, /far\.test is not served here: add the domain first/)
  assert.match(mailwright('alias list').stderr, /no aliases yet/)
  assert.match(mailwright('backup data').stderr, /cannot be made into the folder of the server itself/)
  assert.equal(mailwright('backup copy').status, 0)
  assert.match(mailwright('backup copy').stderr, /holds a copy or a server already: name a new folder/)
  mkdirSync(join(folder, 'half'))
  assert.equal(mailwright('backup half').status, 0, 'an empty folder is new enough')
  assert.doesNotMatch(mailwright('alias set one@home.test ann@home.test two@home.test').stderr, /leads back/)
  assert.match(mailwright('alias set two@home.test one@home.test').stderr, /two@home\.test leads back to itself: mail to it is refused/)
  writeFileSync(join(folder, 'data', 'directory.db'), 'spoilt '.repeat(100))
  assert.match(mailwright('backup broken').stderr, /data\/directory\.db cannot be copied: file is not a database\n$/)
  assert.deepEqual(readdirSync(join(folder, 'broken')), [], 'nothing that looks like a copy')
})

test('every command has a help of its own, and the release is told', { timeout: 120_000 }, () => {
  const overview = mailwright('').stdout
  assert.equal(mailwright('--help').stdout, overview)
  const names = [...overview.matchAll(/^ {2}([a-z]+(?: [a-z]+)*)(?= {2}| [A-Z[])/gm)].map(([, name = '']) => name)
  assert.ok(names.length > 10)
  for (const name of names) {
    const { status, stdout } = mailwright(`${name} --help`)
    assert.equal(status, 0)
    assert.ok(stdout.startsWith(`Usage: mailwright ${name}`), name)
    assert.match(stdout, /^ {2}--data DIR/m)
  }
  assert.equal(mailwright('help serve').stdout, mailwright('serve -h').stdout)
  assert.match(mailwright('user --help').stdout, /^Usage: mailwright user COMMAND/)
  assert.equal(mailwright('user').status, 2)
  assert.match(mailwright('--version').stdout, /^mailwright \d+\.\d+\.\d+/)
})

test('serve takes the options of npm start, tells a taken port with the way out, and stops cleanly', { timeout: 60_000 }, async () => {
  const npmStart = spawnSync(process.execPath, ['--conditions=mailwright-source', 'examples/personal-server.ts', '--help'], {
    cwd: join(import.meta.dirname, '..', '..'),
    encoding: 'utf8',
  }).stdout
  const optionsOf = (help: string): readonly string[] =>
    [...help.matchAll(/^ {2}(--[a-z0-9-]+(?: [A-Z]+)?) /gm)].map(([, name = '']) => name.trim())
  assert.deepEqual(optionsOf(mailwright('serve --help').stdout), optionsOf(npmStart))

  const served = spawn(process.execPath, [...node, 'serve', '--data', 'served', '--user', 'zoe@far.test', '--json', ...anyPort], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [line] = (await once(createInterface({ input: served.stdout }), 'line')) as [string]
  const { domain, user, password, ports } = JSON.parse(line) as Record<string, string> & { ports: Record<string, number> }
  assert.deepEqual([domain, user, typeof password], ['far.test', 'zoe@far.test', 'string'])
  const taken = mailwright(`serve --data served ${anyPort.join(' ')} --imap-port ${ports['imap']}`)
  assert.equal(taken.status, 1)
  assert.match(taken.stderr, /port \d+ of 127\.0\.0\.1 is in use .* --smtp-port 0 takes any free port/)
  const over = once(served, 'exit')
  served.kill('SIGINT')
  assert.deepEqual(await over, [0, null])
  assert.ok(existsSync(join(folder, 'served', 'mail', 'mail.sqlite')))
})
