import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { personalOptions, personalServer } from 'mailwright/server'
import type { Answer } from 'dns-packet'
import { fakeServer } from '../dns/fake-server.ts'
import { world } from '../world/world.ts'

const ports = Object.fromEntries(
  ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s'].map(door => [`${door}-port`, '0']),
)
const ZONE: Readonly<Record<string, Answer>> = {
  'MX far.example': { type: 'MX', name: 'far.example', data: { preference: 10, exchange: 'mx.far.example' } },
  'A mx.far.example': { type: 'A', name: 'mx.far.example', data: '127.0.0.1' },
}

/** What becomes of the first try of a message for zoe@far.example from a server that was started with these options. */
async function firstTry(t: TestContext, options: Readonly<Record<string, string | true>>): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  using dns = await fakeServer(({ name, type }) => {
    const answer = ZONE[`${type} ${name}`]
    return { rcode: 0, answers: answer === undefined ? [] : [answer] }
  })
  const values = { data, domain: 'home.test', user: 'ann@home.test', filters: 'none', dns: dns.address, ...ports, ...options }
  await using personal = await personalServer(personalOptions(values))
  const mail = { from: 'ann@home.test', to: 'zoe@far.example', subject: 'Hello', text: 'Hello', notify: ['NEVER'] } as const
  const { id } = await personal.server.send(mail)
  for (const until = performance.now() + 60_000; performance.now() < until; await setTimeout(20)) {
    const [recipient] = (await personal.server.queue?.show(id))?.recipients ?? []
    if (recipient?.last !== undefined) return `${recipient.state} ${recipient.last.code} ${recipient.last.text}`
  }
  return 'not tried'
}

test('by MX: the DNS server, the port, private networks and TLS are what the command line says (RFC 5321 §5.1; RFC 7435 §3)', async t => {
  await using earth = world()
  const sure = await earth.citizen('far.example', { accounts: ['zoe'] })
  const open = await earth.citizen('far.example', { accounts: ['zoe'], withoutTls: true })
  const port = (of: typeof sure): string => String(of.server.ports.smtp)
  const near = { 'allow-private-networks': true } as const

  assert.match(await firstTry(t, { ...near, 'mx-port': port(open) }), /^delivered 2\./)
  assert.match(await firstTry(t, { ...near, 'mx-port': port(open), 'tls-policy': 'require' }), /^waiting 4\.7\.\d+ .*STARTTLS/)
  assert.equal((await open.inbox('zoe', 1)).length, 1, 'nothing went in the clear')
  assert.match(await firstTry(t, { ...near, 'mx-port': port(sure), 'tls-policy': 'require' }), /^delivered 2\./)
  assert.match(await firstTry(t, { 'mx-port': port(sure) }), /^failed 5\.4\.4 .*127\.0\.0\.1, which is no public address$/)

  const [message = ''] = await sure.inbox('zoe', 1)
  assert.match(message, /^Received: from \S+ .*\n?.*with ESMTPS/m)
  const algorithms = [...message.matchAll(/^DKIM-Signature: [^:]*?\ba=(\S+?);/gms)].map(([, algorithm]) => algorithm)
  assert.deepEqual(new Set(algorithms), new Set(['ed25519-sha256', 'rsa-sha256']))
})

test('by a smarthost, whatever DNS says, with the same policy (RFC 5321 §3.6.1)', async t => {
  await using earth = world()
  const open = await earth.citizen('far.example', { accounts: ['zoe'], withoutTls: true })
  const smarthost = `127.0.0.1:${open.server.ports.smtp}`
  // It was named by hand, so it may be on this machine.
  assert.match(await firstTry(t, { smarthost }), /^delivered 2\./)
  assert.match(await firstTry(t, { smarthost, 'tls-policy': 'require' }), /^waiting 4\.7\.\d+ .*STARTTLS/)
  assert.equal((await open.inbox('zoe', 1)).length, 1)
})
