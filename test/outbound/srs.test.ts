import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError } from 'mailwright/contracts'
import { canonicalAddress, printAddress } from 'mailwright/mime'
import { bounceAddresses, senderRewriting } from 'mailwright/outbound'

const secret = 'correct horse battery'
const DAY = 86_400_000

function fakeTime(): { now(): number; pass(ms: number): void } {
  let time = Date.parse('2026-11-24T08:00:00Z')
  return { now: () => time, pass: ms => void (time += ms) }
}

const clock = fakeTime()
const srs = senderRewriting({ domain: 'fwd.example', secret, clock })
const second = senderRewriting({ domain: 'again.example', secret: 'another horse battery', clock })
const third = senderRewriting({ domain: 'third.example', secret: 'yet another battery', clock })

test('a forwarded sender is ours and finds its way back (RFC 7208 §10.3)', () => {
  const sender = { local: 'Ann.Lee', domain: 'example.org' }
  const rewritten = srs.forward(sender)
  assert.match(printAddress(rewritten), /^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=example\.org=Ann\.Lee@fwd\.example$/)
  assert.deepEqual(srs.reverse(rewritten), sender)
})

test('systems that fold case do no harm (RFC 5321 §2.4)', () => {
  const rewritten = srs.forward({ local: 'ann', domain: 'example.org' })
  for (const fold of [(text: string) => text.toLowerCase(), (text: string) => text.toUpperCase()])
    assert.deepEqual(srs.reverse({ local: fold(rewritten.local), domain: 'fwd.example' }), { local: fold('ann'), domain: 'example.org' })
})

test('local parts of every kind come back, through the form of the wire too', () => {
  for (const local of ['a=b=c', 'Ann Lee', 'a@b', 'ä', '"', 'a+tag', 'SRS', 'srs0', "o'neil", '=']) {
    const sender = { local, domain: 'example.org' }
    const wire = printAddress(srs.forward(sender))
    assert.deepEqual(srs.reverse(canonicalAddress(wire) ?? sender), sender, wire)
  }
})

test('behind other forwarders the first one is kept, and the address does not grow with each', () => {
  const sender = { local: 'ann', domain: 'example.org' }
  const one = srs.forward(sender)
  const two = second.forward(one)
  const three = third.forward(two)
  assert.match(two.local, /^SRS1=[a-z2-7]{8}=fwd\.example==[a-z2-7]{8}=/)
  assert.equal(three.local.length, two.local.length)
  assert.deepEqual([third.reverse(three), second.reverse(two)], [one, one])
  assert.deepEqual(srs.reverse(one), sender)
  assert.deepEqual(
    second.forward({ local: 'SRS0+XyZ1=AB=example.net=bob', domain: 'other.example' }),
    second.forward({ local: 'SRS0+XyZ1=AB=example.net=bob', domain: 'other.example' }),
  )
  assert.deepEqual(second.reverse(second.forward({ local: 'SRS0+XyZ1=AB=example.net=bob', domain: 'other.example' })), {
    local: 'SRS0+XyZ1=AB=example.net=bob',
    domain: 'other.example',
  })
})

test('what we did not write is no way through us (S21)', () => {
  const { local } = srs.forward({ local: 'ann', domain: 'example.org' })
  const reverse = (text: string, domain = 'fwd.example'): unknown => srs.reverse({ local: text, domain })
  assert.equal(reverse(local.replace('ann', 'bob')), 'forged')
  assert.equal(reverse(local.replace('example.org', 'example.com')), 'forged')
  assert.equal(reverse('SRS0=aaaaaaaa=aa=example.org=ann'), 'forged')
  assert.equal(reverse('SRS0=short'), 'forged')
  assert.equal(reverse('SRS1=aaaaaaaa=example.org==x=y=z=ann'), 'forged')
  assert.equal(reverse(local, 'other.example'), 'not-rewritten')
  assert.equal(reverse('ann'), 'not-rewritten')
  assert.equal(second.reverse({ local, domain: 'again.example' }), 'forged')
})

test('a rewritten address is good for three weeks', () => {
  const time = fakeTime()
  const rewriting = senderRewriting({ domain: 'fwd.example', secret, clock: time })
  const rewritten = rewriting.forward({ local: 'ann', domain: 'example.org' })
  time.pass(21 * DAY)
  assert.notEqual(rewriting.reverse(rewritten), 'expired')
  time.pass(DAY)
  assert.equal(rewriting.reverse(rewritten), 'expired')
})

test('our own senders are left alone, and a secret can be replaced', () => {
  assert.deepEqual(srs.forward({ local: 'bob', domain: 'fwd.example' }), { local: 'bob', domain: 'fwd.example' })
  const ours = senderRewriting({
    domain: 'fwd.example',
    secret: ['a new secret, longer', secret],
    isOurs: name => name === 'example.org',
    clock,
  })
  assert.deepEqual(ours.forward({ local: 'ann', domain: 'example.org' }), { local: 'ann', domain: 'example.org' })
  assert.deepEqual(ours.reverse(srs.forward({ local: 'ann', domain: 'example.net' })), { local: 'ann', domain: 'example.net' })
  assert.throws(() => senderRewriting({ domain: 'fwd.example', secret: 'short' }), ConfigurationError)
  assert.throws(() => senderRewriting({ domain: 'no domain', secret }), ConfigurationError)
})

test('a bounce address gives its token back, in any case, and to nobody else (VERP)', () => {
  const time = fakeTime()
  const bounces = bounceAddresses({ domain: 'example.org', secret, clock: time })
  for (const token of ['q1-7', 'ann=example.net', 'Ünï Code', 'ABC', 'x'.repeat(45), '~a', '-']) {
    const address = bounces.encode(token)
    assert.deepEqual(bounces.decode(address), { token })
    assert.deepEqual(bounces.decode({ local: address.local.toUpperCase(), domain: 'example.org' }), { token })
    assert.ok(token !== 'x'.repeat(45) || address.local.length === 64)
    assert.deepEqual(canonicalAddress(printAddress(address)), address)
  }
  const { local } = bounces.encode('q1-7')
  assert.match(local, /^bounce\+[a-z2-7]{2}-[a-z2-7]{8}-q1-7$/)
  assert.equal(bounces.decode({ local: local.replace('q1-7', 'q1-8'), domain: 'example.org' }), 'forged')
  assert.equal(bounces.decode({ local: 'bounce+x', domain: 'example.org' }), 'forged')
  assert.equal(bounces.decode({ local: 'ann', domain: 'example.org' }), 'not-ours')
  assert.equal(bounces.decode({ local, domain: 'example.net' }), 'not-ours')
  assert.throws(() => bounces.encode(''), RangeError)
  time.pass(31 * DAY)
  assert.equal(bounces.decode({ local, domain: 'example.org' }), 'expired')
})
