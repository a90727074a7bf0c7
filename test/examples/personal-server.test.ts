import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { requireProgram } from '../support/programs.ts'

const root = join(import.meta.dirname, '..', '..')
const data = mkdtempSync(join(tmpdir(), 'mailwright-personal-'))
after(() => rmSync(data, { recursive: true, force: true }))

const doors = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s'] as const

interface Ready {
  readonly domain: string
  readonly user: string
  readonly password: string | null
  readonly ports: Readonly<Record<(typeof doors)[number], number>>
}

async function start(...more: readonly string[]): Promise<{ child: ChildProcess; ready: Ready }> {
  const ports = doors.flatMap(door => [`--${door}-port`, '0'])
  const args = ['--conditions=mailwright-source', 'examples/personal-server.ts', '--data', join(data, 'mail'), '--json', ...ports, ...more]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of createInterface({ input: child.stdout })) return { child, ready: JSON.parse(line) as Ready }
  throw new Error('the server ended before it was ready')
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const over = once(child, 'exit') as Promise<[number | null]>
  child.kill(signal)
  return (await over)[0]
}

function run(program: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 })
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}

function swaks(ready: Ready, door: (typeof doors)[number], ...more: readonly string[]): string {
  return run('swaks', ['--server', `127.0.0.1:${ready.ports[door]}`, '--to', ready.user, '--timeout', '10', ...more])
}

test(
  'mail is received through every door, read, and there again after a kill',
  { skip: requireProgram('swaks', 'curl'), timeout: 90_000 },
  async () => {
    const { child, ready } = await start('--domain', 'home.test', '--user', 'ann@home.test', '--password', 'correct horse')
    const login = ['--auth-user', ready.user, '--auth-password', 'correct horse', '--from', ready.user]
    const curl = (door: (typeof doors)[number], path: string, at: Ready): string =>
      run('curl', [
        '-s',
        '-k',
        '--ssl-reqd',
        '-m',
        '20',
        '--user',
        'ann@home.test:correct horse',
        `${door}://127.0.0.1:${at.ports[door]}/${path}`,
      ])
    try {
      assert.deepEqual([ready.domain, ready.user, ready.password], ['home.test', 'ann@home.test', 'correct horse'])
      assert.deepEqual(Object.keys(ready.ports), doors)
      swaks(ready, 'smtp', '--from', 'zoe@far.example', '--header', 'Subject: in the clear')
      swaks(ready, 'smtp', '--from', 'zoe@far.example', '--tls')
      swaks(ready, 'submission', '--tls', '--auth', 'PLAIN', ...login)
      swaks(ready, 'submissions', '--tls-on-connect', '--auth', 'LOGIN', ...login)
      swaks(ready, 'lmtp', '--protocol', 'LMTP', '--from', 'zoe@far.example')
      for (const door of ['imap', 'imaps'] as const) {
        assert.match(curl(door, 'INBOX;MAILINDEX=1', ready), /^Return-Path: <zoe@far\.example>\r\n[^]*\r\nSubject: in the clear\r\n/)
      }
      for (const door of ['pop3', 'pop3s'] as const) {
        assert.equal(curl(door, '', ready).trim().split('\n').length, 5)
        assert.match(curl(door, '1', ready), /\r\nSubject: in the clear\r\n/)
      }
    } finally {
      await stop(child, 'SIGKILL')
    }
    const again = await start()
    try {
      assert.deepEqual([again.ready.user, again.ready.password], ['ann@home.test', null], 'the password is kept only as a hash')
      assert.equal(curl('pop3s', '', again.ready).trim().split('\n').length, 5)
    } finally {
      assert.equal(await stop(again.child, 'SIGTERM'), 0, 'it stops cleanly')
    }
  },
)

test(
  'nobody logs in without TLS, and nobody relays (RFC 8314 §3; RFC 5321 §7.1)',
  { skip: requireProgram('swaks', 'curl'), timeout: 60_000 },
  async () => {
    const { child, ready } = await start()
    try {
      const plain = spawnSync('curl', ['-s', '-m', '20', '--user', 'ann@home.test:correct horse', `pop3://127.0.0.1:${ready.ports.pop3}/`])
      assert.notEqual(plain.status, 0)
      const relayed = spawnSync('swaks', ['--server', `127.0.0.1:${ready.ports.smtp}`, '--from', 'a@b.example', '--to', 'c@d.example'], {
        encoding: 'utf8',
      })
      assert.match(relayed.stdout, /550 5\.7\.1/)
    } finally {
      assert.equal(await stop(child, 'SIGINT'), 0)
    }
  },
)
