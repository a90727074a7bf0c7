/** The filter that asks clamd: the real one with a small database of its own, and fakes. M5, M8. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clamav } from 'mailwright/filters/clamav'
import type { ClamavOptions } from 'mailwright/filters/clamav'
import { socketDialer } from 'mailwright/net'
import { requireProgram } from '../support/programs.ts'
import { answering, fake, LETTER, sent, started, workshop } from './beside.ts'

const dialer = socketDialer()
const END = '\0\0\0\0'

test(
  'clamd finds what is in its database, over a Unix socket, and says what it cannot look through',
  { skip: requireProgram('clamd'), timeout: 60_000 },
  async () => {
    using shop = workshop()
    const word = 'mailwright-test-virus'
    shop.write('own.ndb', `Mailwright.Test:0:*:${Buffer.from(word).toString('hex')}\n`)
    const path = `${shop.folder}/socket`
    const lines = [
      `DatabaseDirectory ${shop.folder}`,
      `LocalSocket ${path}`,
      'Foreground yes',
      'StreamMaxLength 300K',
      `User ${process.getuid?.() === 0 ? 'root' : ''}`,
    ]
    const config = shop.write('clamd.conf', `${lines.filter(line => !line.endsWith(' ')).join('\n')}\n`)
    await using _ = await started('clamd', ['-c', config], { path })
    const filter = (more: Partial<ClamavOptions> = {}) => [clamav({ dialer, at: { path }, ...more })]
    const clean = await sent(filter())
    assert.deepEqual([clean.answer, clean.evidence.includes('clean'), clean.mailbox], ['accept', true, 'INBOX'])
    const infected = `${LETTER}${word}\n`
    const refused = await sent(filter(), infected)
    assert.equal(refused.answer, 'reject 5.7.1 The message is infected')
    assert.deepEqual(refused.symbols, [{ name: 'VIRUS', score: 0, text: 'Mailwright.Test.UNOFFICIAL' }])
    assert.equal((await sent(filter({ infected: 'quarantine' }), infected)).mailbox, 'Junk')
    const thrown = await sent(filter({ infected: 'discard' }), infected)
    assert.deepEqual([thrown.answer, thrown.stored], ['accept', undefined])
    const large = `${LETTER}${`${'x'.repeat(70)}\n`.repeat(20_000)}`
    const beyond = await sent(filter({ unscannable: 'defer' }), large)
    assert.match(beyond.answer + beyond.evidence.join(), /^defer 4.7.1 The message cannot be looked through/)
    assert.match(beyond.evidence.join(), /^unscannable: (?:INSTREAM size limit exceeded|clamd left after)/)
  },
)

test('a message is sent in pieces with their lengths', async () => {
  await using program = await fake(answering(END, 'stream: OK\0'))
  const { evidence } = await sent([clamav({ dialer, at: program.at })], 'From: <b@example.com>\n\nhi\n')
  assert.deepEqual(evidence, ['clean'])
  assert.equal(program.heard(), 'zINSTREAM\0\0\0\0\u001dFrom: <b@example.com>\r\n\r\nhi\r\n\0\0\0\0')
})

test('what clamd gave up on is unscannable, and so is what is too large to be sent', async () => {
  await using program = await fake(answering(END, 'stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0'))
  const one = await sent([clamav({ dialer, at: program.at, unscannable: 'quarantine' })])
  assert.deepEqual([one.mailbox, one.symbols[0]?.name], ['Junk', 'VIRUS_UNSCANNABLE'])
  const two = await sent([clamav({ dialer, at: program.at, mostOctets: 10 })])
  assert.deepEqual(two.evidence, [`unscannable: ${LETTER.length + 4} octets, more than 10`])
  assert.equal(two.mailbox, 'INBOX')
})

test('nonsense, silence and absence let mail pass with a note, or put it off where clamd is required (M8)', async () => {
  const hostile: Readonly<Record<string, Parameters<typeof fake>[0]>> = {
    'nonsense: "what\\?"': answering(END, 'what?\0'),
    'nonsense: ""': answering(END, ''),
    'more than 4096 octets': socket => socket.write('x'.repeat(100_000)),
    'no answer within 100 ms': () => undefined,
    'nonsense: "stream: FOUND"': answering(END, 'stream: FOUND\0'),
  }
  for (const [note, serve] of Object.entries(hostile)) {
    await using program = await fake(serve)
    const loose = await sent([clamav({ dialer, at: program.at, within: 100 })])
    assert.match(loose.evidence.join(), new RegExp(`^clamd could not be asked: .*${note}`), note)
    assert.equal(loose.mailbox, 'INBOX')
    const strict = await sent([clamav({ dialer, at: program.at, within: 100, required: true })])
    assert.equal(strict.answer, 'defer 4.3.0 Mail cannot be checked at present, please try again later')
  }
  const gone = await sent([clamav({ dialer, at: { path: '/nowhere/clamd.ctl' } })])
  assert.match(gone.evidence.join(), /clamd could not be asked: connection to \/nowhere\/clamd.ctl: connect ENOENT/)
})

test('a program that reads nothing is cut off by its deadline, and a large message waits for it in no memory of ours', async () => {
  await using program = await fake(socket => socket.pause())
  const before = process.memoryUsage().arrayBuffers
  const { evidence } = await sent([clamav({ dialer, at: program.at, within: 300 })], `${LETTER}${`${'x'.repeat(70)}\n`.repeat(200_000)}`)
  assert.deepEqual(evidence, ['clamd could not be asked: no answer within 300 ms'])
  assert.ok(process.memoryUsage().arrayBuffers - before < 60_000_000)
})

test('an address that is none is refused at once', () => {
  assert.throws(() => clamav({ dialer, at: { path: 'clamd.ctl' } }), { code: 'MW_PROGRAM_ADDRESS' })
  assert.throws(() => clamav({ dialer, at: { address: '127.0.0.1', port: 0 } }), { code: 'MW_PROGRAM_ADDRESS' })
  assert.throws(() => clamav({ dialer, at: { address: '127.0.0.1', port: 3310 }, within: 0 }), { code: 'MW_PROGRAM_TIME' })
})
