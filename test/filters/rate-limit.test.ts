import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rateLimit } from 'mailwright/filters/rate-limit'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { address, connectionOf, houseOf, person } from '../pipeline/house.ts'

test('connections: a burst, then one for each step, by address (RFC 5321 §7.8)', async () => {
  const clock = fakeClock()
  const { host } = houseOf({ middleware: [rateLimit({ clock, connections: { count: 6, per: 60_000, burst: 2 } })] })
  const connect = async (from: string): Promise<string> =>
    (await host.connect(connectionOf('smtp', { remote: { address: from, port: 1 } }))).kind
  assert.deepEqual([await connect('192.0.2.1'), await connect('192.0.2.1'), await connect('192.0.2.1')], ['accept', 'accept', 'defer'])
  assert.equal(await connect('192.0.2.2'), 'accept')
  clock.advance(9999)
  assert.equal(await connect('192.0.2.1'), 'defer')
  clock.advance(1)
  assert.equal(await connect('192.0.2.1'), 'accept')
  assert.equal(await connect('192.0.2.1'), 'defer')
})

test('messages and recipients of one account count together over all its connections (S34)', async () => {
  const clock = fakeClock()
  const { host } = houseOf({
    middleware: [rateLimit({ clock, messages: { count: 2, per: 3_600_000 }, recipients: { count: 3, per: 3_600_000 } })],
  })
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  const begin = (from: string): ReturnType<typeof host.receive> =>
    host.receive(connectionOf('submission', { principal, remote: { address: from, port: 1 } }), { sender: address('ann@example.org') })
  const first = await begin('192.0.2.1')
  const second = await begin('198.51.100.1')
  assert.deepEqual([first.verdict.kind, second.verdict.kind, (await begin('203.0.113.1')).verdict.kind], ['accept', 'accept', 'defer'])
  const kinds: string[] = []
  for (const reception of [first.reception, second.reception, first.reception, second.reception]) {
    kinds.push((await reception.recipient(address('ben@example.org'))).kind)
  }
  assert.deepEqual(kinds, ['accept', 'accept', 'accept', 'defer'])
})

test('commands of one account count together over all its connections, and cost nothing where none are counted (P7)', async () => {
  const clock = fakeClock()
  const { host } = houseOf({ middleware: [rateLimit({ clock, commands: { count: 60, per: 60_000, burst: 3 } })] })
  const principal = { account: person('ann'), username: 'ann', scopes: ['imap' as const], credential: 'password' }
  const ask = async (from: string): Promise<string | undefined> =>
    (await host.command?.(connectionOf('imap', { principal, remote: { address: from, port: 1 } }), 'FETCH'))?.kind
  assert.deepEqual([await ask('192.0.2.1'), await ask('192.0.2.2'), await ask('192.0.2.3')], ['accept', 'accept', 'accept'])
  assert.equal(await ask('192.0.2.4'), 'defer')
  clock.advance(1000)
  assert.equal(await ask('192.0.2.4'), 'accept')
  assert.equal(houseOf({ middleware: [rateLimit({ clock, messages: { count: 1, per: 1 } })] }).host.command, undefined)
})

test('what is remembered has a size', async () => {
  const clock = fakeClock()
  const { host } = houseOf({ middleware: [rateLimit({ clock, connections: { count: 1, per: 60_000 }, memory: 3 })] })
  const connect = async (last: number): Promise<string> =>
    (await host.connect(connectionOf('smtp', { remote: { address: `192.0.2.${last}`, port: 1 } }))).kind
  assert.equal(await connect(1), 'accept')
  assert.equal(await connect(1), 'defer')
  for (const last of [2, 3, 4]) await connect(last)
  assert.equal(await connect(1), 'accept')
})
