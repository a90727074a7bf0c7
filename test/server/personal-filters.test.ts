/** What the personal server does by itself against forged and unwanted mail, with one DNS server for all of it. RFC 9989 §5.4; RFC 8601. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { memoryStore } from 'mailwright/stores/memory'
import { fakeClock } from 'mailwright/testing'
import { personalServer } from 'mailwright/server'
import nodemailer from 'nodemailer'
import { personalFilters } from '../../src/server/personal-filters.ts'
import { personalResolver } from '../../src/server/personal-outbound.ts'
import { fakeServer } from '../dns/fake-server.ts'
import type { FakeServer } from '../dns/fake-server.ts'
import { address, connectionOf, houseOf, mailOf, person, spooled } from '../pipeline/house.ts'

const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
const TEXTS: Readonly<Record<string, string>> = {
  '_dmarc.refused.test': 'v=DMARC1; p=reject',
  '_dmarc.aside.test': 'v=DMARC1; p=quarantine',
  'open.test': 'v=spf1 ip4:127.0.0.1 ip4:203.0.113.7 -all',
  '_dmarc.open.test': 'v=DMARC1; p=reject',
}

/** A DNS server of the test; every name that has no text, and is in no list, is not there. */
function dnsOf(listed: readonly string[] = []): Promise<FakeServer> {
  return fakeServer(({ name, type }) => {
    const text = TEXTS[name.toLowerCase()]
    if (type === 'TXT' && text !== undefined) return { answers: [{ type: 'TXT', name, ttl: 60, data: [text] }] }
    if (type === 'A' && listed.includes(name)) return { answers: [{ type: 'A', name, ttl: 60, data: '127.0.0.2' }] }
    return { rcode: 3 }
  })
}

function asked({ asked: questions }: FakeServer): readonly string[] {
  return questions.flatMap(({ packet }) => (packet.questions ?? []).map(({ type, name }) => `${type} ${name.toLowerCase()}`))
}

test('p=reject is refused, p=quarantine and forged From go to Junk, also from this machine, by the DNS server that is given', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  using dns = await dnsOf()
  await using personal = await personalServer({
    data,
    domain: 'home.test',
    user: 'ann@home.test',
    ports,
    dns: dns.address,
    outbound: false,
  })
  const client = nodemailer.createTransport({ host: '127.0.0.1', port: personal.server.ports.smtp ?? 0, ignoreTLS: true })
  const send = async (from: string, envelope: string): Promise<string> => {
    const raw = `From: ${from}\r\nTo: ann@home.test\r\nSubject: ${from}\r\nDate: ${new Date().toUTCString().replace('GMT', '+0000')}\r\nMessage-ID: <${Math.random()}@${envelope}>\r\n\r\nhi\r\n`
    try {
      const { response } = await client.sendMail({ raw, envelope: { from: envelope, to: 'ann@home.test' } })
      return response.slice(0, 3)
    } catch (error) {
      return (error as { readonly response?: string }).response ?? String(error)
    }
  }
  const account = (await personal.directory.account('ann@home.test'))?.id ?? ''
  const counts = async (): Promise<readonly number[]> => [
    (await mailOf(personal.store, account)).length,
    (await mailOf(personal.store, account, 'Junk')).length,
  ]
  assert.equal(
    await send('bob@refused.test', 'bob@refused.test'),
    '550 5.7.1 This mail is not from refused.test, which asks to reject what is not (DMARC)',
  )
  assert.deepEqual(await counts(), [0, 0])
  assert.equal(await send('bob@aside.test', 'bob@aside.test'), '250')
  assert.deepEqual(await counts(), [0, 1])
  assert.equal(await send('bob@open.test', 'bob@open.test'), '250')
  assert.deepEqual(await counts(), [1, 1])
  assert.equal(await send('bob@open.test, bob@refused.test', 'bob@open.test'), '250')
  assert.deepEqual(await counts(), [1, 2])
  client.close()
  for (const question of ['TXT _dmarc.refused.test', 'TXT refused.test', 'PTR 1.0.0.127.in-addr.arpa'])
    assert.ok(asked(dns).includes(question), question)
})

test('lists and greylisting are options, and ask the same server', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  using dns = await dnsOf(['7.113.0.203.bl.test', '2.0.0.127.bl.test'])
  const clock = fakeClock(Date.now())
  const world = { hostname: 'mail.home.test', store: memoryStore(), resolver: personalResolver(dns.address), clock }
  const letter = `From: bob@open.test\nTo: ann@example.org\nSubject: x\nDate: ${new Date().toUTCString().replace('GMT', '+0000')}\nMessage-ID: <1@open.test>\n\nhi\n`
  const judged = async (options: Parameters<typeof personalFilters>[0]): Promise<readonly [string, readonly string[]]> => {
    const filters = personalFilters(options, { ...world, stateFile: join(data, `${Object.keys(options).join('')}.sqlite`) })
    t.after(() => filters.close())
    const house = houseOf({ middleware: filters.middleware })
    const connection = connectionOf('smtp', { remote: { address: '203.0.113.7', port: 1 }, clientName: 'mx.open.test' })
    const { reception } = await house.host.receive(connection, { sender: address('bob@open.test') })
    const verdict = await reception.recipient(address('ann@example.org'))
    if (verdict.kind !== 'accept') return [verdict.kind, []]
    await reception.message(spooled(letter))
    const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly { readonly symbols?: readonly { readonly name: string }[] }[]
    return ['accept', trace.flatMap(({ symbols = [] }) => symbols.map(({ name }) => name))]
  }
  const [plain, found] = await judged({})
  assert.equal(plain, 'accept')
  assert.ok(found.includes('DMARC_PASS') && !found.some(name => name.includes('DNSBL')), found.join())
  assert.ok(!asked(dns).some(question => question.endsWith('bl.test')))
  const [, listed] = await judged({ dnsbl: ['bl.test'] })
  assert.ok(
    listed.some(name => name.startsWith('DNSBL')),
    listed.join(),
  )
  assert.ok(asked(dns).includes('A 7.113.0.203.bl.test'))
  assert.equal((await judged({ greylist: true }))[0], 'defer')
})

test('a login sends so many messages an hour and no more, strangers are not counted (S34)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  const clock = fakeClock()
  const world = { hostname: 'mail.home.test', store: memoryStore(), resolver: personalResolver('127.0.0.1:9'), clock }
  const filters = personalFilters({}, { ...world, stateFile: join(data, 'state.sqlite') })
  t.after(() => filters.close())
  const house = houseOf({ middleware: filters.middleware, clock })
  const begin = async (more: Parameters<typeof connectionOf>[1], who = 'ann'): Promise<string> =>
    (await house.host.receive(connectionOf('smtp', more), { sender: address(`${who}@example.org`) })).verdict.kind
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' as const }
  for (let n = 0; n < 300; n++) assert.equal(await begin({ principal }), 'accept')
  assert.equal(await begin({ principal }), 'defer')
  assert.equal(await begin({ principal: { ...principal, account: person('ben') } }, 'ben'), 'accept')
  for (let n = 0; n < 400; n++) assert.equal(await begin({}, 'zoe'), 'accept')
  clock.advance(3_600_000 / 1000)
  assert.equal(await begin({ principal }), 'accept')
  assert.equal(await begin({ principal }), 'defer')
})
