/** The milter client: OpenDKIM for real, and fakes that speak the protocol well or badly. RFC 6376 §5, §6; RFC 8601 §2.2. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { Socket } from 'node:net'
import { milter } from 'mailwright/filters/milter'
import type { MilterOptions } from 'mailwright/filters/milter'
import { socketDialer } from 'mailwright/net'
import { requireProgram } from '../support/programs.ts'
import { latin1Bytes } from '../../src/bytes/index.ts'
import { verdicts } from '../dkim/messages.ts'
import { person } from '../pipeline/house.ts'
import { fake, LETTER, sent, started, workshop } from './beside.ts'
import type { Fake } from './beside.ts'

const dialer = socketDialer()
const hostname = 'mx.example.org'

test(
  'OpenDKIM signs, verifies what it has signed, and sees through what was changed (RFC 6376 §5, §6)',
  { skip: requireProgram('opendkim'), timeout: 60_000 },
  async () => {
    using shop = workshop()
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = shop.write('key.pem', privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())
    const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
    const records = shop.write('records', `s1._domainkey.example.com ${record}\n`)
    const path = `${shop.folder}/socket`
    const lines = [
      'Domain example.com',
      'Selector s1',
      `KeyFile ${key}`,
      `TestDNSData file:${records}`,
      'Mode sv',
      'Canonicalization relaxed/simple',
      'InternalHosts 192.0.2.1',
      'AlwaysAddARHeader yes',
      'AuthservID mx.example.org',
      'RequireSafeKeys no',
      'On-BadSignature reject',
      'On-NoSignature accept',
      'Background no',
      `Socket local:${path}`,
    ]
    await using _ = await started('opendkim', ['-f', '-x', shop.write('opendkim.conf', `${lines.join('\n')}\n`)], { path })
    const filter = milter({ name: 'opendkim', dialer, hostname, at: { path }, phases: ['connect', 'sender', 'recipient', 'message'] })
    const folded = LETTER.replace('hello', 'hello,\n world').replace(
      '\n\n',
      '\nDate: Tue, 24 Nov 2026 08:00:00 +0000\nMessage-ID: <1@example.com>\n\n',
    )
    const signed = await sent([filter], folded, { remote: { address: '192.0.2.1', port: 1 } })
    assert.equal(signed.answer, 'accept', signed.evidence.join('\n'))
    const at = signed.stored?.indexOf('DKIM-Signature:') ?? -1
    assert.ok(at > 0, signed.evidence.join('\n'))
    const fields = (signed.stored ?? '').slice(at).split(/\n(?![ \t])/)
    const letter = `${fields[0]}\n${folded}`
    const [ours] = await verdicts(latin1Bytes(letter.replaceAll('\n', '\r\n')), { 's1._domainkey.example.com': record })
    assert.equal(ours?.result, 'pass', 'what it has signed, we verify too')
    const verified = await sent([filter], letter)
    assert.match(
      verified.stored ?? '',
      /^Authentication-Results: mx.example.org;\s+dkim=pass [^;]*header.d=example.com/m,
      verified.evidence.join('\n'),
    )
    const broken = await sent([filter], letter.replace('how are', 'who are'))
    assert.match(broken.answer, /^reject 5\.7\.\d+ /)
    const unsigned = await sent([filter], folded)
    assert.match(unsigned.stored ?? '', /^Authentication-Results: mx.example.org;\s+dkim=none/m)
  },
)

/** A packet of the protocol, as Latin-1. */
function packet(kind: string, data: string = ''): string {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length + 1)
  return `${length.toString('latin1')}${kind}${data}`
}

function numbers(...values: readonly number[]): string {
  const octets = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) octets.writeUInt32BE(value, 4 * index)
  return octets.toString('latin1')
}

interface Script {
  /** What it says to the negotiation. Default: version 6, everything, nothing silent. */
  readonly negotiation?: string
  /** What it says to each letter. Default: `c`. */
  readonly answers?: Readonly<Record<string, string | readonly string[]>>
  /** Letters that it does not answer. */
  readonly silent?: string
}

interface FakeMilter extends Fake {
  /** The packets that came, macros among them, readable. */
  readonly packets: string[]
  /** Settles when the client has said goodbye. */
  readonly quit: Promise<void>
}

async function fakeMilter({
  negotiation = packet('O', numbers(6, 0x31, 0x400)),
  answers = {},
  silent = '',
}: Script = {}): Promise<FakeMilter> {
  const packets: string[] = []
  const { promise: quit, resolve } = Promise.withResolvers<void>()
  const program = await fake((socket: Socket) => {
    let held = ''
    let recipients = 0
    socket.on('data', text => {
      held += String(text)
      for (;;) {
        if (held.length < 4) return
        const length = Buffer.from(held.slice(0, 4), 'latin1').readUInt32BE()
        if (held.length < 4 + length) return
        const [kind = '', data] = [held[4], held.slice(5, 4 + length)]
        held = held.slice(4 + length)
        packets.push(`${kind} ${kind === 'O' ? '' : data.replaceAll('\0', '|')}`.trim())
        if (kind === 'Q') resolve()
        if (kind === 'O') socket.write(negotiation, 'latin1')
        else if (kind !== 'D' && kind !== 'Q' && !silent.includes(kind)) {
          const answer = answers[kind] ?? packet('c')
          socket.write(typeof answer === 'string' ? answer : (answer[kind === 'R' ? recipients++ : 0] ?? packet('c')), 'latin1')
        }
      }
    })
  })
  return { ...program, packets, quit, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

function filterFor(program: Fake, more: Partial<MilterOptions> = {}): ReturnType<typeof milter> {
  return milter({ dialer, hostname, at: program.at, ...more })
}

test('a milter hears the whole conversation in its order, with macros', async () => {
  await using program = await fakeMilter()
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' as const }
  const letter = 'From: <a@example.org>\nSubject: a\n  b\nX-Nul: a\0b\n\nbody\n'
  const result = await sent([filterFor(program, { macros: { client_resolve: 'OK' } })], letter, {
    principal,
    sender: 'ann@example.org',
    clientName: 'h\r\nx',
  })
  assert.equal(result.answer, 'accept', result.evidence.join())
  await program.quit
  assert.deepEqual(program.packets, [
    'O',
    'D Cj|mx.example.org|v|mailwright|_|[203.0.113.7]|{daemon_name}|mailwright|{client_addr}|203.0.113.7|{client_name}|[203.0.113.7]|{client_port}|40000|{client_ptr}|unknown|{if_addr}|192.0.2.1|{client_resolve}|OK|',
    'C [203.0.113.7]|4\u009c@203.0.113.7|',
    'D H',
    'H h?x|',
    'D Mi|c1|{mail_addr}|ann@example.org|{mail_host}|example.org|{auth_type}|PASSWORD|{auth_authen}|ann|',
    `M <ann@example.org>|SIZE=${letter.length + 6}|`,
    'D R{rcpt_addr}|ann@example.org|{rcpt_host}|example.org|',
    'R <ann@example.org>|',
    'D Ti|c1|',
    'T',
    'L From|<a@example.org>|',
    'L Subject|a\n  b|',
    'L X-Nul|a?b|',
    'N',
    'B body',
    'D Ei|c1|',
    'E',
    'Q',
  ])
})

test('what the milter does not want is not sent, and what it does not answer is not waited for', async () => {
  const steps = 0x1 | 0x2 | 0x10 | 0x200 | 0x80 | 0x4000 | 0x100000
  await using program = await fakeMilter({ negotiation: packet('O', numbers(6, 0, steps)), silent: 'LM' })
  assert.equal((await sent([filterFor(program)], 'A: 1\nB:2\n\nx\n')).answer, 'accept')
  await program.quit
  assert.deepEqual(
    program.packets.filter(one => !one.startsWith('D')),
    ['O', 'M <bob@example.com>|SIZE=16|', 'R <ann@example.org>|', 'L A| 1|', 'L B|2|', 'N', 'E', 'Q'],
  )
})

test('each answer is a verdict, at each step', async () => {
  const answers: Readonly<Record<string, string>> = {
    [packet('r')]: 'reject 5.7.1 The message was refused',
    [packet('t')]: 'defer 4.7.1 Please try again later',
    [packet('f')]: 'defer 4.7.1 Please try again later',
    [packet('y', '550 5.7.20 No signature here\0')]: 'reject 5.7.20 No signature here',
    [packet('y', '451-4.3.2 two\r\n451 4.3.2 lines\0')]: 'defer 4.3.2 two',
    [packet('y', '550 4.7.1 wrong class\0')]: 'reject 5.7.1 wrong class',
    [packet('a')]: 'accept',
    [packet('p') + packet('p') + packet('c')]: 'accept',
  }
  for (const [answer, meaning] of Object.entries(answers)) {
    for (const step of ['C', 'H', 'M', 'R', 'T', 'L', 'N', 'B', 'E']) {
      await using program = await fakeMilter({ answers: { [step]: answer } })
      const result = await sent([filterFor(program)])
      assert.equal(result.answer, meaning, `${step}: ${result.evidence.join()}`)
      assert.equal(result.mailbox, meaning === 'accept' ? 'INBOX' : undefined)
    }
  }
  await using discarding = await fakeMilter({ answers: { E: packet('d') } })
  const discarded = await sent([filterFor(discarding)])
  assert.deepEqual([discarded.answer, discarded.stored], ['accept', undefined])
  await using skipping = await fakeMilter({ answers: { B: packet('s') } })
  const skipped = await sent([filterFor(skipping)], LETTER + `${'x'.repeat(70)}\n`.repeat(4000))
  assert.equal(skipped.answer, 'accept')
  assert.equal(skipping.packets.filter(one => one.startsWith('B')).length, 1)
})

test('fields are added, changed and removed by their number, and the next milter sees it', async () => {
  const changes = [
    packet('h', 'X-Last\0 one\n\ttwo\0'),
    packet('i', `${numbers(1)}X-First\0one\0`),
    packet('m', `${numbers(2)}X-N\0\0`),
    packet('m', `${numbers(1)}Subject\0bye\0`),
    packet('m', `${numbers(1)}X-New\0new\0`),
    packet('q', 'suspicious\0'),
    packet('c'),
  ]
  await using first = await fakeMilter({ answers: { E: changes.join('') } })
  await using second = await fakeMilter()
  const { stored = '', mailbox } = await sent([filterFor(first), filterFor(second)], `X-N: 1\nX-N: 2\nX-N: 2\n${LETTER}`)
  assert.equal(mailbox, 'Junk')
  assert.match(stored, /X-N: 1\nX-N: 2\nFrom: <bob@example.com>\nSubject: bye\n\n/)
  for (const field of ['X-Last: one two', 'X-First: one', 'X-New: new']) assert.ok(stored.includes(`${field}\n`), field)
  const told = second.packets.filter(one => one.startsWith('L')).join(' ')
  assert.equal(told, 'L X-Last|one\n\ttwo| L X-First|one| L X-New|new| L X-N|1| L X-N|2| L From|<bob@example.com>| L Subject|bye|')
})

test('a milter may refuse early, some recipients among others, where it is asked then', async () => {
  await using program = await fakeMilter({
    answers: { R: [packet('y', '550 5.1.1 not him\0'), packet('c'), packet('y', '550 5.1.1 not him\0')] },
  })
  const late = await sent([filterFor(program)], LETTER, { recipients: ['ann@example.org', 'ben@example.org'] })
  assert.ok(late.evidence.includes('it would refuse ann@example.org: ask it at recipient as well'))
  await using early = await fakeMilter({ answers: { R: packet('y', '550 5.1.1 not him\0') } })
  assert.equal((await sent([filterFor(early, { phases: ['recipient'] })])).answer, 'reject 5.1.1 not him')
  assert.equal(
    early.packets.some(one => one.startsWith('T')),
    false,
  )
  await using door = await fakeMilter({ answers: { C: packet('t') } })
  assert.match((await sent([filterFor(door, { phases: ['connect', 'message'] })])).answer, /^defer/)
})

test('what a milter may not say is a note, and mail goes on or is put off (M8)', async () => {
  const hostile: readonly (readonly [note: RegExp, script: Script])[] = [
    [/a packet of 0 octets/, { negotiation: numbers(0) }],
    [/a packet of 4294967295 octets/, { negotiation: numbers(0xffff_ffff) }],
    [/"c" to the negotiation/, { negotiation: packet('c') }],
    [/a packet without its number/, { negotiation: packet('O', numbers(6)) }],
    [/version 1/, { negotiation: packet('O', numbers(1, 0, 0)) }],
    [/version 7/, { negotiation: packet('O', numbers(7, 0, 0)) }],
    [/cannot be changed here/, { negotiation: packet('O', numbers(6, 0x02, 0)) }],
    [/steps that were not offered/, { negotiation: packet('O', numbers(6, 0, 0x1000_0000)) }],
    [/a change that was not agreed on/, { negotiation: packet('O', numbers(6, 0x01, 0)), answers: { E: packet('q', 'x\0') } }],
    [/a packet "b"/, { answers: { E: packet('b', 'another body') } }],
    [/a packet "h"/, { answers: { M: packet('h', 'X\0y\0') } }],
    [/a packet "h" without its texts/, { answers: { E: packet('h', 'X') } }],
    [/a reply that is no refusal/, { answers: { E: packet('y', '250 ok\0') } }],
    [/more than 200 changes/, { answers: { E: packet('h', 'X\0y\0').repeat(300) } }],
    [/more packets than a message is worth/, { answers: { E: packet('p').repeat(30_000) } }],
    [/no answer within 200 ms/, { silent: 'L' }],
  ]
  for (const [note, script] of hostile) {
    await using program = await fakeMilter(script)
    const within = script.silent === undefined ? 10_000 : 200
    const loose = await sent([filterFor(program, { within })])
    assert.match(loose.evidence.join(), note)
    assert.equal(loose.mailbox, 'INBOX')
    assert.match((await sent([filterFor(program, { within, required: true })])).answer, /^defer 4.3.0 /)
  }
  await using program = await fakeMilter({
    answers: { E: packet('h', 'Bad Name\0x\0') + packet('i', `${numbers(0)}X-Y\0a\r\nX-Z: b\0`) + packet('c') },
  })
  const { stored = '', evidence } = await sent([filterFor(program)])
  assert.doesNotMatch(stored, /Bad|X-Z/)
  assert.match(evidence.join(), /a change of the header was not made: .*Bad Name/)
})

test('a milter that leaves, or trickles, is noted', async () => {
  await using leaving = await fake(socket => socket.end())
  assert.match((await sent([filterFor(leaving)])).evidence.join(), /it left in the middle/)
  const answer = packet('O', numbers(6, 0, 0))
  await using trickling = await fake(socket => {
    let at = 0
    const timer = setInterval(() => (at < answer.length ? socket.write(answer[at++] ?? '', 'latin1') : clearInterval(timer)), 2)
    socket.on('close', () => clearInterval(timer))
  })
  assert.match((await sent([filterFor(trickling, { within: 300 })])).evidence.join(), /no answer within 300 ms/)
})

test('macros that are none are refused at once', () => {
  assert.throws(() => milter({ dialer, hostname, at: { path: '/m' }, macros: { '{x}': 'y' } }), { code: 'MW_MILTER_MACRO' })
})
