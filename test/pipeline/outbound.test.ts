import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, defer, MailError, quarantine, reject } from 'mailwright/contracts'
import type { Directory, LiveConnection, Outbound, OutboundMessage, Principal, Reception, Verdict } from 'mailwright/contracts'
import { address, connectionOf, houseOf, mailOf, person, spooled } from './house.ts'

interface Way extends Outbound {
  readonly taken: OutboundMessage[]
  readonly texts: string[]
}

function wayOf(more: Partial<Outbound> = {}): Way {
  const taken: OutboundMessage[] = []
  const texts: string[] = []
  return {
    taken,
    texts,
    recipient: async ({ address: { local } }) => (local === 'nobody' ? reject('Suppressed', '5.1.1') : accept()),
    async take(message) {
      taken.push(message)
      const body = await message.content.read(0, message.content.size)
      texts.push((new TextDecoder().decode(message.prefix) + new TextDecoder().decode(body)).replaceAll('\r\n', '\n'))
      return 'q1'
    },
    ...more,
  }
}

const ann: Principal = { account: person('ann'), username: 'ann@example.org', scopes: ['smtp'], credential: 'password' }
const submission = (): LiveConnection => connectionOf('submission', { principal: ann })
const MAIL = 'From: ann@example.org\nSubject: Hello\nDate: Tue, 24 Nov 2026 07:00:00 +0000\nMessage-ID: <1@example.org>\n\nHello\n'
const shown = (verdict: Verdict | undefined): string =>
  verdict === undefined ? '' : 'code' in verdict ? `${verdict.kind} ${verdict.code}` : verdict.kind

async function give(reception: Reception, text: string, recipients: readonly string[]): Promise<string[]> {
  const answers: string[] = []
  for (const recipient of recipients) answers.push(shown(await reception.recipient(address(recipient))))
  const { outcomes } = await reception.message(spooled(text))
  return [...answers, ...outcomes.map(shown)]
}

test('a submitted message for here and elsewhere is stored here and queued once for all elsewhere (RFC 5321 §3.6)', async () => {
  const way = wayOf()
  const house = houseOf({ outbound: way })
  const transaction = { sender: address('ann@example.org'), smtpUtf8: true, envelopeId: 'e-1', ret: 'HDRS', requireTls: true } as const
  const { reception } = await house.host.receive(submission(), transaction)
  assert.equal(
    shown(await reception.recipient(address('zoe@far.example'), { notify: ['SUCCESS'], originalRecipient: 'rfc822;z@far.example' })),
    'accept',
  )
  assert.deepEqual(await give(reception, MAIL, ['ben@example.org', 'yan@far.example']), ['accept', 'accept', 'accept', 'accept', 'accept'])
  assert.equal((await mailOf(house.store, 'ben')).length, 1)
  const [message] = way.taken
  assert.equal(way.taken.length, 1)
  assert.deepEqual(message?.recipients, [
    { address: address('zoe@far.example'), notify: ['SUCCESS'], originalRecipient: 'rfc822;z@far.example' },
    { address: address('yan@far.example') },
  ])
  assert.deepEqual(
    [
      message?.principal?.username,
      message?.smtpUtf8,
      message?.envelopeId,
      message?.returnedContent,
      message?.requireTls,
      message?.header('subject'),
    ],
    ['ann@example.org', true, 'e-1', 'HDRS', true, 'Hello'],
  )
  assert.match(way.texts[0] ?? '', /^Received: from client\.example[^]*\nFrom: ann@example\.org\n/)
  assert.doesNotMatch(way.texts[0] ?? '', /Return-Path|Delivered-To/)
})

test('who has not logged in relays nothing, with a way out or without (S9)', async () => {
  const way = wayOf()
  const { host } = houseOf({ outbound: way })
  for (const protocol of ['smtp', 'lmtp'] as const) {
    const { reception } = await host.receive(connectionOf(protocol), { sender: address('ann@example.org') })
    assert.equal(shown(await reception.recipient(address('zoe@far.example'))), 'reject 5.7.1')
  }
  const { reception } = await houseOf().host.receive(submission(), { sender: address('ann@example.org') })
  assert.equal(shown(await reception.recipient(address('zoe@far.example'))), 'reject 5.4.4')
})

test('an alias sends on to other servers, marked so that a circle ends (RFC 5321 §3.9.1; S22)', async () => {
  const way = wayOf()
  const house = houseOf({ outbound: way, people: { aliases: { list: ['ben@example.org', 'zoe@far.example', 'nobody@far.example'] } } })
  const { reception } = await house.host.receive(connectionOf('smtp'), { sender: address('zoe@far.example') })
  assert.deepEqual(await give(reception, MAIL, ['list@example.org']), ['accept', 'accept'])
  assert.equal((await mailOf(house.store, 'ben')).length, 1)
  assert.deepEqual(way.taken[0]?.recipients, [{ address: address('zoe@far.example') }])
  assert.equal(way.taken[0]?.principal, undefined)
  assert.match(way.texts[0] ?? '', /^Delivered-To: list@example\.org\nReceived: /)
  assert.match(String(house.told('error')[0]?.['error']), /left out: Suppressed/)

  const back = await house.host.receive(connectionOf('smtp'), { sender: address('zoe@far.example') })
  assert.deepEqual(await give(back.reception, way.texts[0] ?? '', ['list@example.org']), ['accept', 'reject 5.4.6'])
  assert.equal(way.taken.length, 1)
})

test('a queue that cannot take the message is a temporary failure for those elsewhere, and LMTP tells them apart (I36)', async () => {
  const way = wayOf({ take: () => Promise.reject(new MailError('no-space', 'full')) })
  const house = houseOf({ outbound: way })
  const { reception } = await house.host.receive(connectionOf('lmtp', { principal: ann }), { sender: address('ann@example.org') })
  assert.deepEqual(await give(reception, MAIL, ['ben@example.org', 'zoe@far.example']), ['accept', 'accept', 'accept', 'defer 4.3.1'])
  assert.equal((await mailOf(house.store, 'ben')).length, 1)
})

test('nothing leaves when the copy here failed for now, and a message that is held aside is not passed on', async () => {
  const way = wayOf()
  const broken = houseOf({ outbound: way, middleware: [{ name: 'late', deliver: () => Promise.resolve(defer('later')) }] })
  const one = await broken.host.receive(submission(), { sender: address('ann@example.org') })
  assert.deepEqual(await give(one.reception, MAIL, ['ben@example.org', 'zoe@far.example']), [
    'accept',
    'accept',
    'defer 4.7.1',
    'defer 4.7.1',
  ])
  const aside = houseOf({ outbound: way, middleware: [{ name: 'odd', message: () => Promise.resolve(quarantine('odd')) }] })
  const two = await aside.host.receive(submission(), { sender: address('ann@example.org') })
  assert.deepEqual(await give(two.reception, MAIL, ['zoe@far.example']), ['accept', 'reject 5.7.1'])
  assert.equal(way.taken.length, 0)
})

test('a gateway takes mail for its domains from everybody and sends it on as it is (RFC 5321 §2.3.10)', async () => {
  const way = wayOf()
  const directory: Directory = {
    serves: async () => false,
    resolve: async ({ domain }) => ({ kind: domain === 'inner.example' ? 'relay' : 'remote' }),
  }
  const { host } = houseOf({ outbound: way, directory })
  const { reception } = await host.receive(connectionOf('smtp'), { sender: address('zoe@far.example') })
  assert.deepEqual(await give(reception, MAIL, ['ann@inner.example']), ['accept', 'accept'])
  assert.equal(shown(await reception.recipient(address('ann@far.example'))), 'reject 5.7.1')
  assert.deepEqual([way.taken.length, way.taken[0]?.relayed, way.taken[0]?.principal], [1, true, undefined])
  assert.doesNotMatch(way.texts[0] ?? '', /Delivered-To/)
})

test('a login may be given further sender addresses, or a whole domain of them (RFC 6409 §6.1)', async () => {
  const { host } = houseOf({ outbound: wayOf() })
  const as = async (principal: Principal, sender: string): Promise<string> =>
    shown((await host.receive(connectionOf('submission', { principal }), { sender: address(sender) })).verdict)
  assert.equal(await as(ann, 'zoe@inner.example'), 'reject 5.7.1')
  assert.equal(await as({ ...ann, senders: ['@inner.example'] }, 'Zoe@inner.example'), 'accept')
  assert.equal(await as({ ...ann, senders: ['@inner.example'] }, 'zoe@sub.inner.example'), 'reject 5.7.1')
  assert.equal(await as({ ...ann, senders: ['Zoe@inner.example'] }, 'zoe@inner.example'), 'accept')
})
