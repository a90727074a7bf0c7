/** Who may write under which name: the header of submitted mail is held to the login. RFC 6409 §6.1, §6.4, §8.2, §8.3; RFC 5322 §3.6.2. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept } from 'mailwright/contracts'
import type { Middleware, OutboundMessage, Principal, Verdict } from 'mailwright/contracts'
import type { SubmissionOptions } from 'mailwright/pipeline'
import { address, connectionOf, houseOf, mailOf, person, spooled } from './house.ts'

const ann: Principal = { account: person('ann'), username: 'ann@example.org', scopes: ['smtp'], credential: 'password' }
const people = {
  accounts: [person('ann'), person('ben')],
  aliases: { info: ['ann@example.org'], team: ['ann@example.org', 'ben@example.org'], away: ['ann@example.org', 'zoe@far.example'] },
}

interface Sent {
  readonly verdict: Verdict | undefined
  readonly taken: OutboundMessage | undefined
  readonly stored: string
}

interface Wish {
  readonly principal?: Principal
  readonly submission?: SubmissionOptions
  readonly middleware?: readonly Middleware[]
  readonly sender?: string
  readonly to?: string
}

/** Submits a message whose header is given; `\n` stands for CRLF. */
async function submit(header: string, wish: Wish = {}): Promise<Sent> {
  const { principal = ann, sender = 'ann@example.org', to = 'zoe@far.example', submission, middleware } = wish
  let taken: OutboundMessage | undefined
  const house = houseOf({
    people,
    ...(submission === undefined ? {} : { submission }),
    ...(middleware === undefined ? {} : { middleware }),
    outbound: {
      recipient: async () => accept(),
      async take(message) {
        taken = message
        return 'q1'
      },
    },
  })
  const connection = connectionOf('submission', { principal })
  const { reception } = await house.host.receive(connection, { sender: sender === '' ? undefined : address(sender) })
  await reception.recipient(address(to))
  const { outcomes } = await reception.message(spooled(`${header}\nSubject: Hello\n\nHello\n`))
  return { verdict: outcomes[0], taken, stored: (await mailOf(house.store, 'ben'))[0] ?? '' }
}

function said(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'nothing'
  return verdict.kind === 'reject' || verdict.kind === 'defer' ? `${verdict.code} ${verdict.text}` : verdict.kind
}

async function answer(header: string, wish?: Wish): Promise<string> {
  return said((await submit(header, wish)).verdict)
}

test('a login writes under its own addresses: account, alias, detail, and what the directory gave it (RFC 6409 §6.1)', async () => {
  for (const from of [
    'ann@example.org',
    'Ann <ANN@Example.org>',
    '"Lee, Ann" <ann+lists@example.org> (at home)',
    'info@example.org',
    'Ann <ann@example.org>, Info <info@example.org>\nSender: ann@example.org',
    '=?utf-8?q?J=C3=BCrgen?= <ann@example.org>',
    '"ann@example.org" <info@example.org>',
  ])
    assert.equal(await answer(`From: ${from}`), 'accept', from)
  const more = { ...ann, senders: ['@inner.example', 'boss@far.example'] }
  assert.equal(await answer('From: anybody@inner.example', { principal: more }), 'accept')
  assert.equal(await answer('From: Boss <boss@far.example>', { principal: more }), 'accept')
})

test('nobody writes as somebody else, here or elsewhere, and the reply says which address and what to do', async () => {
  const others = [
    'ben@example.org',
    'ceo@bank.example',
    'team@example.org',
    'away@example.org',
    'nobody@example.org',
    'ann@sub.example.org',
  ]
  for (const other of others)
    assert.equal(
      await answer(`From: Ann <${other}>`),
      `5.7.1 From or Sender names ${other}, which does not belong to this login: write one of your own addresses there`,
    )
  assert.match(await answer('From: ann@example.org, ben@example.org'), /^5\.7\.1 .* ben@example\.org/)
  assert.match(await answer('From: ann@example.org\nSender: ben@example.org'), /^5\.7\.1 .* ben@example\.org/)
  // To somebody here as well as to others, under the null reverse-path too.
  assert.match(await answer('From: ben@example.org', { to: 'ben@example.org' }), /^5\.7\.1 /)
  assert.match(await answer('From: ben@example.org', { sender: '' }), /^5\.7\.1 /)
})

test('a name that shows somebody else’s address is an author too, however it is dressed', async () => {
  for (const from of [
    '"ceo@bank.example" <ann@example.org>',
    'ceo@bank.example <ann@example.org>',
    'ann@example.org (ceo@bank.example) (at work)',
    '=?utf-8?q?ceo=40bank.example?= <ann@example.org>',
    '=?utf-8?b?Y2VvQGJhbmsu?= =?utf-8?b?ZXhhbXBsZQ==?= <ann@example.org>',
    '"ceo\uff20bank.example" <ann@example.org>',
    '"ceo@\u200bbank.\u00adexample" <ann@example.org>',
    '"The boss: ceo@bank.example." <ann@example.org>',
  ])
    assert.match(await answer(`From: ${from}`), /^5\.7\.1 .* ceo@bank\.example, which does not belong to this login/, from)
  assert.equal(await answer('From: "Ann @work, 24@7" <ann@example.org>'), 'accept')
})

test('a header that two readers could understand differently is refused (RFC 5322 §3.6; RFC 6409 §6.4)', async () => {
  for (const [header, wrong] of [
    ['To: zoe@far.example', 'The message has no From: write your address there'],
    ['From:', 'From names no address'],
    ['From: Ann', 'From has something that is no address'],
    ['From: <>', 'From has something that is no address'],
    ['From: ann@[192.0.2.1]', 'From has something that is no address'],
    ['From: ann@example.org\nFrom: ceo@bank.example', 'From stands more than once in the header'],
    ['From: ann@example.org\nfrom : ann@example.org', 'From stands more than once in the header'],
    ['From: ann@example.org\nSender: ann@example.org\nSender: ann@example.org', 'Sender stands more than once in the header'],
    ['From: ann@example.org\nSender: ann@example.org, info@example.org', 'Sender names several addresses, where it may name one'],
    ['From: Friends: ann@example.org;', 'From has a group, where addresses must stand'],
    ['From: Undisclosed:;', 'From has a group, where addresses must stand'],
    ['From: <@bank.example:ann@example.org>', 'From has something that is no address'],
    ['From: =?utf-8?q?ceo=40bank.example?=', 'From has something that is no address'],
    ['From: <=?utf-8?q?ceo=40bank.example=3e?=@example.org>', 'From has something that is no address'],
    [
      'From: ann@example.org\nno field\nFrom: ceo@bank.example',
      'The header has a line that is no field: send a message with a whole header',
    ],
    ['From ann\nFrom: ann@example.org', 'The header has a line that is no field: send a message with a whole header'],
    [`From: ${'ann@example.org, '.repeat(21)}`, 'From names more than 20 addresses'],
    [`From: "${'a'.repeat(9000)}" <ann@example.org>`, 'From is longer than 8192 characters'],
  ] as const)
    assert.equal(await answer(header), `5.6.0 ${wrong}`, header.slice(0, 80))
})

test('a host may allow other authors one by one, or not look at all', async () => {
  const authors: SubmissionOptions['authors'] = (principal, author) => principal.username === 'ann@example.org' && author.local === 'ben'
  assert.equal(await answer('From: ben@example.org', { submission: { authors } }), 'accept')
  assert.match(await answer('From: ceo@bank.example', { submission: { authors } }), /^5\.7\.1 /)
  for (const header of ['From: ceo@bank.example', 'To: zoe@far.example', 'From: a@b.example\nFrom: c@d.example'])
    assert.equal(await answer(header, { submission: { authors: 'any' } }), 'accept', header)
  assert.throws(() => houseOf({ submission: { authors: 'all' as 'any' } }), { code: 'MW_SUBMISSION' })
})

test('the right to a domain goes along, and only that which was found (RFC 6376 §5.1)', async () => {
  const rights = async (header: string, wish?: Wish): Promise<readonly string[] | undefined> => (await submit(header, wish)).taken?.domains
  assert.deepEqual(await rights('From: info@example.org'), ['example.org'])
  const more = { ...ann, senders: ['@inner.example'] }
  assert.deepEqual(await rights('From: x@inner.example', { principal: more }), ['inner.example', 'example.org'])
  const any: Wish = { submission: { authors: 'any' } }
  assert.deepEqual(await rights('From: ceo@bank.example', any), ['example.org'])
  // The envelope's domain is that of an author who is somebody else.
  assert.deepEqual(await rights('From: ben@example.org', any), [])
  assert.deepEqual(await rights('From: ceo@bank.example', { ...any, sender: '' }), [])
})

test('what middleware makes of From counts, not what was there', async () => {
  const rewrite = (from: string): Middleware => ({
    name: 'rewrite',
    message: async (context, next) => {
      context.edits.replace('From', from)
      return next()
    },
  })
  assert.equal(await answer('From: ben@example.org', { middleware: [rewrite('ann@example.org')] }), 'accept')
  assert.match(await answer('From: ann@example.org', { middleware: [rewrite('ben@example.org')] }), /^5\.7\.1 /)
  // An `accept` further out passes over the middleware below, not over the rights.
  assert.match(await answer('From: ben@example.org', { middleware: [{ name: 'yes', message: async () => accept() }] }), /^5\.7\.1 /)
})

test('Date and Message-ID are added where they are missing or no such thing, and stay where they are (RFC 6409 §8.2, §8.3)', async () => {
  const stored = async (header: string): Promise<string> =>
    (await submit(`${header}\nFrom: ann@example.org`, { to: 'ben@example.org' })).stored
  const made = /^Date: Fri, 02 Jan 2026 03:04:05 \+0000\nMessage-ID: <[\w-]+@mx\.example\.org>$/m
  const plain = await stored('To: ben@example.org')
  assert.match(plain, made)
  const mended = await stored('Date: yesterday\nMessage-ID: 17')
  assert.match(mended, made)
  assert.doesNotMatch(mended, /yesterday|: 17$/m)
  const own = 'Date: Tue, 24 Nov 2026 07:00:00 +0000\nMessage-ID: <1@example.org>'
  assert.match(await stored(own), new RegExp(own.replaceAll('+', '\\+')))
  assert.doesNotMatch(await stored(own), made)
})

test('mail that nobody submitted, and what a client stores by itself, may name any author', async () => {
  const house = houseOf({ people })
  const { reception } = await house.host.receive(connectionOf('smtp'), { sender: address('zoe@far.example') })
  await reception.recipient(address('ben@example.org'))
  const { outcomes } = await reception.message(spooled('From: ceo@bank.example\nFrom: two@bank.example\n\nHello\n'))
  assert.deepEqual(outcomes.map(said), ['accept'])
  const stored = await house.host.appended(connectionOf('imap', { principal: ann }), spooled('From: ceo@bank.example\n\nHello\n'))
  assert.equal(said(stored.verdict), 'accept')
})
