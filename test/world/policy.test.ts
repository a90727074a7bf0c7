import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defer, MailError } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { tlsaOf } from 'mailwright/dns'
import { fakeClock } from 'mailwright/testing'
import { memoryQueue, TlsReports } from 'mailwright/outbound'
import { passUntil, world } from './world.ts'
import type { Citizen } from './world.ts'

/** Sends one message, and answers what the first try came to. */
async function firstTry(near: Citizen, to: string, more: Record<string, unknown> = {}): Promise<string> {
  const outcomes = near.server.outcomes()
  const first = outcomes.next()
  await near.server.send({ from: `ann@${near.domain}`, to, subject: 'Hello', text: 'Hello', ...more })
  const { value } = await first
  await outcomes.return?.()
  return value === undefined ? 'nothing' : `${value.kind} ${value.status.code}`
}

test('DANE: the right key is taken, a wrong one and a missing STARTTLS are deferred and reported, never sent in the clear (RFC 7672 §2.2; S8)', async () => {
  await using earth = world()
  const reports = new TlsReports()
  const near = await earth.citizen('near.example', { outbound: { reports } })
  const good = await earth.citizen('good.example', { accounts: ['zoe'] })
  const wrong = await earth.citizen('wrong.example', { accounts: ['zoe'] })
  const bare = await earth.citizen('bare.example', { accounts: ['zoe'], withoutTls: true })
  for (const [at, { domain, certificate }] of [good, wrong, bare].entries()) {
    const host = `mx.${domain}`
    earth.resolver.set(domain, { mx: [host], authentic: true })
    earth.resolver.set(host, { a: [`5.9.0.${at + 2}`], authentic: true })
    const record = tlsaOf(certificate === '' ? good.certificate : certificate)
    earth.resolver.set(`_25._tcp.${host}`, {
      tlsa: [domain === 'wrong.example' ? { ...record, data: new Uint8Array(32) } : record],
      authentic: true,
    })
  }
  assert.equal(await firstTry(near, 'zoe@good.example'), 'sent 2.6.0')
  assert.match((await good.inbox('zoe', 1))[0] ?? '', /with ESMTPS/)
  assert.match(await firstTry(near, 'zoe@wrong.example'), /^delayed 4\.7\.\d+$/)
  assert.match(await firstTry(near, 'zoe@bare.example'), /^delayed 4\.7\.\d+$/)
  assert.equal((await wrong.inbox('zoe', 0)).length + (await bare.inbox('zoe', 0)).length, 0)
  const rows = reports.rows().map(row => JSON.stringify(row))
  assert.ok(
    rows.some(row => (row.includes('wrong.example') && row.includes('validation-failure')) || row.includes('certificate')),
    rows.join('\n'),
  )
  assert.ok(
    rows.some(row => row.includes('bare.example') && row.includes('starttls-not-supported')),
    rows.join('\n'),
  )
})

test('MTA-STS: an enforced policy keeps mail from a server that is not listed or not trusted; testing only reports (RFC 8461 §5)', async () => {
  await using earth = world()
  const policies: Record<string, string> = {
    'mta-sts.strict.example': 'version: STSv1\r\nmode: enforce\r\nmx: mx.strict.example\r\nmax_age: 86400\r\n',
    'mta-sts.other.example': 'version: STSv1\r\nmode: enforce\r\nmx: *.else.example\r\nmax_age: 86400\r\n',
    'mta-sts.trying.example': 'version: STSv1\r\nmode: testing\r\nmx: *.else.example\r\nmax_age: 86400\r\n',
  }
  const fetch = async (url: string): Promise<{ status: number; headers: Record<string, string>; body: Uint8Array }> => {
    const text = policies[new URL(url).host]
    if (text === undefined) throw new MailError('unavailable', 'nobody there')
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: new TextEncoder().encode(text) }
  }
  const strict = await earth.citizen('strict.example', { accounts: ['zoe'] })
  const near = await earth.citizen('near.example', { outbound: { tls: { fetch, ca: strict.certificate } } })
  const distrustful = await earth.citizen('wary.example', { outbound: { tls: { fetch } } })
  const other = await earth.citizen('other.example', { accounts: ['zoe'] })
  const trying = await earth.citizen('trying.example', { accounts: ['zoe'] })
  for (const { domain } of [strict, other, trying]) earth.resolver.set(`_mta-sts.${domain}`, { txt: ['v=STSv1; id=1'] })
  assert.equal(await firstTry(near, 'zoe@strict.example'), 'sent 2.6.0')
  assert.match(await firstTry(distrustful, 'zoe@strict.example'), /^delayed 4\.7\.\d+$/)
  assert.match(await firstTry(near, 'zoe@other.example'), /^delayed 4\.7\.\d+$/)
  assert.equal(await firstTry(near, 'zoe@trying.example'), 'sent 2.6.0')
  assert.equal((await other.inbox('zoe', 0)).length, 0)
  // RFC 8689 §8.4: the sender has decided that it goes all the same, a report about this very fault for one.
  assert.equal(await firstTry(near, 'zoe@other.example', { headers: { 'TLS-Required': 'No' } }), 'sent 2.6.0')
  assert.match(
    await firstTry(near, 'zoe@other.example', { headers: { 'TLS-Required': 'No' }, requireTls: true }),
    /^(?:delayed|bounced) [45]\.7\./,
  )
  assert.equal((await other.inbox('zoe', 1)).length, 1)
  assert.equal((await trying.inbox('zoe', 1)).length, 1)
})

test('greylisting is met with a second try, and the clock decides when (RFC 6647 §4)', async () => {
  await using earth = world()
  const clock = fakeClock(Date.now())
  let refused = 0
  const greylist: Middleware = {
    name: 'grey',
    recipient: async (_context, next) => (refused++ === 0 ? defer('Come back in five minutes', '4.7.1') : next()),
  }
  const late = await earth.citizen('late.example', { accounts: ['zoe'], middleware: [greylist] })
  const near = await earth.citizen('near.example', { clock, outbound: { queue: memoryQueue({ clock }) } })
  const told: string[] = []
  near.server.on('delayed', ({ status }) => void told.push(`delayed ${status.code} ${status.text}`))
  near.server.on('sent', ({ attempts }) => void told.push(`sent at try ${attempts}`))
  const began = clock.now()
  await near.server.send({ from: 'ann@near.example', to: 'zoe@late.example', subject: 'Hello', text: 'Hello' })
  await passUntil(clock, () => told.length === 2)
  assert.deepEqual(told, ['delayed 4.7.1 Come back in five minutes', 'sent at try 2'])
  assert.ok(clock.now() - began >= 4 * 60_000 && clock.now() - began < 10 * 60_000)
  assert.equal((await late.inbox('zoe', 1)).length, 1)
})

test('nobody answers for five days: a warning after four hours, a bounce at the end, in moments (RFC 5321 §4.5.4.1)', async () => {
  await using earth = world()
  const clock = fakeClock(Date.now())
  const near = await earth.citizen('near.example', { clock, outbound: { queue: memoryQueue({ clock }) } })
  earth.resolver.set('dead.example', { mx: ['mx.dead.example'] })
  earth.resolver.set('mx.dead.example', { a: ['5.9.9.9'] })
  const began = clock.now()
  const bounced: number[] = []
  near.server.on('bounced', () => void bounced.push(clock.now() - began))
  await near.server.send({ from: 'ann@near.example', to: 'zoe@dead.example', subject: 'Anybody?', text: 'Hello' })
  await passUntil(clock, async () => bounced.length === 1 && (await near.server.queue?.counts())?.messages === 0)
  const days = (bounced[0] ?? 0) / 86_400_000
  assert.ok(days >= 5 && days < 5.1, `${days} days`)
  const inbox = await near.inbox('ann', 2)
  assert.deepEqual(
    inbox.map(text => /^Action: (.*)$/m.exec(text)?.[1]),
    ['delayed', 'failed'],
  )
  assert.match(inbox[1] ?? '', /^Status: 5\.4\.7$/m)
})
