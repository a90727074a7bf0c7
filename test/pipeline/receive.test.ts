import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from 'mailwright/contracts'
import { address, connectionOf, houseOf, mailOf, person, spooled } from './house.ts'
import type { TestHouse } from './house.ts'

const HELLO = 'From: Zoe <zoe@far.example>\nTo: ann@example.org\nSubject: Hello\n\nHello Ann\n'

function shown(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'nothing'
  return verdict.kind === 'reject' || verdict.kind === 'defer' ? `${verdict.kind} ${verdict.code}` : verdict.kind
}

async function send(
  house: TestHouse,
  recipients: readonly string[],
  text: string = HELLO,
  connection: ReturnType<typeof connectionOf> = connectionOf(),
): Promise<string[]> {
  const { verdict, reception } = await house.host.receive(connection, { sender: address('zoe@far.example') })
  if (verdict.kind !== 'accept') return [shown(verdict)]
  for (const recipient of recipients) {
    const answer = await reception.recipient(address(recipient))
    if (answer.kind !== 'accept') return [shown(answer)]
  }
  const { outcomes } = await reception.message(spooled(text))
  return outcomes.map(outcome => shown(outcome))
}

test('a message gets Return-Path, Delivered-To and Received on top (RFC 5321 §4.4)', async () => {
  const house = houseOf()
  assert.deepEqual(await send(house, ['ann@example.org']), ['accept'])
  const [mail = ''] = await mailOf(house.store, 'ann')
  const id = / id (\w+)/.exec(mail)?.[1] ?? ''
  assert.equal(
    mail,
    [
      'Return-Path: <zoe@far.example>',
      'Delivered-To: ann@example.org',
      'Received: from client.example ([192.0.2.7])',
      `\tby mx.example.org with ESMTP id ${id}`,
      '\tfor <ann@example.org>; Fri, 02 Jan 2026 03:04:05 +0000',
      HELLO,
    ].join('\n'),
  )
  assert.equal(house.told('message')[0]?.['id'], id)
  assert.equal(house.told('delivered')[0]?.['id'], id)
})

test('Received names TLS and login, and no recipient where there are several (RFC 3848; RFC 5321 §7.2)', async () => {
  const house = houseOf()
  const connection = connectionOf('smtp', {
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    clientName: 'evil\r\nX-Injected: yes',
    remote: { address: '2001:db8::7', port: 1 },
  })
  assert.deepEqual(await send(house, ['ann@example.org', 'ben@example.org'], HELLO, connection), ['accept', 'accept'])
  const [mail = ''] = await mailOf(house.store, 'ben')
  assert.match(mail, /^Return-Path: <zoe@far\.example>\nDelivered-To: ben@example\.org\nReceived: from unknown \(\[IPv6:2001:db8::7\]\)\n/)
  assert.match(mail, /\tby mx\.example\.org with ESMTPS id \w+\n\t\(version=TLSv1\.3 cipher=TLS_AES_256_GCM_SHA384\); Fri/)
})

test('recipients are told at RCPT what becomes of them (RFC 5321 §3.3, §3.6)', async () => {
  const house = houseOf({
    people: {
      accounts: [person('ann'), person('cleo', { disabled: true }), person('dan', { quota: { octets: 100 } })],
      aliases: {
        group: ['ann@example.org', 'nobody@example.org'],
        away: ['far@elsewhere.example'],
        ring: ['gnir@example.org'],
        gnir: ['ring@example.org'],
      },
      broken: ['flaky'],
    },
  })
  const { reception } = await house.host.receive(connectionOf(), { sender: undefined, announcedSize: 101 })
  const answers: Record<string, string> = {}
  for (const name of ['ann', 'ann+news', 'nobody', 'cleo', 'dan', 'group', 'away', 'ring', 'flaky']) {
    answers[name] = shown(await reception.recipient(address(`${name}@example.org`)))
  }
  answers['remote'] = shown(await reception.recipient(address('x@elsewhere.example')))
  assert.deepEqual(answers, {
    ann: 'accept',
    'ann+news': 'accept',
    nobody: 'reject 5.1.1',
    cleo: 'reject 5.2.1',
    dan: 'reject 5.2.2',
    group: 'accept',
    away: 'reject 5.4.4',
    ring: 'reject 5.4.6',
    flaky: 'defer 4.3.0',
    remote: 'reject 5.7.1',
  })
})

test('a full mailbox is known before the data (RFC 1870 §6.1)', async () => {
  const house = houseOf({ people: { accounts: [person('ann', { quota: { octets: 1000 } })] } })
  assert.deepEqual(await send(house, ['ann@example.org']), ['accept'])
  const ask = async (announcedSize: number | undefined): Promise<string> => {
    const transaction = announcedSize === undefined ? { sender: undefined } : { sender: undefined, announcedSize }
    const { reception } = await house.host.receive(connectionOf(), transaction)
    return shown(await reception.recipient(address('ann@example.org')))
  }
  assert.equal(await ask(undefined), 'accept')
  assert.equal(await ask(900), 'defer 4.2.2')
  assert.equal(await ask(1001), 'reject 5.2.2')
})

test('LMTP answers for each recipient, SMTP for all (RFC 2033 §4.2)', async () => {
  const people = { accounts: [person('ann'), person('dan', { quota: { octets: 50 } })] }
  const lmtp = houseOf({ people })
  assert.deepEqual(await send(lmtp, ['ann@example.org', 'dan@example.org'], HELLO, connectionOf('lmtp')), ['accept', 'reject 5.2.2'])
  assert.equal((await mailOf(lmtp.store, 'ann')).length, 1)
  assert.equal((await mailOf(lmtp.store, 'dan')).length, 0)
})

test('two recipients that lead to one account get one copy', async () => {
  const house = houseOf({ people: { accounts: [person('ann')], aliases: { info: ['ann@example.org'] } } })
  assert.deepEqual(await send(house, ['ann@example.org', 'info@example.org']), ['accept', 'accept'])
  assert.equal((await mailOf(house.store, 'ann')).length, 1)
  assert.equal(house.told('delivered').length, 2)
})

test('loops end: 51 Received fields, or a Delivered-To of the recipient (RFC 5321 §6.3; S22)', async () => {
  const house = houseOf()
  assert.deepEqual(await send(house, ['ann@example.org'], `${'Received: from a by b; date\n'.repeat(51)}${HELLO}`), ['reject 5.4.6'])
  assert.deepEqual(await send(house, ['ann@example.org'], `${'Received: from a by b; date\n'.repeat(50)}${HELLO}`), ['accept'])
  assert.deepEqual(await send(house, ['ann@example.org'], `Delivered-To: ann@example.org\n${HELLO}`), ['reject 5.4.6'])
  assert.deepEqual(await send(house, ['ben@example.org'], `Delivered-To: ann@example.org\n${HELLO}`), ['accept'])
})

test('headers and lines have limits (S18, S28)', async () => {
  const house = houseOf()
  assert.deepEqual(await send(house, ['ann@example.org'], `${'X: y\n'.repeat(1001)}\nbody\n`), ['reject 5.6.0'])
  assert.deepEqual(await send(house, ['ann@example.org'], `${'X: y\n'.repeat(1000)}\nbody\n`), ['accept'])
  assert.deepEqual(await send(house, ['ann@example.org'], `${`X: ${'y'.repeat(1000)}\n`.repeat(262)}\nbody\n`), ['reject 5.6.0'])
  assert.deepEqual(await send(house, ['ann@example.org'], `X: y\n\n${'z'.repeat(65_534)}\n`), ['accept'])
  assert.deepEqual(await send(house, ['ann@example.org'], `X: y\n\n${'z'.repeat(65_535)}\n`), ['reject 5.6.0'])
  assert.equal((await mailOf(house.store, 'ann')).length, 2)
})

test('who has logged in sends from their own addresses, and gets Date and Message-ID (RFC 6409 §6.1, §8)', async () => {
  const house = houseOf({
    people: {
      accounts: [person('ann'), person('ben')],
      aliases: { team: ['ann@example.org', 'ben@example.org'], info: ['ann@example.org'] },
    },
  })
  const connection = connectionOf('submission')
  const { verdict } = await house.host.receive(connection, { sender: address('ann@example.org') })
  assert.equal(shown(verdict), 'reject 5.7.0')
  const login = await house.host.login(connection, 'PLAIN', { kind: 'password', username: 'ann@example.org', password: 'correct horse' })
  assert.equal(login.ok, true)
  const as = async (sender: string): Promise<string> => shown((await house.host.receive(connection, { sender: address(sender) })).verdict)
  assert.equal(await as('ann+x@example.org'), 'accept')
  assert.equal(await as('info@example.org'), 'accept')
  // A member is not the group.
  assert.equal(await as('team@example.org'), 'reject 5.7.1')
  assert.equal(await as('ben@example.org'), 'reject 5.7.1')
  assert.equal(await as('ann@elsewhere.example'), 'reject 5.7.1')
  const { reception } = await house.host.receive(connection, { sender: address('ann@example.org') })
  assert.equal(shown(await reception.recipient(address('x@elsewhere.example'))), 'reject 5.4.4')
  assert.equal(shown(await reception.recipient(address('ben@example.org'))), 'accept')
  const { id } = await reception.message(spooled('From: ann@example.org\n\nHi\n'))
  const [mail = ''] = await mailOf(house.store, 'ben')
  assert.match(mail, /with ESMTPA id/)
  assert.ok(
    mail.endsWith(`\nDate: Fri, 02 Jan 2026 03:04:05 +0000\nMessage-ID: <${id}@mx.example.org>\nFrom: ann@example.org\n\nHi\n`),
    mail,
  )
})

test('a client that left before the decision stores nothing', async () => {
  const connection = connectionOf()
  const house = houseOf({
    middleware: [
      {
        name: 'leaver',
        message: async (_context, next) => {
          connection.leave()
          return next()
        },
      },
    ],
  })
  assert.deepEqual(await send(house, ['ann@example.org'], HELLO, connection), ['defer 4.4.2'])
  assert.equal((await mailOf(house.store, 'ann')).length, 0)
})

test('a store without deliver appends to each; one that fails is a temporary error (S28)', async () => {
  const appending = bound(houseOf().store)
  const plain = houseOf({ store: appending })
  assert.deepEqual(await send(plain, ['ann@example.org', 'ben@example.org']), ['accept', 'accept'])
  assert.equal((await mailOf(plain.store, 'ben')).length, 1)
  const failing = houseOf({ store: { ...appending, deliver: () => Promise.reject(new Error('SQLITE_IOERR: /var/mail')) } })
  assert.deepEqual(await send(failing, ['ann@example.org']), ['defer 4.3.0'])
  assert.equal(failing.told('error').length, 1)
})

function bound(store: TestHouse['store']): TestHouse['store'] {
  const { durable } = store
  return {
    open: store.open.bind(store),
    close: store.close.bind(store),
    ...(durable === undefined ? {} : { durable }),
  }
}
