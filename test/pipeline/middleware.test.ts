import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { accept, defer, discard, MailError, quarantine, reject } from 'mailwright/contracts'
import type { Middleware, TraceEntry, Verdict } from 'mailwright/contracts'
import { address, connectionOf, houseOf, mailOf, spooled } from './house.ts'
import type { TestHouse } from './house.ts'

const MAIL = 'From: zoe@far.example\nSubject: Hello\n\nHello\n'

async function receive(house: TestHouse, connection: ReturnType<typeof connectionOf> = connectionOf('lmtp')): Promise<Verdict> {
  const { reception } = await house.host.receive(connection, { sender: address('zoe@far.example') })
  const answer = await reception.recipient(address('ann@example.org'))
  if (answer.kind !== 'accept') return answer
  const { outcomes } = await reception.message(spooled(MAIL))
  return outcomes[0] ?? answer
}

function traceOf(house: TestHouse): readonly TraceEntry[] {
  return (house.told('message').at(-1)?.['trace'] as readonly TraceEntry[] | undefined) ?? []
}

test('middleware runs like the skins of an onion, and the trace says who decided what', async () => {
  const order: string[] = []
  const skin = (name: string, verdict?: Verdict): Middleware => ({
    name,
    async message(context, next) {
      order.push(`${name} in`)
      context.trace.note(`${name} saw "${context.header('subject') ?? ''}"\u001b[31m`)
      const below = verdict ?? (await next())
      order.push(`${name} out`)
      context.trace.note('done')
      return below
    },
  })
  const house = houseOf({ middleware: [skin('outer'), skin('middle', reject('No hellos', '5.7.1')), skin('inner')] })
  assert.deepEqual(await receive(house), reject('No hellos', '5.7.1'))
  assert.deepEqual(order, ['outer in', 'middle in', 'middle out', 'outer out'])
  assert.deepEqual(
    traceOf(house).map(({ phase, middleware, verdict, evidence }) => [phase, middleware, verdict.kind, evidence]),
    [
      ['message', 'middle', 'reject', ['middle saw "Hello"\\u{1b}[31m', 'done']],
      ['message', 'outer', 'reject', ['outer saw "Hello"\\u{1b}[31m', 'done']],
    ],
  )
})

test('each decision is one event, with its trace: a message as a whole, and what was refused before there was one', async () => {
  let refuse: 'sender' | 'recipient' | 'message' | undefined
  const no = (phase: typeof refuse): (() => Promise<Verdict>) | undefined =>
    refuse === phase ? () => Promise.resolve(reject(`not this ${phase ?? ''}`)) : undefined
  const house = houseOf({
    middleware: [
      {
        name: 'picky',
        sender: (_context, next) => (no('sender') ?? next)(),
        recipient: (_context, next) => (no('recipient') ?? next)(),
        message: (_context, next) => (no('message') ?? next)(),
      },
    ],
  })
  const told = async (): Promise<readonly string[]> => {
    const before = house.events.length
    await receive(house)
    return house.events.slice(before).flatMap(({ name, event }) => {
      const trace = event['trace'] as readonly TraceEntry[] | undefined
      return name === 'message' || name === 'refused'
        ? [`${name} ${trace?.map(({ middleware, phase }) => `${middleware} ${phase}`).join()}`]
        : []
    })
  }
  assert.deepEqual(await told(), ['message picky sender,picky recipient,picky message'])
  refuse = 'recipient'
  assert.deepEqual(await told(), ['refused picky recipient'])
  refuse = 'message'
  assert.deepEqual(await told(), ['message picky sender,picky recipient,picky message'])
  refuse = 'sender'
  assert.deepEqual((await told()).slice(0, 1), ['refused picky sender'])
})

test('what middleware does wrong defers, is told, and hurts nobody else (M8)', async () => {
  let fault: Middleware['recipient']
  const house = houseOf({ middleware: [{ name: 'faulty', recipient: (context, next) => (fault ?? (() => next()))(context, next) }] })
  const faults: Readonly<Record<string, Middleware['recipient']>> = {
    throws: () => Promise.reject(new Error('secret path /etc/mail')),
    'throws at once': () => {
      throw new Error('no promise')
    },
    'answers nothing': () => Promise.resolve(undefined as unknown as Verdict),
    'answers a text': () => Promise.resolve('yes' as unknown as Verdict),
    'answers an unknown kind': () => Promise.resolve({ kind: 'maybe' } as unknown as Verdict),
    'answers a wrong code': () => Promise.resolve({ kind: 'reject', text: 'x', code: '2.0.0' }),
    'discards a recipient': () => Promise.resolve(discard('x')),
    'calls next twice': async (_context, next) => {
      await next()
      return next()
    },
    'calls next twice and hides it': async (_context, next) => {
      const verdict = await next()
      await next().catch(() => undefined)
      return verdict
    },
    'calls next twice and waits for neither': async (_context, next) => {
      void next()
      void next()
      return accept()
    },
  }
  for (const [what, recipient] of Object.entries(faults)) {
    fault = recipient
    const told = house.told('error').length
    const verdict = await receive(house)
    assert.deepEqual([verdict.kind, verdict.kind === 'defer' ? verdict.code : ''], ['defer', '4.3.0'], what)
    assert.doesNotMatch(JSON.stringify(verdict), /secret|etc/)
    assert.equal(house.told('error').length, told + 1, what)
    const refused = house.told('refused').at(-1)?.['trace'] as readonly TraceEntry[]
    assert.equal(typeof refused.find(({ middleware }) => middleware === 'faulty')?.fault, 'string', what)
    fault = undefined
    assert.deepEqual(await receive(house), accept(), `the next one after "${what}"`)
  }
  assert.equal((await mailOf(house.store, 'ann')).length, Object.keys(faults).length)
})

test('a parse that failed hurts nobody when who asked for it did not wait', async () => {
  const impatient: Middleware = {
    name: 'impatient',
    async message(context, next) {
      void context.parsed()
      return next()
    },
  }
  const house = houseOf({ middleware: [impatient], parse: () => Promise.reject(new MailError('invalid', 'it cannot be parsed')) })
  assert.deepEqual(await receive(house), accept())
  // What nobody heard would end the process, or here the test, in the next turn.
  await new Promise(resolve => setImmediate(resolve))
})

test('a middleware that hangs is given up at its deadline, and its signal fires (M8)', async () => {
  let signal: AbortSignal | undefined
  const house = houseOf({
    deadlines: { message: 5000 },
    middleware: [
      { name: 'outer', message: (_context, next) => next() },
      {
        name: 'hanging',
        message(context) {
          ;({ signal } = context)
          return new Promise(() => undefined)
        },
      },
    ],
  })
  const outcome = receive(house)
  while (signal === undefined) await new Promise(resolve => setImmediate(resolve))
  house.clock.advance(4999)
  assert.equal(signal.aborted, false)
  house.clock.advance(1)
  assert.equal(signal.aborted, true)
  const verdict = await outcome
  assert.equal(verdict.kind === 'defer' ? verdict.code : '', '4.3.0')
  assert.deepEqual(
    traceOf(house).map(({ middleware, fault }) => [middleware, fault]),
    [
      ['hanging', 'no answer within 5000 ms'],
      ['outer', undefined],
    ],
  )
  assert.equal(house.clock.untilNext, undefined)
})

test('a middleware that takes a gigabyte and never answers is given up, its memory with it, and the next message is delivered (M8)', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  let greedy: Middleware['message'] = async () => {
    const taken: Uint8Array[] = []
    for (let n = 0; n < 16; n++) {
      taken.push(new Uint8Array(64 * 1024 * 1024).fill(1))
      await new Promise(resolve => setImmediate(resolve))
    }
    most = process.memoryUsage().arrayBuffers - before
    await new Promise(() => undefined)
    throw new Error(`${taken.length}`)
  }
  const house = houseOf({ middleware: [{ name: 'greedy', message: (context, next) => greedy?.(context, next) ?? next() }] })
  const outcome = receive(house)
  while (most === 0) await new Promise(resolve => setImmediate(resolve))
  // Less than a gigabyte by what others in this process gave back meanwhile.
  assert.ok(most > 700 * 1024 ** 2, `${most} octets`)
  house.clock.advance(120_000)
  const verdict = await outcome
  assert.deepEqual([verdict.kind, verdict.kind === 'defer' ? verdict.code : ''], ['defer', '4.3.0'])
  greedy = undefined
  assert.deepEqual(await receive(house), accept())
  assert.equal((await mailOf(house.store, 'ann')).length, 1)
  let left = most
  // Memory of arrays is given back beside the collection, a little later.
  for (let turn = 0; turn < 1000 && left > most / 2; turn++) {
    if (turn % 100 === 0) collect()
    await new Promise(resolve => setImmediate(resolve))
    left = process.memoryUsage().arrayBuffers - before
  }
  assert.ok(left < most / 2, `${left} octets are still held`)
})

test('the signal fires when the client leaves', async () => {
  let signal: AbortSignal | undefined
  const connection = connectionOf()
  const house = houseOf({
    middleware: [
      {
        name: 'slow',
        connect(context) {
          ;({ signal } = context)
          return new Promise(() => undefined)
        },
      },
    ],
  })
  const outcome = house.host.connect(connection)
  await new Promise(resolve => setImmediate(resolve))
  connection.leave()
  assert.equal((await outcome).kind, 'defer')
  assert.equal(signal?.aborted, true)
})

test('an accept that goes over the middle’s head counts for nothing', async () => {
  const house = houseOf({
    middleware: [{ name: 'yes', recipient: async () => accept(), login: async () => accept(), connect: async () => accept() }],
  })
  const { reception } = await house.host.receive(connectionOf(), { sender: undefined })
  assert.equal((await reception.recipient(address('nobody@example.org'))).kind, 'reject')
  assert.equal((await reception.recipient(address('ann@example.org'))).kind, 'accept')
  const login = await house.host.login(connectionOf(), 'PLAIN', { kind: 'password', username: 'ann', password: 'wrong' })
  assert.equal(login.ok, false)
})

test('quarantine goes to Junk, which is made; discard says yes and stores nothing', async () => {
  let verdict: Verdict = quarantine('smells')
  const house = houseOf({ middleware: [{ name: 'nose', message: async () => verdict }] })
  assert.equal((await receive(house)).kind, 'accept')
  assert.equal((await mailOf(house.store, 'ann', 'Junk')).length, 1)
  const boxes = await (await house.store.open('ann')).mailboxes()
  assert.equal(boxes.find(({ name }) => name === 'Junk')?.specialUse, 'Junk')
  verdict = quarantine('known', 'Lists/odd')
  assert.equal((await receive(house)).kind, 'accept')
  assert.equal((await mailOf(house.store, 'ann', 'Lists/odd')).length, 1)
  verdict = discard('worthless')
  assert.equal((await receive(house)).kind, 'accept')
  assert.equal((await mailOf(house.store, 'ann')).length, 0)
})

test('the header is edited without touching the original (RFC 5322 §2.2)', async () => {
  const house = houseOf({
    middleware: [
      {
        name: 'editor',
        async message(context, next) {
          context.edits.add('X-Seen', 'yes')
          context.edits.replace('Subject', `Re: ${context.header('SUBJECT') ?? ''} ${'word '.repeat(30)}`)
          context.edits.remove('From')
          context.edits.add('From', 'Nobody <nobody@example.org>')
          for (const [name, value] of [
            ['X Y', 'z'],
            ['X', 'a\r\nEvil: 1'],
            ['X', 'a\u2028b'],
            ['X', 'z'.repeat(1000)],
          ] as const) {
            assert.throws(() => context.edits.add(name, value), { kind: 'invalid' })
          }
          assert.equal((await context.parsed()).subject, 'Hello')
          assert.equal((await context.parsed()).from[0]?.address, 'zoe@far.example')
          return next()
        },
        async deliver(context, next) {
          assert.equal(context.header('x-seen'), 'yes')
          context.mailbox = 'Edited'
          context.flags.add('\\Flagged')
          return next()
        },
      },
    ],
  })
  assert.equal((await receive(house)).kind, 'accept')
  const [mail = ''] = await mailOf(house.store, 'ann', 'Edited')
  const folded = 'Subject: Re: Hello word word word word word word word word word word word word\n word word'
  assert.match(
    mail,
    /^Return-Path: <zoe@far\.example>\nDelivered-To: ann@example\.org\nFrom: Nobody <nobody@example\.org>\nX-Seen: yes\nReceived: /,
  )
  assert.ok(mail.includes(`+0000\n${folded}`), mail)
  assert.ok(mail.endsWith('\n\nHello\n'))
  assert.equal(mail.match(/^From:/gm)?.length, 1)
})

test('a filter may refuse one recipient of LMTP; over SMTP one refusal is for all, before anybody has a copy', async () => {
  const notBen: Middleware = {
    name: 'not-ben',
    deliver: async (context, next) => (context.account.id === 'ben' ? defer('Ben sleeps', '4.7.1') : next()),
  }
  for (const [protocol, kinds, stored] of [
    ['lmtp', ['accept', 'defer'], 1],
    ['smtp', ['defer', 'defer'], 0],
  ] as const) {
    const house = houseOf({ middleware: [notBen] })
    const { reception } = await house.host.receive(connectionOf(protocol), { sender: undefined })
    await reception.recipient(address('ann@example.org'))
    await reception.recipient(address('ben@example.org'))
    const { outcomes } = await reception.message(spooled(MAIL))
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      kinds,
    )
    assert.equal((await mailOf(house.store, 'ann')).length, stored)
  }
})

test('a message that a client stores by itself runs through the message phase (RFC 9051 §6.3.12)', async () => {
  let verdict: Verdict = accept()
  const house = houseOf({
    middleware: [
      {
        name: 'stamp',
        async message(context, next) {
          assert.equal(context.envelope, undefined)
          context.edits.add('X-Stamp', 'yes')
          return verdict.kind === 'accept' ? next() : verdict
        },
      },
    ],
  })
  const content = spooled(MAIL)
  const kept = await house.host.appended(connectionOf('imap'), content)
  assert.equal(kept.verdict.kind, 'accept')
  assert.equal(new TextDecoder().decode(kept.message.prefix), 'X-Stamp: yes\r\n')
  assert.equal(kept.message.content, content)
  verdict = quarantine('smells')
  assert.equal((await house.host.appended(connectionOf('imap'), content)).verdict.kind, 'reject')
})

test('what a filter does once a message is stored: a fault is reported, and one that hangs ends after 30 seconds', async () => {
  const done: string[] = []
  let begun: () => void = () => undefined
  const hangs = new Promise<void>(resolve => void (begun = resolve))
  const house = houseOf({
    middleware: [
      {
        name: 'after',
        deliver: async (context, next) => {
          const note = context.trace.later()
          context.whenStored(async () => {
            done.push('first')
            note('it is stored')
          })
          context.whenStored(() => Promise.reject(new Error('a bug')))
          context.whenStored(() => {
            begun()
            return new Promise(() => undefined)
          })
          // However many hang, the client waits once.
          context.whenStored(() => new Promise(() => undefined))
          return next()
        },
      },
    ],
  })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('zoe@far.example') })
  await reception.recipient(address('ann@example.org'))
  const outcome = reception.message(spooled('From: zoe@far.example\n\nHello\n'))
  await hangs
  house.clock.advance(30_000)
  assert.equal((await outcome).outcomes[0]?.kind, 'accept')
  assert.deepEqual(done, ['first'])
  assert.deepEqual(
    house.told('error').map(({ error, where }) => `${String(where)}: ${String(error)}`),
    ['after delivery: Error: a bug', 'after delivery: Error: not done within 30000 ms'],
  )
  const trace = house.told('message')[0]?.['trace'] as readonly { readonly evidence: readonly string[] }[]
  assert.deepEqual(trace[0]?.evidence, ['it is stored'])
})
