/** Several programs beside the server, none of which answers: they share the time of the phase. RFC 5321 §4.5.3.2.6; M8. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientConnection, Dialer, Middleware, TraceEntry } from 'mailwright/contracts'
import { clamav } from 'mailwright/filters/clamav'
import { milter } from 'mailwright/filters/milter'
import { policyService } from 'mailwright/filters/policy-service'
import { rspamd } from 'mailwright/filters/rspamd'
import { spamassassin } from 'mailwright/filters/spamassassin'
import { fakeClock } from 'mailwright/testing'
import type { FakeClock } from 'mailwright/testing'
import { address, connectionOf, houseOf, mailOf, spooled } from '../pipeline/house.ts'
import { LETTER } from './beside.ts'

const hostname = 'mx.example.org'
const at = { address: '127.0.0.1', port: 1 }
const silence = new Promise<never>(() => undefined)

/** Takes every connection, and never says a word. */
const dialer: Dialer = {
  async dial(): Promise<ClientConnection> {
    return {
      remote: at,
      local: at,
      tls: undefined,
      signal: new AbortController().signal,
      read: () => silence,
      write: () => undefined,
      secure: () => silence,
      end: () => undefined,
      destroy: () => undefined,
    }
  },
}

/** Moves the clock from one thing that falls due to the next, until the promise has settled. */
async function inTime<Value>(clock: FakeClock, promise: Promise<Value>): Promise<Value> {
  let isOver = false
  void promise.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  while (!isOver) {
    await new Promise(resolve => setImmediate(resolve))
    if (!isOver) clock.advance(clock.untilNext ?? 0)
  }
  return promise
}

function programs(clock: FakeClock, last: { readonly required: boolean }): readonly Middleware[] {
  const common = { dialer, at, clock }
  return [
    milter({ ...common, hostname, name: 'opendkim' }),
    milter({ ...common, hostname, name: 'opendmarc' }),
    clamav(common),
    rspamd(common),
    spamassassin({ ...common, hostname }),
    milter({ ...common, hostname, name: 'last', ...last }),
  ]
}

const AWAY = /^(\S+) could not be asked: no answer within (\d+) ms$/

test('six silent programs, whose own deadlines are 195 s together, leave time for a decision within the 120 s of the phase', async () => {
  const clock = fakeClock()
  const house = houseOf({ middleware: programs(clock, { required: false }), clock })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  await reception.recipient(address('ann@example.org'))
  const began = clock.monotonic()
  const { outcomes } = await inTime(clock, reception.message(spooled(LETTER)))
  assert.equal(outcomes[0]?.kind, 'accept')
  assert.equal((await mailOf(house.store, 'ann')).length, 1)
  assert.deepEqual(house.told('error'), [])
  const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
  const waits = trace.flatMap(({ evidence }) => evidence.flatMap(line => AWAY.exec(line)?.slice(1).join(' ') ?? []))
  // Of 90 s half of what is left each, or less where the filter itself is less patient; innermost first.
  assert.deepEqual(waits, ['last 1875', 'spamd 3750', 'rspamd 7500', 'clamd 15000', 'opendmarc 30000', 'opendkim 30000'])
  assert.equal(clock.monotonic() - began, 88_125)
})

test('a silent program that is required puts mail off with its own words, also behind five others', async () => {
  const clock = fakeClock()
  const house = houseOf({ middleware: programs(clock, { required: true }), clock })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await inTime(clock, reception.message(spooled(LETTER)))
  const [outcome] = outcomes
  assert.ok(outcome?.kind === 'defer')
  assert.deepEqual([outcome.code, outcome.text], ['4.3.0', 'Mail cannot be checked at present, please try again later'])
  assert.deepEqual([house.told('error'), await mailOf(house.store, 'ann')], [[], []])
})

test('the same holds for the 30 s of a recipient', async () => {
  const clock = fakeClock()
  const middleware = ['one', 'two', 'three', 'four'].map(name => policyService({ dialer, at, clock, name }))
  const house = houseOf({ middleware, clock })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  const verdict = await inTime(clock, reception.recipient(address('ann@example.org')))
  assert.equal(verdict.kind, 'accept')
  // 10 s by its own option, then half of what is left of 22.5.
  assert.equal(clock.monotonic(), 10_000 + 6250 + 3125 + 1562)
})

test('a host that gives a phase less time gives programs less', async () => {
  const clock = fakeClock()
  const house = houseOf({ middleware: programs(clock, { required: false }), clock, deadlines: { message: 10_000 } })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await inTime(clock, reception.message(spooled(LETTER)))
  assert.equal(outcomes[0]?.kind, 'accept')
  assert.ok(clock.monotonic() < 7500)
})
