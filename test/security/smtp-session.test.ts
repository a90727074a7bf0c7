import assert from 'node:assert/strict'
import { connect } from 'node:tls'
import { test } from 'node:test'
import { upgradeToTls } from '../../src/net/tls-upgrade.ts'
import { testCertificates } from './smtp-certificate.ts'
import { mailOf, person } from '../pipeline/house.ts'
import { bridge } from '../smtp-server/bridge.ts'
import type { Bridge, RawClient } from '../smtp-server/bridge.ts'

const HELLO = 'EHLO c.example\r\n'

async function greeted(server: Bridge): Promise<RawClient> {
  const client = await server.client()
  client.write(server.engine.protocol === 'lmtp' ? 'LHLO c.example\r\n' : HELLO)
  await client.replies(2)
  return client
}

test('who talks before the greeting is turned away (RFC 5321 §4.3.1; S5)', async () => {
  await using server = await bridge({ greetingDelay: 1000 })
  using client = await server.client()
  client.write('EHLO spam.example\r\nMAIL FROM:<a@b.example>\r\n')
  assert.match(await client.reply(), /^554 5\.5\.0 /)
  assert.equal(await client.reply(), 'closed')
  using patient = await server.client()
  while (server.house.clock.untilNext === undefined) await new Promise(resolve => setImmediate(resolve))
  server.house.clock.advance(1000)
  assert.match(await patient.reply(), /^220 /)
})

test('nothing may follow EHLO, DATA, STARTTLS and AUTH before their reply (RFC 2920 §3.1; S5)', async () => {
  for (const lines of [
    'EHLO a.example\r\nNOOP\r\n',
    'DATA\r\nSubject: early\r\n\r\n.\r\n',
    'AUTH PLAIN\r\nAGEAYg==\r\n',
    'STARTTLS\r\nNOOP\r\n',
  ]) {
    await using server = await bridge({
      auth: true,
      allowPlaintextLogin: true,
      startTls: () => Promise.reject(new Error('must not come to this')),
    })
    using client = await greeted(server)
    if (lines.startsWith('DATA')) {
      client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\n')
      await client.replies(2)
    }
    client.write(lines)
    assert.match(await client.reply(), /^503 5\.5\.1 /, lines)
    assert.equal(await client.reply(), 'closed', lines)
    assert.equal((await mailOf(server.house.store, 'ann')).length, 0)
  }
})

test('nothing sent in the clear behind STARTTLS runs under TLS, cut at every octet (RFC 3207 §4.2; S6)', async () => {
  const tls = testCertificates()
  const injected = `${'NOOP\r\n'.repeat(3)}MAIL FROM:<evil@b.example>\r\n`
  const octets = Buffer.from(`STARTTLS\r\n${injected}`, 'latin1')
  for (let cut = 0; cut <= octets.length; cut++) {
    await using server = await bridge({ startTls: socket => upgradeToTls(socket, { certificates: tls }) })
    using client = await greeted(server)
    client.write(octets.subarray(0, cut))
    await new Promise(resolve => setImmediate(resolve))
    client.write(octets.subarray(cut))
    const text = await client.rest()
    // One refusal, or 220 and a handshake that fails (its alert is no reply); never the reply to an injected command.
    assert.doesNotMatch(text, /250 /, `cut at ${cut}`)
    assert.match(text, /^(?:503 5\.5\.1 |220 2\.0\.0 )/, `cut at ${cut}`)
    await server.idle()
    assert.equal(server.house.told('message').length, 0)
  }
})

test('a hundred and fifty lines behind STARTTLS run no more than one does (S6)', async () => {
  const tls = testCertificates()
  await using server = await bridge({ startTls: socket => upgradeToTls(socket, { certificates: tls }) })
  using client = await greeted(server)
  client.write(`STARTTLS\r\n${'NOOP\r\n'.repeat(150)}`)
  assert.match(await client.reply(), /^503 5\.5\.1 /)
  assert.equal(await client.reply(), 'closed')
})

test('after STARTTLS the session begins anew (RFC 3207 §4.2)', async () => {
  const tls = testCertificates()
  await using server = await bridge({ flavour: 'submission', startTls: socket => upgradeToTls(socket, { certificates: tls }) })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO c.example
    S: 250-*STARTTLS
    C: MAIL FROM:<ann@example.org>
    S: 530 5.7.0 Must issue a STARTTLS command first
    C: STARTTLS now
    S: 501 5.5.4 *
    C: STARTTLS
    S: 220 2.0.0 *
  `)
  const secure = connect({ socket: client.socket, rejectUnauthorized: false })
  await new Promise(resolve => secure.once('secureConnect', resolve))
  client.socket.removeAllListeners('data')
  client.adopt(secure)
  await client.transcript(`
    C: MAIL FROM:<ann@example.org>
    S: 503 5.5.1 Say hello first
    C: STARTTLS
    S: 503 5.5.1 *
    C: EHLO c.example
    S: 250-*AUTH PLAIN LOGIN
    C: AUTH PLAIN ${Buffer.from('\0ann@example.org\0correct horse').toString('base64')}
    S: 235 *
    C: MAIL FROM:<ann@example.org>
    S: 250 *
    C: RCPT TO:<ben@example.org>
    S: 250 *
    C: DATA
    S: 354 *
    C: From: ann@example.org
    C:
    C: Hi
    C: .
    S: 250 2.6.0 *
    C: QUIT
    S: 221 *
  `)
  const [mail = ''] = await mailOf(server.house.store, 'ben')
  assert.match(mail, /with ESMTPSA id \w+\n\t\(version=TLSv1\.3 cipher=TLS_\w+\)/)
})

test('slow clients are cut off at total deadlines (RFC 5321 §4.5.3.2; S26)', async () => {
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  await using server = await bridge()
  const { clock } = server.house
  {
    using idle = await greeted(server)
    clock.advance(299_000)
    idle.write('NOOP\r\n')
    assert.match(await idle.reply(), /^250 /)
    clock.advance(299_000)
    await settle()
    clock.advance(1000)
    assert.match(await idle.reply(), /^421 4\.4\.2 Timeout/)
  }
  {
    using line = await greeted(server)
    for (const letter of 'MAIL FRO') {
      line.write(letter)
      await settle()
      clock.advance(4000)
    }
    assert.match(await line.reply(), /^421 4\.4\.2 Timeout/)
  }
  {
    using data = await greeted(server)
    data.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
    await data.replies(3)
    for (let turn = 0; turn < 3; turn++) {
      data.write('x'.repeat(100))
      await settle()
      clock.advance(10_000)
    }
    assert.match(await data.reply(), /^421 4\.4\.2 The message arrives too slowly/)
  }
  {
    using data = await greeted(server)
    data.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
    await data.replies(3)
    for (let turn = 0; turn < 20; turn++) {
      data.write(`${'x'.repeat(3998)}\r\n`)
      await settle()
      clock.advance(30_000)
    }
    assert.match(await data.reply(), /^421 4\.4\.2 The message arrives too slowly/)
  }
  {
    using session = await greeted(server)
    for (let turn = 0; turn < 15; turn++) {
      clock.advance(239_000)
      session.write('NOOP\r\n')
      assert.match(await session.reply(), /^250 /)
      await settle()
    }
    clock.advance(15_000)
    assert.match(await session.reply(), /^421 4\.4\.2 Timeout/)
  }
  await server.idle()
  assert.equal(server.house.spool.held, 0)
  assert.equal(server.house.clock.untilNext, undefined)
})

test('limits: size while it streams, recipients, and commands that lead nowhere (RFC 5321 §4.5.3; S28)', async () => {
  await using server = await bridge({ maxSize: 1000, maxRecipients: 3 })
  {
    using client = await greeted(server)
    client.write(`MAIL FROM:<a@b.example>\r\n${'RCPT TO:<ann@example.org>\r\n'.repeat(4)}DATA\r\n`)
    assert.match((await client.replies(6))[4] ?? '', /^452 4\.5\.3 /)
    client.write(`Subject: x\r\n\r\n${`${'y'.repeat(98)}\r\n`.repeat(11)}.\r\n`)
    assert.match(await client.reply(), /^552 5\.3\.4 /)
    client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
    await client.replies(3)
    client.write(Buffer.alloc(4 * 1024 * 1024, 'z'))
    assert.match(await client.reply(), /^552 5\.3\.4 /)
    assert.equal(await client.reply(), 'closed')
  }
  for (const [line, allowed] of [
    ['NOOP', 100],
    ['RSET', 100],
    ['VRFY ann', 100],
    ['FROB', 9],
  ] as const) {
    using client = await greeted(server)
    for (let turn = 0; turn < allowed; turn++) {
      client.write(`${line}\r\n`)
      assert.doesNotMatch(await client.reply(), /^421/)
    }
    client.write(`${line}\r\n`)
    assert.match(await client.reply(), /^421 4\.7\.0 /)
  }
  {
    using client = await greeted(server)
    client.write('MAIL FROM:<a@b.example>\r\n')
    await client.reply()
    for (let turn = 0; turn < 101; turn++) {
      client.write(`RCPT TO:<user${turn}@example.org>\r\n`)
      assert.match(await client.reply(), /^550 5\.1\.1 /)
    }
    assert.match(await client.reply(), /^421 4\.7\.0 /)
  }
  {
    using client = await greeted(server)
    client.write(`${'x'.repeat(20_000)}\r\n`)
    assert.match(await client.reply(), /^500 5\.5\.6 /)
  }
  await server.idle()
  assert.equal(server.house.spool.held, 0)
})

test('nothing that a client says becomes a line of a reply or of a header (S13)', async () => {
  const evil = 'x\r\nEVIL: 1'.replaceAll('\r\n', '\u0085')
  await using server = await bridge({
    house: {
      middleware: [
        {
          name: 'echo',
          recipient: async context => ({ kind: 'reject', text: `No ${context.recipient.local}\r\n250 ok\u2028\u001b[2J`, code: '5.7.1' }),
        },
      ],
    },
  })
  using client = await greeted(server)
  client.write(Buffer.from(`EHLO ${evil}\r\n`, 'utf8'))
  assert.match(await client.reply(), /^501 /)
  for (const parameter of ['ENVID=a+0D+0Ab', 'SIZE=1\t2', 'RET=FULL\u000b', 'BODY=8BITMIME\u0000']) {
    client.write(`MAIL FROM:<a@b.example> ${parameter}\r\n`)
    assert.match(await client.reply(), /^50[01] /)
    client.write('RSET\r\n')
    await client.reply()
  }
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nNOOP\r\n')
  const [, refusal = '', last] = await client.replies(3)
  assert.match(refusal, /^550 5\.7\.1 No ann[ -~]*$/)
  assert.equal(last, '250 2.0.0 OK')
})

test('only the directory says which addresses are one (RFC 5321 §2.4; S12)', async () => {
  const accounts = [person('ann')]
  const upper = person('upper')
  await using server = await bridge({
    house: {
      directory: {
        serves: async () => true,
        resolve: async ({ local }) => ({ kind: 'account', account: local === 'ANN' ? upper : (accounts[0] ?? upper) }),
      },
    },
  })
  using client = await greeted(server)
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nRCPT TO:<ANN@example.org>\r\nDATA\r\n')
  await client.replies(4)
  client.write('Subject: x\r\n\r\n.\r\n')
  assert.match(await client.reply(), /^250 /)
  assert.equal((await mailOf(server.house.store, 'ann')).length, 1)
  assert.equal((await mailOf(server.house.store, 'upper')).length, 1)
})
