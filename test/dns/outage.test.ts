import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { outageResolver } from 'mailwright/dns'
import { MailError } from 'mailwright/contracts'
import { fakeClock, fakeResolver } from 'mailwright/testing'

const unavailable = (error: unknown): boolean => error instanceof MailError && error.kind === 'unavailable'

test('DNS as a whole is given a rest when it is away, and not for one domain that is slow', async () => {
  const clock = fakeClock()
  const dns = fakeResolver(
    { 'slow.example': { fails: true, delayMs: 5000 }, 'a.root-servers.net': { a: ['198.41.0.4'] }, 'good.example': { a: ['192.0.2.1'] } },
    { clock },
  )
  const resolver = outageResolver(dns, { clock })
  const failing = assert.rejects(resolver.txt('slow.example'), unavailable)
  await setImmediate()
  clock.advance(5000)
  await failing
  await setImmediate()
  assert.deepEqual((await resolver.a('good.example')).records, ['192.0.2.1'], 'the probe answered, so nothing rests')
  assert.ok(dns.asked.includes('a a.root-servers.net'))

  dns.set('a.root-servers.net', { fails: true })
  dns.set('good.example', { fails: new MailError('unavailable', 'queryA ECONNREFUSED good.example') })
  await assert.rejects(resolver.a('good.example'), unavailable)
  await setImmediate()
  const asked = dns.asked.length
  for (let at = 0; at < 10; at++) await assert.rejects(resolver.mx(`d${at}.example`), unavailable)
  assert.equal(dns.asked.length, asked, 'while it rests nobody is asked')

  dns.set('good.example', { a: ['192.0.2.1'] })
  clock.advance(30_000)
  assert.deepEqual((await resolver.a('good.example')).records, ['192.0.2.1'])
})
