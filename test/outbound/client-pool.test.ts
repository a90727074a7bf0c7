import assert from 'node:assert/strict'
import { test } from 'node:test'
import { opportunistic, SessionPool } from 'mailwright/outbound'
import type { HopAddress, SessionPoolOptions } from 'mailwright/outbound'
import { fakeClock, fakeDialer } from 'mailwright/testing'
import type { FakeClock, FakeDialer } from 'mailwright/testing'
import { brief, CLEAR, mail } from './client-world.ts'

const HOP: HopAddress = { host: 'mx.example', address: '192.0.2.25', port: 25, flavour: 'smtp', ehloName: 'us.example' }

const HELLO = 'S: 220 mx.example\nC: EHLO us.example\nS: 250-mx.example\nS: 250 PIPELINING\n'
const TRANSACTION = `
  C: MAIL FROM:<ann@us.example>
  C: RCPT TO:<bob@mx.example>
  C: DATA
  S: 250 fine
  S: 250 fine
  S: 354 go on
  C: ...
  C: .
  S: 250 taken
`
const BYE = 'C: QUIT\nC: (leaves)\n'

function pooled(
  remotes: readonly string[],
  options: Partial<SessionPoolOptions> = {},
): { readonly pool: SessionPool; readonly clock: FakeClock; readonly dialer: FakeDialer } {
  const clock = fakeClock()
  const dialer = fakeDialer(remotes, { clock })
  return { pool: new SessionPool({ dialer, clock, ...options }), clock, dialer }
}

test('one session for one message after another, until the pool is closed', async () => {
  const { pool, dialer } = pooled([HELLO + TRANSACTION.repeat(3) + BYE])
  for (const fresh of [true, false, false]) {
    const sent = await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
    assert.ok(sent.kind === 'sent')
    assert.deepEqual(brief(sent.result.outcomes), ['delivered 2.0.0'])
    assert.equal(sent.fresh, fresh)
    assert.equal(pool.idle, 1)
  }
  pool.close()
  assert.deepEqual(dialer.problems(), [])
})

test('a session that waits too long says QUIT', async () => {
  const { pool, clock, dialer } = pooled([HELLO + TRANSACTION + BYE], { idleMs: 5000 })
  await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  clock.advance(4000)
  assert.equal(pool.idle, 1)
  clock.advance(2000)
  assert.equal(pool.idle, 0)
  assert.deepEqual(dialer.problems(), [])
})

test('so many messages over one session, and no more', async () => {
  const { pool, dialer } = pooled([HELLO + TRANSACTION.repeat(2) + BYE, HELLO + TRANSACTION + BYE], { maxMessages: 2 })
  for (let round = 0; round < 3; round++) await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  pool.close()
  assert.deepEqual(dialer.problems(), [])
})

test('a session that its server ended meanwhile is no failure: the message goes over a new one', async () => {
  const again = 'C: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@mx.example>\nC: DATA\n'
  const ends = [
    'S~ 421 4.4.2 idle for too long\\r\\n\nS: (ends)',
    'S: (ends)',
    `${again}S: (ends)`,
    `${again}S: 421 4.4.2 too late\nC: (leaves)`,
  ]
  for (const end of ends) {
    const { pool, dialer } = pooled([HELLO + TRANSACTION + end, HELLO + TRANSACTION + BYE])
    await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
    const sent = await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
    assert.ok(sent.kind === 'sent')
    assert.deepEqual(brief(sent.result.outcomes), ['delivered 2.0.0'], end)
    assert.equal(sent.fresh, true)
    pool.close()
    assert.deepEqual(dialer.problems(), [], end)
  }
})

test('an answer too many, given while the session waits, ends it', async () => {
  const { pool, clock, dialer } = pooled([`${HELLO}${TRANSACTION}S~ 250 surprise\\r\\n\nC: (leaves)`, HELLO + TRANSACTION + BYE])
  await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  clock.advance(1000)
  await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  pool.close()
  assert.deepEqual(dialer.problems(), [])
})

test('a server that fails is not kept', async () => {
  const broken = `${HELLO}C: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@mx.example>\nC: DATA\nS: 250 fine\nS: 250 fine\nS: 250 fine\nC: (leaves)`
  const { pool, dialer } = pooled([broken, HELLO + TRANSACTION + BYE])
  const first = await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  assert.ok(first.kind === 'sent')
  assert.deepEqual(brief(first.result.outcomes), ['deferred 4.5.0'])
  assert.equal(pool.idle, 0)
  await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  pool.close()
  assert.deepEqual(dialer.problems(), [])
})

test('what is asked of TLS, the source and the login keep sessions apart', async () => {
  const script = HELLO + TRANSACTION + BYE
  const { pool, dialer } = pooled([script, script, script, script])
  await pool.send(HOP, CLEAR, mail(['bob@mx.example']))
  await pool.send(HOP, opportunistic('mx.example'), mail(['bob@mx.example']))
  await pool.send({ ...HOP, localAddress: '192.0.2.9' }, CLEAR, mail(['bob@mx.example']))
  await pool.send({ ...HOP, host: 'alias.example' }, CLEAR, mail(['bob@mx.example']))
  assert.equal(pool.idle, 4)
  pool.close()
  assert.deepEqual(dialer.problems(), [])
  assert.equal(dialer.dialled.length, 4)
})

test('only so many wait: the one that has waited longest leaves', async () => {
  const script = HELLO + TRANSACTION + BYE
  const { pool, dialer } = pooled([script, script, script], { maxIdle: 2 })
  for (const port of [25, 26, 27]) await pool.send({ ...HOP, port }, CLEAR, mail(['bob@mx.example']))
  assert.equal(pool.idle, 2)
  pool.close()
  assert.deepEqual(dialer.problems(), [])
})
