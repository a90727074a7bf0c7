import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, MailError, quarantine, reject } from 'mailwright/contracts'
import type { MailStore, Middleware, Verdict } from 'mailwright/contracts'
import { autoReplies } from 'mailwright/filters/auto-reply'
import type { AutoRepliesOptions, AutoReplyMail } from 'mailwright/filters/auto-reply'
import { memoryState, memoryStore } from 'mailwright/stores/memory'
import { fakeClock } from 'mailwright/testing'
import { address, connectionOf, houseOf, mailOf, person, spooled } from '../pipeline/house.ts'

const DAY = 86_400_000
const AWAY = { text: 'I am away until Monday.\nAnn' }

interface Written {
  readonly sender?: string
  readonly to?: string
  readonly header?: string
}

function world(options: Partial<AutoRepliesOptions> = {}, around: readonly Middleware[] = []) {
  const clock = fakeClock()
  const sent: AutoReplyMail[] = []
  const filter = autoReplies({
    clock,
    state: memoryState({ clock }),
    answer: ({ id }) => (id === 'ann' ? AWAY : undefined),
    send: async mail => void sent.push(mail),
    ...options,
  })
  const accounts = [person('ann', { displayName: 'Ann "A" Lee' }), person('ben')]
  const house = houseOf({
    middleware: [...around, filter],
    people: { accounts, aliases: { team: ['ann@example.org', 'ben@example.org'] } },
  })
  return {
    clock,
    sent,
    house,
    /** A message that comes, and why it was not answered. */
    comes: async ({
      sender = 'zoe@far.example',
      to = 'ann@example.org',
      header = `To: ${to}\nMessage-ID: <1@far.example>\n`,
    }: Written = {}): Promise<string> => {
      const connection = connectionOf('smtp')
      const { reception } = await house.host.receive(connection, { sender: sender === '' ? undefined : address(sender) })
      assert.equal((await reception.recipient(address(to))).kind, 'accept')
      const { outcomes } = await reception.message(spooled(`From: Zoe <zoe@far.example>\nSubject: Lunch?\n${header}\nHello\n`))
      assert.equal(outcomes[0]?.kind, 'accept')
      const entries = house.told('message').at(-1)?.['trace'] as readonly { middleware: string; evidence: readonly string[] }[]
      return entries.flatMap(({ middleware, evidence }) => (middleware === 'auto-reply' ? evidence : [])).join('; ')
    },
  }
}

test('who is away answers, from nobody and as a program (RFC 3834 §3.1, §3.3; RFC 5230 §4)', async () => {
  const { comes, sent, house } = world()
  assert.equal(await comes(), 'answered zoe@far.example')
  const [mail] = sent
  assert.deepEqual(mail?.envelope, { from: '', to: 'zoe@far.example' })
  assert.equal(mail?.origin, 'notification')
  const text = new TextDecoder().decode(mail?.raw).replace(/Message-ID: <[-0-9a-f]{36}@example\.org>/, 'Message-ID: <new@example.org>')
  assert.equal(
    text,
    [
      String.raw`From: "Ann \"A\" Lee" <ann@example.org>`,
      'To: <zoe@far.example>',
      'Subject: Auto: Lunch?',
      'Date: Fri, 02 Jan 2026 03:04:05 +0000',
      'Message-ID: <new@example.org>',
      'In-Reply-To: <1@far.example>',
      'References: <1@far.example>',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      'Content-Transfer-Encoding: 7bit',
      '',
      'I am away until Monday.',
      'Ann',
      '',
    ].join('\r\n'),
  )
  assert.equal((await mailOf(house.store, 'ann')).length, 1, 'the message itself is delivered')
})

test('one sender is answered once in a week, and at once to another text (RFC 5230 §4.1, §4.2)', async () => {
  let text = AWAY.text
  const { comes, sent, clock } = world({ answer: ({ id }) => (id === 'ann' ? { text } : undefined) })
  await comes()
  assert.equal(await comes(), 'not answered: this sender was answered before')
  await comes({ sender: 'ZOE@far.example' })
  clock.advance(6 * DAY)
  await comes()
  assert.equal(sent.length, 1)
  clock.advance(DAY)
  await comes()
  assert.equal(sent.length, 2, 'the week counts from the answer')
  await comes({ sender: 'max@far.example' })
  text = 'I am away for longer.'
  await comes()
  assert.equal(sent.length, 4)
  await Promise.all([1, 2, 3].map(() => comes({ sender: 'tom@far.example' })))
  assert.equal(sent.length, 5, 'of messages at once, one is answered')
})

test('no answer to programs, lists, nobody, strangers to the header, and the junk (RFC 3834 §2, §5)', async () => {
  const { comes, sent } = world()
  const to = 'To: ann@example.org\n'
  for (const [why, written] of [
    ['', { sender: '' }],
    ['automatic', { header: `${to}Auto-Submitted: auto-replied\n` }],
    ['list', { header: `${to}List-Id: <l.far.example>\n` }],
    ['list', { header: `${to}Precedence: bulk\n` }],
    ['daemon', { sender: 'owner-l@far.example' }],
    ['not-addressed', { header: 'To: undisclosed-recipients:;\n' }],
    ['not-addressed', { to: 'team@example.org' }],
    ['self', { sender: 'ann@example.org' }],
    ['', { to: 'ben@example.org' }],
  ] as const)
    assert.equal(await comes(written), why === '' ? '' : `not answered: ${why}`, JSON.stringify(written))
  assert.deepEqual(sent, [])
  assert.match(await comes({ to: 'ann+shop@example.org' }), /^answered/, 'a detail is an address of one’s own')

  const marks: Middleware = { name: 'marks', message: async (context, next) => (context.edits.add('X-Spam-Flag', 'YES'), next()) }
  assert.equal(await world({}, [marks]).comes(), 'not answered: spam')
  const asides: Middleware = { name: 'asides', message: async (_context, next) => (await next(), quarantine('odd')) }
  const aside = world({}, [asides])
  assert.equal(await aside.comes(), '')
  assert.equal((await mailOf(aside.house.store, 'ann', 'Junk')).length, 1)
})

test('further addresses are the account’s own', async () => {
  const { comes } = world({ addressesOf: ({ id }) => (id === 'ann' ? ['team@example.org'] : []) })
  assert.match(await comes({ to: 'team@example.org' }), /^answered/)
})

test('forged senders cannot make an account answer without end, and need not be answered at all (S21)', async () => {
  const { comes, sent, clock } = world({ daily: 3 })
  for (let at = 0; at < 6; at++) await comes({ sender: `victim${at}@far.example` })
  assert.equal(sent.length, 3)
  clock.advance(DAY)
  assert.match(await comes({ sender: 'victim5@far.example' }), /^answered/)

  const symbols: Middleware = {
    name: 'auth',
    async message({ trace, envelope }, next) {
      if (envelope?.sender?.local === 'zoe') trace.symbol('DMARC_PASS', 0)
      return next()
    },
  }
  const careful = world({ onlyWithSymbols: ['DMARC_PASS'] }, [symbols])
  assert.equal(await careful.comes({ sender: 'max@far.example' }), 'not answered: none of DMARC_PASS')
  assert.match(await careful.comes(), /^answered/)
})

test('whatever goes wrong, the message is delivered, and the next one may be answered', async () => {
  let isFull = true
  const sent: AutoReplyMail[] = []
  const { comes, house } = world({
    send: async mail => {
      if (isFull) throw new MailError('no-space', 'the disk is full')
      sent.push(mail)
    },
  })
  assert.equal(await comes(), 'not answered: the disk is full')
  isFull = false
  assert.match(await comes(), /^answered/)
  assert.equal((await mailOf(house.store, 'ann')).length, 2)
  assert.equal(sent.length, 1)
})

test('letters and long lines arrive as they were written, and nothing written becomes a field (RFC 2045 §6.8; S13)', async () => {
  const text = `Grüße\r\n.\r\nBcc: all@example.org\n${'x'.repeat(2000)}\n`
  const { comes, sent } = world({ answer: () => ({ text, subject: 'Weg\r\nBcc: all@example.org', name: 'Änn\nBcc: x' }) })
  await comes()
  const mail = new TextDecoder().decode(sent[0]?.raw)
  const [header = '', body = ''] = mail.split('\r\n\r\n')
  assert.doesNotMatch(header, /^Bcc/m)
  assert.match(header, /\r\nContent-Transfer-Encoding: base64$/)
  assert.ok(mail.split('\r\n').every(line => line.length <= 78))
  assert.equal(Buffer.from(body, 'base64').toString(), text.replaceAll(/\r?\n/g, '\r\n'))
})

test('times that cannot be are refused at once', () => {
  const state = memoryState()
  const parts = { state, answer: () => undefined, send: async () => undefined }
  assert.throws(() => autoReplies({ ...parts, every: 0 }), { code: 'MW_AUTO_REPLY' })
  assert.throws(() => autoReplies({ ...parts, daily: Number.NaN }), { code: 'MW_AUTO_REPLY' })
})

test('nobody is told that a message is here before it is: not when the store failed, nor when somebody further out said no', async () => {
  const clock = fakeClock()
  const sent: AutoReplyMail[] = []
  let fails = true
  const kept = memoryStore()
  const store: MailStore = new Proxy(kept, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (name === 'deliver' && fails) return () => Promise.reject(new MailError('no-space', 'full'))
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  let outer: Verdict = accept()
  const around: Middleware = { name: 'outer', deliver: async (_context, next) => (await next(), outer) }
  const filter = autoReplies({ clock, state: memoryState({ clock }), answer: () => AWAY, send: async mail => void sent.push(mail) })
  const { host } = houseOf({ store, middleware: [around, filter] })
  const comes = async (): Promise<string | undefined> => {
    const { reception } = await host.receive(connectionOf('smtp'), { sender: address('zoe@far.example') })
    await reception.recipient(address('ann@example.org'))
    const { outcomes } = await reception.message(spooled('From: zoe@far.example\nTo: ann@example.org\nSubject: Lunch?\n\nHello\n'))
    return outcomes[0]?.kind
  }
  assert.deepEqual([await comes(), sent.length], ['defer', 0])
  fails = false
  outer = reject('no')
  assert.deepEqual([await comes(), sent.length], ['reject', 0])
  outer = quarantine('odd')
  assert.deepEqual([await comes(), sent.length], ['accept', 0])
  outer = accept()
  assert.deepEqual([await comes(), sent.length], ['accept', 1])
  assert.deepEqual([await comes(), sent.length], ['accept', 1])
})
