import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { StateTable, TraceEntry } from 'mailwright/contracts'
import { bayes } from 'mailwright/filters/bayes'
import type { Bayes } from 'mailwright/filters/bayes'
import { memoryState } from 'mailwright/stores/memory'
import { combine } from '../../src/filters/bayes/opinion.ts'
import { tokensOf } from '../../src/filters/bayes/tokens.ts'
import { messageText } from '../../src/filters/message-text.ts'
import { address, connectionOf, houseOf, spooled } from '../pipeline/house.ts'
import { mail, source } from './mails.ts'
import { processorTime } from '../support/processor-time.ts'

const LIMITS = { tokens: 1500, characters: 65_536 }

async function taught(filter: Bayes, account: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await filter.learn(account, source(mail('spam', n)), 'spam')
    await filter.learn(account, source(mail('ham', n)), 'ham')
  }
}

async function rowsOf(state: StateTable, space: string): Promise<number> {
  let rows = 0
  for await (const page of state.entries(space)) rows += page.length
  return rows
}

async function words(text: string): Promise<string[]> {
  return [...tokensOf(await messageText(source(text)), LIMITS).values()]
}

test('what was learned is told apart, and what is new is not', async () => {
  const filter = bayes({ state: memoryState(), minimum: 20 })
  await taught(filter, 'ann', 20)
  const probability = async (text: string): Promise<number> => (await filter.judge('ann', source(text)))?.probability ?? Number.NaN
  assert.ok((await probability(mail('spam', 500))) > 0.99)
  assert.ok((await probability(mail('ham', 500))) < 0.01)
  assert.equal(await probability('Subject: zzzz\n\nqqqq xxxx yyyy\n'), 0.5)
  assert.equal(await probability(''), 0.5)
})

test('it says nothing before it has learned enough of each kind', async () => {
  const filter = bayes({ state: memoryState(), minimum: 20 })
  await taught(filter, 'ann', 19)
  for (let n = 100; n < 200; n++) await filter.learn('ann', source(mail('spam', n)), 'spam')
  assert.equal(await filter.judge('ann', source(mail('spam', 500))), undefined)
  assert.deepEqual(await filter.learned('ann'), { spam: 119, ham: 19 })
})

test('a message teaches once, and its lesson can be turned round or taken back, leaving nothing', async () => {
  const state = memoryState()
  const filter = bayes({ state })
  const letter = source(mail('spam', 1))
  assert.equal(await filter.learn('ann', letter, 'spam'), 'learned')
  assert.equal(await filter.learn('ann', letter, 'spam'), 'known')
  assert.deepEqual(await filter.learned('ann'), { spam: 1, ham: 0 })
  assert.equal(await filter.learn('ann', letter, 'ham'), 'changed')
  assert.deepEqual(await filter.learned('ann'), { spam: 0, ham: 1 })
  assert.equal(await filter.unlearn('ann', letter), true)
  assert.equal(await filter.unlearn('ann', letter), false)
  assert.deepEqual(await filter.learned('ann'), { spam: 0, ham: 0 })
  assert.equal(await rowsOf(state, 'bayes/of/ann'), 1, 'the sum alone')
})

test('an account’s words can be forgotten as a whole', async () => {
  const state = memoryState()
  const filter = bayes({ state })
  for (const account of ['ann', 'ben']) await filter.learn(account, source(mail('spam', 1)), 'spam')
  await filter.forget('ann')
  assert.deepEqual(
    [await filter.learned('ann'), await filter.learned('ben')],
    [
      { spam: 0, ham: 0 },
      { spam: 1, ham: 0 },
    ],
  )
  assert.equal(await filter.learn('ann', source(mail('spam', 1)), 'spam'), 'learned')
})

test('twenty sessions that bring the same lesson at once teach it once', async () => {
  const filter = bayes({ state: memoryState() })
  const results = await Promise.all(Array.from({ length: 20 }, () => filter.learn('ann', source(mail('spam', 1)), 'spam')))
  assert.equal(results.filter(result => result === 'learned').length, 1)
  assert.deepEqual(await filter.learned('ann'), { spam: 1, ham: 0 })
})

test('the message as it is stored is the message that arrived: fields that servers add change nothing', async () => {
  const filter = bayes({ state: memoryState() })
  const arrived = mail('ham', 1)
  assert.equal(await filter.learn('ann', source(arrived), 'ham'), 'learned')
  const stored = `Return-Path: <bob@example.com>\nDelivered-To: ann@example.org\nX-Spam-Score: 4\nReceived: from a\n by b; today\n${arrived}`
  assert.equal(await filter.learn('ann', source(stored), 'ham'), 'known')
  assert.equal(await filter.unlearn('ann', source(stored)), true)
})

test('accounts do not hear of each other’s words, unless they share', async () => {
  const own = bayes({ state: memoryState(), minimum: 5 })
  await taught(own, 'ann', 5)
  assert.equal(await own.judge('ben', source(mail('spam', 9))), undefined)
  const shared = bayes({ state: memoryState(), minimum: 5, scope: 'shared' })
  await taught(shared, 'ann', 5)
  assert.ok(((await shared.judge('ben', source(mail('spam', 9))))?.probability ?? 0) > 0.9)
})

for (const scope of ['account', 'shared'] as const) {
  test(`in the pipeline (${scope}) it tells its symbol and its strongest words`, async () => {
    const filter = bayes({ state: memoryState(), minimum: 20, scope })
    await taught(filter, 'ann', 20)
    const house = houseOf({ middleware: [filter] })
    const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
    await reception.recipient(address('ann@example.org'))
    await reception.message(spooled(mail('spam', 77)))
    const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
    const entry = trace.find(({ middleware }) => middleware === 'bayes')
    assert.equal(entry?.phase, scope === 'account' ? 'deliver' : 'message')
    assert.equal(entry?.symbols?.[0]?.name, 'BAYES_SPAM')
    assert.ok((entry?.symbols?.[0]?.score ?? 0) > 6)
    assert.match(
      entry?.evidence[0] ?? '',
      /^probability of spam (?:1\.0000|0\.99\d\d) by \d+ words of 20 spam and 20 wanted messages; strongest: /,
    )
  })
}

test('a table that cannot be read keeps no mail waiting', async () => {
  const gone = async (): Promise<never> => {
    throw new MailError('unavailable', 'the table is away')
  }
  const state = { ...memoryState(), read: gone, add: gone } as unknown as StateTable
  const house = houseOf({ middleware: [bayes({ state })] })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await reception.message(spooled(mail('spam', 77)))
  assert.equal(outcomes[0]?.kind, 'accept')
  assert.deepEqual(house.told('error'), [])
})

test('a lesson that could not be written is not counted as learned', async () => {
  const inner = memoryState()
  let broken = true
  const state: StateTable = Object.assign(Object.create(inner) as StateTable, {
    read: inner.read.bind(inner),
    drop: inner.drop.bind(inner),
    add: async (space: string, ...rest: [never]) => {
      if (broken && space.startsWith('bayes/')) throw new MailError('no-space', 'full')
      return inner.add(space, ...rest)
    },
  })
  const filter = bayes({ state })
  await assert.rejects(filter.learn('ann', source(mail('spam', 1)), 'spam'), { kind: 'no-space' })
  broken = false
  assert.equal(await filter.learn('ann', source(mail('spam', 1)), 'spam'), 'learned')
})

test('words: what a reader sees, however it is written down', async () => {
  assert.deepEqual((await words('Subject: =?utf-8?B?R3LDvMOfZQ==?=\n\nHello HELLO\n')).sort(), [
    'hello',
    'loud:HELLO',
    'subject:grüße',
    'type:text/plain',
  ])
  const html = `Content-Type: text/html\n\n<p>V<!-- x -->ia<b></b>gra</p><style>hidden {}</style><a href="https://u:p@Shop.Example.com:8/x">c&#108;ick</a>`
  const found = await words(html)
  for (const token of ['viagra', 'click', 'link:shop.example.com', 'link:example.com']) assert.ok(found.includes(token), token)
  assert.ok(!found.some(token => token.includes('hidden')))
  assert.ok((await words('Subject: x\n\nＦＲＥＥ\n')).includes('free'), 'full-width letters')
  assert.ok((await words('Subject: x\n\nvi\u200bag\u00adra\n')).includes('viagra'), 'unseen characters')
  assert.ok((await words('Subject: x\n\n会議の資料を送ります\n')).includes('会議'), 'a script without spaces')
  assert.ok((await words('Content-Transfer-Encoding: base64\n\ndmlhZ3Jh\n')).includes('viagra'), 'base64')
})

test('words come from what the sender wrote, not from what servers added', async () => {
  const found = await words(
    'Received: from postman\nReturn-Path: <postman@example.com>\nX-Anything: postman\nTo: postman@example.com\n\nhello\n',
  )
  assert.ok(!found.some(token => token.includes('postman')), found.join())
})

test('M6: hostile text is read in linear time and bounded memory', async () => {
  const shapes: Readonly<Record<string, (n: number) => string>> = {
    'open tags': n => '<'.repeat(n),
    'open comments': n => '<!--'.repeat(n / 4),
    scripts: n => '<script>'.repeat(n / 8),
    entities: n => '&#'.repeat(n / 2),
    'one word': n => 'a'.repeat(n),
    attributes: n => `<a ${'href '.repeat(n / 5)}>`,
    'blank attributes': n => `<a href${' '.repeat(n)}>`,
    ligatures: n => '\ufdfa'.repeat(n / 3),
    marks: n => `a${'\u0301'.repeat(n / 2)}`,
    'marks to be sorted': n => `a${'\u0301\u0323'.repeat(n / 4)}`,
    'words of three': n => Array.from({ length: n / 4 }, (_, i) => (i % 46_000).toString(36).padStart(3, 'q')).join(' '),
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const time = async (n: number): Promise<number> => {
      const letter = source(`Content-Type: text/html; charset=utf-8\n\n${shape(n)}`)
      const began = processorTime()
      const text = await messageText(letter)
      const tokens = tokensOf(text, LIMITS)
      assert.ok(tokens.size <= LIMITS.tokens)
      return processorTime() - began
    }
    const took = await time(1_000_000)
    assert.ok(took < 250, `${name} took ${took.toFixed(0)} ms`)
  }
})

test('the combination: certain where all words agree, undecided where they do not', () => {
  const learned = { spam: 100, ham: 100 }
  const count = (token: string, spam: number, ham: number): { token: string; spam: number; ham: number } => ({ token, spam, ham })
  const many = (spam: number, ham: number, prefix: string): ReturnType<typeof count>[] =>
    Array.from({ length: 40 }, (_, n) => count(`${prefix}${n}`, spam, ham))
  assert.equal(combine([], learned).probability, 0.5)
  assert.ok(combine(many(50, 0, 'a'), learned).probability > 0.999_999)
  assert.ok(combine(many(0, 50, 'a'), learned).probability < 0.000_001)
  assert.ok(Math.abs(combine([...many(50, 0, 'a'), ...many(0, 50, 'b')], learned).probability - 0.5) < 0.01)
  assert.ok(combine([count('rare', 1, 0)], learned).probability < 0.9, 'one rare word decides nothing')
  const far = Array.from({ length: 5000 }, (_, n) => count(String(n), Number.MAX_SAFE_INTEGER, 0))
  assert.ok(Number.isFinite(combine(far, learned).probability), 'counters beyond reason')
})

test('options that make no sense are refused at once', () => {
  const state = memoryState()
  for (const bad of [{ minimum: 0 }, { tokens: 10_000 }, { characters: Number.NaN }, { spamFrom: 0.1, hamUpTo: 0.9 }]) {
    assert.throws(() => bayes({ state, ...bad }), { code: 'MW_BAYES_LIMITS' })
  }
})
