import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { personalFiles } from 'mailwright/server'
import { sqliteStore } from 'mailwright/stores/sqlite'

const data = mkdtempSync(join(tmpdir(), 'mailwright-cli-queue-'))
const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
after(() => rmSync(data, { recursive: true, force: true }))

function queue(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const args = ['--conditions=mailwright-source', main, 'queue', ...words, '--data', data]
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })
}

test('what waits to leave is looked at and steered from the command line (RFC 5321 §4.5.4)', { timeout: 120_000 }, async () => {
  const octets = new TextEncoder().encode('Subject: hello\r\n\r\nhello\r\n')
  const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
  const store = sqliteStore({ path: personalFiles(data).mail })
  const message = { from: 'ann@home.test', origin: 'submission', content } as const
  const { id } = await store.queue.enqueue({ ...message, recipients: [{ address: 'bob@far.example' }, { address: 'bea@near.example' }] })
  await store.queue.enqueue({ ...message, from: 'ben@home.test', recipients: [{ address: 'zoe@far.example' }] })
  const [lease] = await store.queue.lease({ limit: 1, leaseMs: 60_000, except: ['near.example'] })
  assert.ok(lease !== undefined)
  const status = { at: Date.now(), code: '4.2.0', text: 'come back later\u001b[31m', remote: 'mx.far.example' } as const
  const deferred = { kind: 'deferred', status, dueAt: Date.now() + 600_000 } as const
  await store.queue.settle([{ id: lease.id, token: lease.token, outcomes: [{ index: 0, outcome: deferred }] }])
  await store.close()

  const listed = queue('list').stdout
  assert.match(listed, new RegExp(`^${id}  \\d+ s  ${octets.length} octets  from ann@home\\.test  \\(submission\\)\n`, 'm'))
  assert.match(listed, /bob@far\.example {2}waiting, next try in 10 min, 1 try\n {8}4\.2\.0 come back later \[31m \(mx\.far\.example\)/)
  assert.equal(JSON.parse(queue('show', id, '--json').stdout.trim()).recipients.length, 2)
  assert.match(queue('show', id, '--content').stdout, /\r\n\r\nhello\r\n$/)
  assert.equal(queue('list', '--domain', 'near.example', '--json').stdout.trim().split('\n').length, 1)

  assert.equal(queue('retry').status, 2, 'nothing is chosen by a slip')
  assert.equal(queue('hold', id).stdout, '2 recipients held\n')
  assert.equal(queue('release', '--domain', 'far.example').stdout, '1 recipient released\n')
  assert.equal(queue('retry', '--from', 'ann@home.test').stdout, '1 recipient due now\n')
  assert.equal(queue('pause', '--domain', 'far.example').stdout, 'mail to far.example waits until "mailwright queue resume"\n')
  assert.equal(queue('pauses').stdout, 'mail to far.example waits\n')
  assert.match(
    queue('resume', '--domain', 'near.example').stderr,
    /mail to near\.example is not paused: "mailwright queue pauses" shows what is/,
  )
  assert.equal(queue('resume', '--domain', 'FAR.example').status, 0)
  for (const change of ['retry', 'hold', 'release', 'remove']) {
    const { status, stderr } = queue(change, 'nothing')
    assert.deepEqual([change, status, /has no message nothing: "mailwright queue list"/.test(stderr)], [change, 1, true])
  }
  assert.equal(queue('remove', '--all').stdout, '3 recipients removed; nobody was told\n')
  assert.match(queue('list').stderr, /nothing waits to leave/)
  assert.match(queue('list', '--state', 'removed').stdout, /zoe@far\.example {2}removed/)
  for (const word of ['bob', '@far.example', 'bob@', 'far.example', 'bob@far.example, bea@far.example']) {
    const { status, stderr } = queue('suppress', word)
    assert.deepEqual([status, stderr.split('\n')[0]], [2, `mailwright: "${word}" is no address: write NAME@DOMAIN`])
  }
  assert.match(queue('suppressed').stderr, /no address is suppressed/)
  assert.equal(queue('suppress', 'bob@far.example').status, 0)
  assert.match(queue('suppressed').stdout, /^bob@far\.example \(operator, \d{4}-\d\d-\d\d\)\n$/)
  assert.equal(queue('unsuppress', 'bob@far.example').status, 0)
  assert.match(queue('unsuppress', 'bob@far.example').stderr, /bob@far\.example is not suppressed: "mailwright queue suppressed" shows/)
  assert.match(queue('show', 'nothing').stderr, /the queue has no message nothing/)
})

test('the live view says how much waits and for whom, and again when that changes', { timeout: 60_000 }, async () => {
  const octets = new TextEncoder().encode('Subject: hello\r\n\r\nhello\r\n')
  const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
  const store = sqliteStore({ path: personalFiles(data).mail })
  const message = { from: 'ann@home.test', origin: 'submission', content } as const
  await store.queue.enqueue({ ...message, recipients: [{ address: 'bob@far.example' }, { address: 'bea@near.example' }] })
  const view = spawn(process.execPath, ['--conditions=mailwright-source', main, 'queue', 'watch', '--json', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(view, 'exit')
  const lines = createInterface({ input: view.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { messages, waiting, destinations } = JSON.parse((await lines.next()).value ?? '')
    return { messages, waiting, for: destinations.map(({ destination }: { destination: string }) => destination).toSorted() }
  }
  assert.deepEqual(await next(), { messages: 1, waiting: 2, for: ['far.example', 'near.example'] })
  await store.queue.enqueue({ ...message, recipients: [{ address: 'cy@third.example' }] })
  assert.deepEqual(await next(), { messages: 2, waiting: 3, for: ['far.example', 'near.example', 'third.example'] })
  view.kill('SIGINT')
  assert.deepEqual((await ended)[0], 0)
  await store.close()
})
