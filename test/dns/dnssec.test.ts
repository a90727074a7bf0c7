import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { recordsFor, stubResolver, systemResolver, tlsaOf, zoneLine } from 'mailwright/dns'
import { socketDialer } from 'mailwright/net'
import { testCertificate } from './certificate.ts'
import { dnsWorld, noDnsWorld } from './world.ts'

test(
  'a validating resolver vouches for a signed zone and gives out nothing forged (RFC 4035 §3.2.3, §5.5; RFC 7672 §2.1)',
  { skip: noDnsWorld, timeout: 60_000 },
  async t => {
    const { cert } = testCertificate('mail.signed.test')
    const { records } = recordsFor('signed.test', { ipv4: ['192.0.2.25'], certificates: [cert] })
    const own = records.filter(({ purpose }) => purpose !== 'reverse').map(zoneLine)
    await using world = await dnsWorld({
      'signed.test': {
        signed: true,
        records: [
          ...own,
          'forged.signed.test. 300 IN A 192.0.2.66',
          'www.signed.test. 300 IN CNAME mail.signed.test.',
          'out.signed.test. 300 IN CNAME mail.plain.test.',
          ...Array.from({ length: 40 }, (_, i) => `big.signed.test. 300 IN TXT "${String(i).padStart(4, '0')}${'x'.repeat(200)}"`),
        ].join('\n'),
        damage: ['192.0.2.66', '192.0.2.67'],
      },
      'plain.test': { records: 'mail.plain.test. 300 IN A 192.0.2.26\nplain.test. 300 IN MX 0 .' },
    })
    const resolver = stubResolver({ servers: [world.resolver], dialer: socketDialer() })

    await t.test('the AD bit of a signed zone is seen, and that of an unsigned one is not there', async () => {
      assert.deepEqual((await resolver.mx('signed.test')).authentic, true)
      const { ttl = 0, ...answer } = await resolver.a('mail.signed.test')
      assert.deepEqual(answer, { records: ['192.0.2.25'], authentic: true })
      // It came along with the MX answer, and its time runs since then.
      assert.ok(ttl > 3500 && ttl <= 3600, `${ttl}`)
      const { records: none, authentic } = await resolver.mx('plain.test')
      assert.deepEqual([none, authentic], [[{ preference: 0, exchange: '' }], false])
    })
    await t.test('TLSA records are read, and vouched for', async () => {
      const { records: found, authentic } = await resolver.tlsa('_25._tcp.mail.signed.test')
      assert.deepEqual([found, authentic], [[tlsaOf(cert)], true])
    })
    await t.test('absence is vouched for, and told apart', async () => {
      assert.deepEqual(await resolver.tlsa('_25._tcp.nowhere.signed.test'), { records: [], authentic: true, exists: false, ttl: 60 })
      assert.deepEqual(await resolver.tlsa('mail.signed.test'), { records: [], authentic: true, ttl: 60 })
    })
    await t.test('aliases are as good as their weakest step', async () => {
      assert.equal((await resolver.a('www.signed.test')).authentic, true)
      const out = await resolver.a('out.signed.test')
      assert.deepEqual([out.records, out.authentic], [['192.0.2.26'], false])
    })
    await t.test('a record that its signature does not fit is unavailable, not absent', async () => {
      await assert.rejects(resolver.a('forged.signed.test'), (error: unknown) => error instanceof MailError && error.kind === 'unavailable')
      await assert.rejects(resolver.a('forged.signed.test'), /SERVFAIL/)
    })
    await t.test('an answer of many kilobytes comes over TCP', async () => {
      const { records: found, authentic } = await resolver.txt('big.signed.test')
      assert.deepEqual([found.length, authentic], [40, true])
    })
    await t.test('without trust nothing is vouched for', async () => {
      const doubting = stubResolver({ servers: [world.resolver], trustAuthenticData: false })
      assert.equal((await doubting.mx('signed.test')).authentic, false)
      assert.equal((await systemResolver({ servers: [world.resolver] }).mx('signed.test')).authentic, false)
    })
    await t.test('an authoritative server can be asked as well', async () => {
      const direct = stubResolver({ servers: [world.authority] })
      assert.deepEqual((await direct.a('www.signed.test')).records, ['192.0.2.25'])
      assert.deepEqual((await direct.a('nowhere.signed.test')).exists, false)
    })
  },
)
