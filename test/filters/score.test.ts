import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Middleware, TraceEntry } from 'mailwright/contracts'
import { score } from 'mailwright/filters/score'
import type { ScoreOptions } from 'mailwright/filters/score'
import { address, connectionOf, houseOf, mailOf, person, spooled } from '../pipeline/house.ts'

const LETTER = 'From: <bob@example.com>\nSubject: hello\nX-Spam-Score: -100\nX-Spam-Symbols: FRIEND -100\n\ngood day\n'

/** A filter that puts symbols into the scale, in the phase `message` and for one account. */
function weights(
  message: Readonly<Record<string, number>>,
  own: Readonly<Record<string, Readonly<Record<string, number>>>> = {},
): Middleware {
  return {
    name: 'weights',
    async message(context, next) {
      for (const [name, weight] of Object.entries(message)) context.trace.symbol(name, weight)
      return next()
    },
    async deliver(context, next) {
      for (const [name, weight] of Object.entries(own[context.account.id] ?? {})) context.trace.symbol(name, weight)
      return next()
    },
  }
}

async function send(
  options: ScoreOptions,
  filters: readonly Middleware[],
  more: { readonly letter?: string; readonly to?: readonly string[]; readonly login?: boolean } = {},
): Promise<{ outcome: string; inbox: (name: string) => Promise<string>; junk: (name: string) => Promise<string>; notes: string[] }> {
  const house = houseOf({ middleware: [score(options), ...filters] })
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  const connection = connectionOf('smtp', more.login === true ? { principal } : {})
  const { reception } = await house.host.receive(connection, {
    sender: address(more.login === true ? 'ann@example.org' : 'bob@example.com'),
  })
  for (const to of more.to ?? ['ann@example.org']) assert.equal((await reception.recipient(address(to))).kind, 'accept')
  const { outcomes } = await reception.message(spooled(more.letter ?? LETTER))
  const [first] = outcomes
  const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
  return {
    outcome: first === undefined ? '' : 'code' in first ? `${first.kind} ${first.code} ${first.text}` : first.kind,
    inbox: async name => (await mailOf(house.store, name)).join(),
    junk: async name => (await mailOf(house.store, name, 'Junk')).join(),
    notes: trace.filter(({ middleware }) => middleware === 'score').flatMap(({ evidence }) => evidence),
  }
}

test('a message below all thresholds is left as it is, forged fields apart', async () => {
  const { outcome, inbox } = await send({}, [weights({ A: 3.9 })])
  assert.equal(outcome, 'accept')
  assert.doesNotMatch(await inbox('ann'), /X-Spam/)
})

test('from headerAt on the message says its score and why, the heaviest reason first', async () => {
  const { inbox, notes } = await send({}, [weights({ SMALL: 0.5, LARGE: 4.25, GOOD: -0.5 })])
  assert.match(await inbox('ann'), /^X-Spam-Score: 4.25\nX-Spam-Symbols: LARGE 4.25, SMALL 0.5, GOOD -0.5\n/m)
  assert.deepEqual(notes, ['score 4.25: LARGE 4.25, SMALL 0.5, GOOD -0.5'])
})

test('from quarantineAt on it goes to Junk, from rejectAt on it is refused', async () => {
  const aside = await send({}, [weights({ A: 3, B: 3 })])
  assert.equal(aside.outcome, 'accept')
  assert.equal(await aside.inbox('ann'), '')
  assert.match(await aside.junk('ann'), /X-Spam-Score: 6/)
  const refused = await send({}, [weights({ A: 15 })])
  assert.equal(refused.outcome, 'reject 5.7.1 This message looks like spam')
  const put = await send({ deferAt: 5 }, [weights({ A: 5 })])
  assert.equal(put.outcome, 'defer 4.7.1 This message looks like spam')
})

test('one account’s own reasons count for its copy alone', async () => {
  const { inbox, junk } = await send({}, [weights({ A: 4 }, { ann: { OWN: 2 } })], { to: ['ann@example.org', 'ben@example.org'] })
  assert.match(await junk('ann'), /hello/)
  assert.equal(await inbox('ann'), '')
  assert.match(await inbox('ben'), /hello/)
})

test('an account’s friend is taken out of Junk; with rescue off, or put there by another filter, not', async () => {
  const filters = [weights({ A: 7 }, { ann: { KNOWN: -4 } })]
  const two = { to: ['ann@example.org', 'ben@example.org'] }
  const rescued = await send({}, filters, two)
  assert.match(await rescued.inbox('ann'), /hello/)
  assert.equal(await rescued.junk('ann'), '')
  assert.match(await rescued.junk('ben'), /hello/)
  assert.match(await (await send({ rescue: false }, filters, two)).junk('ann'), /hello/)
  const virus: Middleware = { name: 'virus', message: async () => ({ kind: 'quarantine', reason: 'a virus' }) }
  assert.match(await (await send({}, [...filters, virus], two)).junk('ann'), /hello/)
})

test('one account’s opinion refuses nothing', async () => {
  const { outcome, junk } = await send({}, [weights({}, { ann: { OWN: 100 } })])
  assert.equal(outcome, 'accept')
  assert.match(await junk('ann'), /hello/)
})

test('what a filter below has refused stays refused; its quarantine becomes a refusal above rejectAt', async () => {
  const no: Middleware = { name: 'no', message: async () => ({ kind: 'reject', text: 'No', code: '5.7.0' }) }
  assert.equal((await send({}, [weights({ A: -50 }), no])).outcome, 'reject 5.7.0 No')
  const aside: Middleware = { name: 'aside', message: async () => ({ kind: 'quarantine', reason: 'odd' }) }
  assert.match(await (await send({}, [weights({ A: -50 }), aside])).junk('ann'), /hello/)
  assert.match((await send({}, [weights({ A: 20 }), aside])).outcome, /^reject/)
})

test('who has logged in is not weighed unless asked for', async () => {
  const letter = LETTER.replace('bob@example.com', 'ann@example.org')
  assert.match(await (await send({}, [weights({ A: 20 })], { login: true, letter, to: ['ben@example.org'] })).inbox('ben'), /hello/)
  const asked = await send({ principals: true }, [weights({ A: 20 })], { login: true, letter, to: ['ben@example.org'] })
  assert.match(asked.outcome, /^reject/)
})

test('a hundred long symbols fit into a field', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${'LONG_NAME_'.repeat(5)}${n}`, 0.05]))
  const { inbox } = await send({}, [weights(many)])
  const stored = await inbox('ann')
  assert.match(stored, /X-Spam-Score: 5\n/)
  assert.ok(stored.split('\n').every(line => line.length < 998))
})

test('thresholds that cannot hold together are refused at once', () => {
  assert.throws(() => score({ quarantineAt: 10, rejectAt: 5 }), { code: 'MW_SCORE_THRESHOLDS' })
  assert.throws(() => score({ headerAt: Number.NaN }), { code: 'MW_SCORE_THRESHOLDS' })
})
