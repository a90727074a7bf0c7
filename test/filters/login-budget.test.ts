import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loginBudget } from 'mailwright/filters/login-budget'
import type { LoginOutcome } from 'mailwright/contracts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import type { FakeClock } from '../../src/testing/fake-clock.ts'
import { connectionOf, houseOf } from '../pipeline/house.ts'
import type { TestHouse } from '../pipeline/house.ts'

interface Door {
  readonly clock: FakeClock
  readonly house: TestHouse
  /** Logs in over a new connection; answers with the outcome and the milliseconds it was held up. */
  login(this: void, from: string, username?: string, password?: string): Promise<readonly [string, number]>
}

function door(options: Parameters<typeof loginBudget>[0] = {}): Door {
  const clock = fakeClock()
  const house = houseOf({ middleware: [loginBudget({ ...options, clock })] })
  return {
    clock,
    house,
    async login(from, username = 'ann@example.org', password = 'wrong') {
      const connection = connectionOf('imap', { remote: { address: from, port: 1 } })
      return held(clock, house.host.login(connection, 'PLAIN', { kind: 'password', username, password }))
    },
  }
}

async function held(clock: FakeClock, login: Promise<LoginOutcome>): Promise<readonly [string, number]> {
  const began = clock.monotonic()
  let outcome: LoginOutcome | undefined
  void login.then(answer => (outcome = answer))
  for (;;) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    if (outcome !== undefined) break
    await new Promise(resolve => setImmediate(resolve))
    if (outcome === undefined) clock.advance(clock.untilNext ?? 0)
  }
  const answer: LoginOutcome = outcome
  return [answer.ok ? 'ok' : answer.verdict.kind, clock.monotonic() - began]
}

test('each failure from one address is answered later than the last, up to 15 s (S23)', async () => {
  const { login } = door()
  const waits: number[] = []
  for (let turn = 0; turn < 7; turn++) {
    const [outcome, wait] = await login('192.0.2.1', `user${turn}`)
    assert.equal(outcome, 'reject')
    waits.push(wait)
  }
  assert.deepEqual(waits, [0, 2000, 4000, 8000, 15_000, 15_000, 15_000])
})

test('a success forgets the address’s and the account’s failures (S23)', async () => {
  const { login } = door()
  assert.deepEqual(await login('192.0.2.1'), ['reject', 0])
  assert.deepEqual(await login('192.0.2.1'), ['reject', 2000])
  assert.deepEqual(await login('192.0.2.1', 'ann@example.org', 'correct horse'), ['ok', 0])
  assert.deepEqual(await login('192.0.2.1'), ['reject', 0])
})

test('budgets: an address, its /24, an IPv6 /64, an account (S23)', async () => {
  const { login } = door({ perAddress: 3, perNetwork: 5, perAccount: 4, delays: [] })
  const tries = async (addresses: readonly string[], username: (at: number) => string): Promise<string[]> => {
    const outcomes: string[] = []
    for (const [at, from] of addresses.entries()) outcomes.push((await login(from, username(at)))[0])
    return outcomes
  }
  const other = (at: number): string => `u${at}${Math.trunc(at)}`
  assert.deepEqual(await tries(Array<string>(4).fill('192.0.2.1'), other), ['reject', 'reject', 'reject', 'defer'])
  assert.deepEqual(await tries(['192.0.2.2', '192.0.2.3', '192.0.2.4'], at => `v${at}`), ['reject', 'reject', 'defer'])
  assert.deepEqual(await tries(['2001:db8::1', '2001:db8:0:0:1::2', '2001:db8::3', '2001:db8::4', '2001:db8:0:1::1'], at => `w${at}`), [
    'reject',
    'reject',
    'reject',
    'defer',
    'reject',
  ])
  const many = Array.from({ length: 6 }, (_, at) => `198.51.${at}.1`)
  assert.deepEqual(await tries(many, at => (at % 2 === 0 ? 'Ben@example.org' : 'ben@EXAMPLE.org')), [
    'reject',
    'reject',
    'reject',
    'reject',
    'defer',
    'defer',
  ])
})

test('past a budget even the right password is not looked at, until the window is over (S23)', async () => {
  const { login, clock } = door({ perAccount: 2, window: 60_000, delays: [] })
  await login('192.0.2.1')
  await login('198.51.100.1')
  assert.equal((await login('203.0.113.1', 'ann@example.org', 'correct horse'))[0], 'defer')
  clock.advance(60_001)
  assert.equal((await login('203.0.113.1', 'ann@example.org', 'correct horse'))[0], 'ok')
})

test('many logins at once gain nothing over one after another (S23)', async () => {
  const { house } = door({ perAddress: 3, delays: [] })
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      house.host.login(connectionOf('smtp'), 'PLAIN', { kind: 'password', username: `u${at}`, password: 'wrong' }),
    ),
  )
  assert.equal(outcomes.filter(outcome => !outcome.ok && outcome.verdict.kind === 'reject').length, 3)
})

test('three failures spend a connection, wherever it comes from (S23)', async () => {
  const { house, clock } = door()
  const connection = connectionOf('imap', { remote: { address: '127.0.0.1', port: 1 } })
  const outcomes: (readonly [string, number])[] = []
  for (const password of ['a', 'b', 'c', 'correct horse']) {
    outcomes.push(await held(clock, house.host.login(connection, 'PLAIN', { kind: 'password', username: 'ann', password })))
  }
  assert.deepEqual(outcomes, [
    ['reject', 0],
    ['reject', 2000],
    ['reject', 4000],
    ['defer', 15_000],
  ])
})

test('what is remembered has a size', async () => {
  const { login } = door({ memory: 10, delays: [], perAddress: 1 })
  assert.equal((await login('192.0.2.1', 'first'))[0], 'reject')
  assert.equal((await login('192.0.2.1', 'first'))[0], 'defer')
  for (let at = 0; at < 10; at++) await login(`198.51.${at}.1`, `u${at}`)
  assert.equal((await login('192.0.2.1', 'first'))[0], 'reject')
})
