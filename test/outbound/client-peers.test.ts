import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { socketDialer, systemClock } from 'mailwright/net'
import { openSession, opportunistic, pkixFailure, SessionPool } from 'mailwright/outbound'
import type { HopAddress, SendResult, TlsRequirement } from 'mailwright/outbound'
import { seededRandom } from 'mailwright/testing'
import { postfix } from '../../bench/lib/postfix.ts'
import { freePort, listening } from '../../bench/lib/ports.ts'
import { composed, pair } from '../server/served.ts'
import { requireProgram } from '../support/programs.ts'
import { brief, CLEAR, mail } from './client-world.ts'

function hopTo(port: number, more: Partial<HopAddress> = {}): HopAddress {
  return { host: 'mx.example', address: '127.0.0.1', port, flavour: 'smtp', ehloName: 'us.example', ...more }
}

interface Sink {
  readonly port: number
  /** Everything that was dumped so far, a message each. */
  readonly messages: () => readonly string[]
  readonly [Symbol.dispose]: () => void
}

async function smtpSink(...args: readonly string[]): Promise<Sink> {
  const folder = mkdtempSync(join(tmpdir(), 'sink-'))
  chmodSync(folder, 0o777)
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('smtp-sink', [...user, '-R', folder, '-d', 'dump.', ...args, `127.0.0.1:${port}`, '100'], { stdio: 'ignore' })
  await listening(port)
  return {
    port,
    messages: () => readdirSync(folder).map(name => readFileSync(join(folder, name), 'latin1')),
    [Symbol.dispose]: () => {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const noSink = requireProgram('smtp-sink')

test('S2: random CR, LF and dots arrive at smtp-sink as one message each (RFC 5321 §2.3.8)', { skip: noSink }, async () => {
  using sink = await smtpSink()
  const random = seededRandom(7)
  const pool = new SessionPool({ dialer: socketDialer(), clock: systemClock, maxMessages: 1000 })
  const bodies = Array.from(
    { length: 200 },
    (_, at) =>
      `X-Number: n${at}\r\n\r\n${Array.from({ length: random.below(30) }, () => random.pick(['\r', '\n', '\r\n', '.', '\r\n.\r\n', '\n.\n', 'MAIL FROM:<x@y>', 'text'])).join('')}`,
  )
  for (const body of bodies) {
    const sent = await pool.send(hopTo(sink.port), CLEAR, mail(['bob@mx.example'], { body }))
    assert.ok(sent.kind === 'sent')
    assert.deepEqual(brief(sent.result.outcomes), ['delivered 2.0.0'])
  }
  pool.close()
  const arrived = sink.messages()
  assert.equal(arrived.length, bodies.length)
  for (const [at, body] of bodies.entries()) {
    const lines = body.replace(/\r\n|\r|\n/g, '\n')
    const wanted = lines.endsWith('\n') ? lines : `${lines}\n`
    const dump = arrived.find(message => message.includes(`X-Number: n${at}\n`))
    // The sink writes its own fields and the Received line in front, and an empty line behind.
    assert.equal(dump?.slice(dump.indexOf('X-Number')).replace(/\n$/, ''), wanted, `message ${at}`)
  }
})

test('smtp-sink speaks LMTP, without PIPELINING and without ESMTP (RFC 2033 §4)', { skip: noSink }, async () => {
  for (const [flag, flavour] of [
    ['-L', 'lmtp'],
    ['-p', 'smtp'],
    ['-e', 'smtp'],
    ['-8', 'smtp'],
  ] as const) {
    using sink = await smtpSink(flag)
    const opened = await openSession({ dialer: socketDialer(), clock: systemClock, hop: hopTo(sink.port, { flavour }), tls: CLEAR })
    assert.ok(opened.kind === 'open', flag)
    for (let round = 0; round < 3; round++) {
      const result: SendResult = await opened.session.send(
        mail(['a@mx.example', 'b@mx.example'], { eightBit: true, body: 'Subject: x\r\n\r\n\u00fc\r\n' }),
      )
      assert.deepEqual(
        result.outcomes.map(({ kind }) => kind),
        ['delivered', 'delivered'],
        flag,
      )
    }
    opened.session.quit()
    assert.equal(sink.messages().length, 3, flag)
  }
})

test('smtp-sink refuses, drops and breaks off at every step (S31)', { skip: noSink }, async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['-f', 'MAIL'], 'failed'],
    [['-f', 'RCPT'], 'failed'],
    [['-f', 'DATA'], 'failed'],
    [['-f', '.'], 'failed'],
    [['-r', 'MAIL'], 'deferred'],
    [['-r', 'RCPT'], 'deferred'],
    [['-r', '.'], 'deferred'],
    [['-q', 'MAIL'], 'deferred'],
    [['-q', 'RCPT'], 'deferred'],
    [['-q', 'DATA'], 'deferred'],
    [['-q', '.'], 'deferred'],
    [['-Q', 'RCPT'], 'deferred'],
    [['-Q', '.'], 'deferred'],
    [['-A', '0'], 'failed'],
  ]
  for (const [args, wanted] of cases) {
    using sink = await smtpSink(...args)
    const opened = await openSession({ dialer: socketDialer(), clock: systemClock, hop: hopTo(sink.port), tls: CLEAR })
    assert.ok(opened.kind === 'open', args.join(' '))
    const { outcomes } = await opened.session.send(mail(['bob@mx.example']))
    assert.equal(outcomes[0]?.kind, wanted, `${args.join(' ')}: ${outcomes[0]?.status.text}`)
    opened.session.destroy()
  }
})

const VERIFIED: TlsRequirement = { level: 'verified', source: 'settings', serverName: 'mx.example', ca: pair.cert, verify: pkixFailure }

async function ours(t: TestContext): Promise<{ readonly port: number }> {
  const server = composed({ listeners: { smtp: { port: 0, host: '127.0.0.1' } } })
  await server.listen()
  t.after(() => server.close())
  const port = server.ports.smtp
  assert.ok(port !== undefined)
  return { port }
}

test('our own server, over TLS with a certificate that is verified, a large message', async t => {
  const { port } = await ours(t)
  const opened = await openSession({ dialer: socketDialer(), clock: systemClock, hop: hopTo(port), tls: VERIFIED })
  assert.ok(opened.kind === 'open', opened.kind === 'refused' ? opened.status.text : '')
  assert.deepEqual(opened.tls, { encrypted: true, verified: true })
  const body = `Subject: large\r\n\r\n${`.${'x'.repeat(75)}\r\n`.repeat(60_000)}`
  const { outcomes } = await opened.session.send(mail(['ann@home.test', 'nobody@home.test'], { body }))
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['delivered', 'failed'],
  )
  opened.session.quit()
})

test('our own server, when its certificate is not what is asked for (S8)', async t => {
  const { port } = await ours(t)
  const { ca: _, ...strangers } = VERIFIED
  const dialer = socketDialer()
  const refused = await openSession({ dialer, clock: systemClock, hop: hopTo(port), tls: strangers })
  assert.ok(refused.kind === 'refused')
  assert.deepEqual([refused.status.code, refused.tls.failure?.type], ['4.7.5', 'certificate-not-trusted'])
  const misnamed = await openSession({ dialer, clock: systemClock, hop: hopTo(port), tls: { ...VERIFIED, serverName: 'other.example' } })
  assert.equal(misnamed.tls.failure?.type, 'certificate-host-mismatch')
  const anyway = await openSession({ dialer, clock: systemClock, hop: hopTo(port), tls: opportunistic('other.example') })
  assert.ok(anyway.kind === 'open')
  assert.deepEqual(anyway.tls, { encrypted: true, verified: false })
  anyway.session.quit()
})

const noPostfix = requireProgram('postfix') || (process.getuid?.() === 0 ? false : 'Postfix is started by root only')

test('Postfix: BDAT and DATA, small and large (RFC 3030 §2)', { skip: noPostfix }, async t => {
  const peer = await postfix()
  t.after(() => peer.stop())
  const port = peer.smtpPort
  assert.ok(port !== undefined)
  let taken = 0
  for (const chunking of [true, false]) {
    const opened = await openSession({
      dialer: socketDialer(),
      clock: systemClock,
      hop: hopTo(port),
      tls: opportunistic('mx.example'),
      chunking,
    })
    assert.ok(opened.kind === 'open', opened.kind === 'refused' ? opened.status.text : '')
    assert.equal(opened.session.facts.capabilities.chunking, true)
    for (const body of ['Subject: small\r\n\r\n.\r\n..\r\nx', `Subject: large\r\n\r\n${`.${'x'.repeat(75)}\r\n`.repeat(10_000)}`]) {
      const result: SendResult = await opened.session.send(mail(['box@bench.example'], { body }))
      assert.deepEqual(brief(result.outcomes), ['delivered 2.0.0'])
      taken++
    }
    opened.session.quit()
  }
  // The peer delivers after it took the message and tells nobody when: its mailbox is looked at until it has, a minute at most.
  for (let round = 0; round < 600 && (await peer.delivered()) < taken; round++) await new Promise(resolve => setTimeout(resolve, 100))
  assert.equal(await peer.delivered(), taken)
})
