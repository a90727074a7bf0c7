import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionCounter, networkList } from 'mailwright/net'
import { Deadlines } from '../../src/net/deadlines.ts'
import { networkOf, plainAddress } from '../../src/net/ip.ts'
import { proxyHeader } from '../../src/net/proxy-header.ts'
import { octets } from './loopback.ts'

test('PROXY protocol version 1 (proxy-protocol.txt §2.1)', () => {
  const table: readonly (readonly [string, string])[] = [
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', 'proxied'],
    ['PROXY TCP4 192.0.2.1 192.0.2.2 0 25\r\n', 'proxied'],
    ['PROXY TCP6 2001:db8::1 ::1 5000 25\r\n', 'proxied'],
    ['PROXY UNKNOWN\r\n', 'local'],
    ['PROXY UNKNOWN ffff:f...f:ffff whatever 65535 65535\r\n', 'local'],
    ['PROXY TCP4 192.0.2.1', 'incomplete'],
    ['P', 'incomplete'],
    ['', 'incomplete'],
    ['PROXY TCP4 192.0.2.1 192.0.2.2 5000 25\n', 'invalid'],
    ['PROXY TCP4 192.0.2.1 192.0.2.2 05000 25\r\n', 'invalid'],
    ['PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n', 'invalid'],
    ['PROXY TCP4 192.0.2.1 192.0.2.2 5000 25 more\r\n', 'invalid'],
    ['PROXY TCP4 2001:db8::1 ::1 5000 25\r\n', 'invalid'],
    ['PROXY TCP4 192.0.2.999 192.0.2.2 5000 25\r\n', 'invalid'],
    ['PROXY UDP4 192.0.2.1 192.0.2.2 5000 25\r\n', 'invalid'],
    ['POST / HTTP/1.1\r\n', 'invalid'],
    ['EHLO a\r\n', 'invalid'],
    [`PROXY TCP4 ${'1'.repeat(200)}`, 'invalid'],
  ]
  for (const [line, kind] of table) assert.equal(proxyHeader(octets(line)).kind, kind, JSON.stringify(line))
})

function version2(command: number, family: number, body: readonly number[], announced: number = body.length): Uint8Array {
  return Uint8Array.of(
    0x0d,
    0x0a,
    0x0d,
    0x0a,
    0,
    0x0d,
    0x0a,
    0x51,
    0x55,
    0x49,
    0x54,
    0x0a,
    command,
    family,
    announced >> 8,
    announced & 255,
    ...body,
  )
}

test('PROXY protocol version 2 (proxy-protocol.txt §2.2)', () => {
  const ipv4 = [192, 0, 2, 1, 198, 51, 100, 2, 0x13, 0x88, 0, 25]
  const whole = version2(0x21, 0x11, ipv4)
  assert.deepEqual(proxyHeader(whole), {
    kind: 'proxied',
    length: 28,
    remote: { address: '192.0.2.1', port: 5000 },
    local: { address: '198.51.100.2', port: 25 },
  })
  for (let cut = 0; cut < whole.length; cut++) assert.equal(proxyHeader(whole.subarray(0, cut)).kind, 'incomplete', `cut at ${cut}`)
  const withExtension = proxyHeader(version2(0x21, 0x11, [...ipv4, 0x04, 0, 1, 0]))
  assert.ok(withExtension.kind === 'proxied' && withExtension.length === 32)
  const ipv6 = [
    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 0x13, 0x88, 0, 25,
  ]
  const six = proxyHeader(version2(0x21, 0x21, ipv6))
  assert.ok(six.kind === 'proxied')
  assert.equal(six.remote.address, '2001:db8::7')
  assert.equal(six.local.address, '10.0.0.1', 'a mapped address is told as IPv4')
  assert.equal(proxyHeader(version2(0x20, 0, [])).kind, 'local')
  assert.equal(proxyHeader(version2(0x21, 0x00, [])).kind, 'local')
  assert.equal(proxyHeader(version2(0x11, 0x11, ipv4)).kind, 'invalid', 'version 1 in a version 2 header')
  assert.equal(proxyHeader(version2(0x22, 0x11, ipv4)).kind, 'invalid', 'an unknown command')
  assert.equal(proxyHeader(version2(0x21, 0x12, ipv4)).kind, 'invalid', 'a datagram')
  assert.equal(proxyHeader(version2(0x21, 0x11, ipv4.slice(0, 8))).kind, 'invalid', 'addresses cut off')
  assert.equal(proxyHeader(version2(0x21, 0x11, [], 65_535)).kind, 'invalid', 'room for 64 KiB')
})

test('networks and addresses are compared in plain form (RFC 4291 §2.5.5.2)', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1')
  assert.equal(networkOf('192.0.2.1'), '192.0.2.0/24')
  assert.equal(networkOf('2001:db8:0:7:8:9:a:b'), '2001:db8:0:7::/64')
  assert.equal(networkOf('2001:DB8::7'), '2001:db8:0:0::/64')
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
  assert.equal(networkOf(''), '')
  const list = networkList(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'])
  for (const inside of ['10.255.0.1', '192.0.2.7', '2001:db8:ffff::1']) assert.equal(list.has(inside), true, inside)
  for (const outside of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '', 'example']) assert.equal(list.has(outside), false, outside)
  for (const wrong of ['example', '10.0.0.0/33', '10.0.0.0/', '::1/129', '10.0.0.0/8/8', '10.0.0.0/-1'])
    assert.throws(() => networkList([wrong]), { code: 'MW_NETWORK_INVALID' }, wrong)
})

test('connections are counted in all, by address and by network; exempt ones only in all', () => {
  const counter = new ConnectionCounter({ total: 6, perAddress: 2, perNetwork: 3, stressAt: 1 })
  assert.equal(counter.enter('192.0.2.1'), true)
  assert.equal(counter.enter('192.0.2.1'), true)
  assert.equal(counter.enter('192.0.2.1'), false, 'the address is full')
  assert.equal(counter.enter('192.0.2.2'), true)
  assert.equal(counter.enter('192.0.2.3'), false, 'the network is full')
  for (let index = 0; index < 3; index++) assert.equal(counter.enter('127.0.0.1'), true)
  assert.equal(counter.enter('127.0.0.1'), false, 'the house is full')
  counter.leave('192.0.2.1')
  assert.equal(counter.enter('192.0.2.3'), true)
})

test('by default 20 come from an address and 100 from a network, this machine apart (S26)', () => {
  const counter = new ConnectionCounter()
  const entered = (addresses: readonly string[]): number => addresses.filter(address => counter.enter(address)).length
  assert.equal(entered(Array.from({ length: 30 }, () => '192.0.2.1')), 20)
  assert.equal(entered(Array.from({ length: 200 }, (_, index) => `192.0.2.${index + 2}`)), 80)
  assert.equal(entered(Array.from({ length: 200 }, (_, index) => `2001:db8::${index + 1}`)), 100)
  for (const own of ['127.0.0.1', '::1', '']) assert.equal(entered(Array.from({ length: 300 }, () => own)), 300, own)
  const others = new ConnectionCounter({ exempt: ['10.0.0.0/8'], perAddress: 1 })
  assert.deepEqual([others.enter('10.1.2.3'), others.enter('10.1.2.3')], [true, true])
  assert.deepEqual([others.enter('127.0.0.1'), others.enter('127.0.0.1')], [true, false])
})

test('from half of the limit on a quarter comes from an address and from a network (RFC 5321 §7.8; S26)', () => {
  const counter = new ConnectionCounter({ total: 40, perAddress: 8, perNetwork: 12 })
  for (let index = 0; index < 19; index++) counter.enter('::1')
  assert.equal(counter.isStressed, false)
  counter.enter('192.0.2.1')
  assert.equal(counter.isStressed, true)
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3', '198.51.100.1'].map(address => counter.enter(address)),
    [true, false, true, false, true],
  )
  counter.leave('::1')
  for (const address of ['192.0.2.1', '192.0.2.2', '198.51.100.1']) counter.leave(address)
  assert.equal(counter.isStressed, false)
  for (const wrong of [{ total: 0 }, { perAddress: -1 }, { perNetwork: Number.NaN }, { stressAt: 0 }, { stressAt: 1.5 }])
    assert.throws(() => new ConnectionCounter(wrong), { code: 'MW_CONNECTIONS' }, JSON.stringify(wrong))
})

test('deadlines fire once, in order, never early, and can be taken back', async () => {
  const deadlines = new Deadlines()
  const fired: string[] = []
  const began = performance.now()
  const { promise, resolve } = Promise.withResolvers<void>()
  const entry = (name: string, within: number): { dueTick: number; timeIsUp(): void } => ({
    dueTick: 0,
    timeIsUp: () => {
      assert.ok(performance.now() - began >= within - 1, `${name} came early`)
      fired.push(name)
      if (name === 'last') resolve()
    },
  })
  const never = entry('never', 100)
  deadlines.begin(never, 100)
  deadlines.begin(entry('last', 900), 900)
  deadlines.begin(entry('first', 300), 300)
  deadlines.cancel(never)
  deadlines.cancel(never)
  // The entries do not keep the process alive; this does.
  const alive = setTimeout(() => undefined, 10_000)
  await promise
  clearTimeout(alive)
  assert.deepEqual(fired, ['first', 'last'])
})
