/** The filter that asks spamd: the real one with rules of its own, and fakes. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { score } from 'mailwright/filters/score'
import { spamassassin } from 'mailwright/filters/spamassassin'
import type { SpamassassinOptions } from 'mailwright/filters/spamassassin'
import { socketDialer } from 'mailwright/net'
import { requireProgram } from '../support/programs.ts'
import { freePort } from '../../bench/lib/ports.ts'
import { answering, fake, LETTER, sent, started, workshop } from './beside.ts'

const dialer = socketDialer()
const hostname = 'mx.example.org'

/** Four rules instead of a thousand: it is up in a second. */
const RULES = `
required_score 5
report_safe 0
use_bayes 0
util_rb_tld example com org
clear_report_template
report Content analysis details:   (_SCORE_ points, _REQD_ required)
report
report  pts rule name              description
report ---- ---------------------- --------------------------------------------------
report _SUMMARY_
header TOLD_CLIENT X-Spam-Relays-Untrusted =~ /ip=203\\.0\\.113\\.7 rdns= helo=client\\.example /
describe TOLD_CLIENT The client is told
score TOLD_CLIENT 0.7
header TOLD_SENDER EnvelopeFrom:addr =~ /^bob.example\\.com$/
describe TOLD_SENDER The sender is told
score TOLD_SENDER -1.2
body BAD_WORD /badword/
describe BAD_WORD A bad word
score BAD_WORD 6.5
`

test('spamd weighs: one symbol for all, or one for each of its rules', { skip: requireProgram('spamd'), timeout: 120_000 }, async () => {
  using shop = workshop()
  const at = { address: '127.0.0.1', port: await freePort() }
  for (const folder of ['rules', 'site']) mkdirSync(`${shop.folder}/${folder}`)
  shop.write('rules/10.cf', RULES)
  shop.write('site/init.pre', 'loadplugin Mail::SpamAssassin::Plugin::Check\n')
  const folders = ['-C', `${shop.folder}/rules`, `--siteconfigpath=${shop.folder}/site`, '-r', `${shop.folder}/pid`]
  const workers = ['-m', '1', '--min-children=1', '--min-spare=1', '--max-spare=1']
  await using _ = await started('spamd', ['-L', '-x', '-i', '127.0.0.1', '-p', String(at.port), ...workers, ...folders, '-s', 'stderr'], at)
  const filter = (more: Partial<SpamassassinOptions> = {}) => spamassassin({ dialer, hostname, at, ...more })
  const ham = await sent([filter()])
  assert.deepEqual(ham.symbols, [{ name: 'SPAMASSASSIN', score: -0.6, text: 'TOLD_CLIENT, TOLD_SENDER' }], ham.evidence.join())
  const spam = await sent([score(), filter()], `${LETTER}badword\n`)
  assert.deepEqual([spam.mailbox, spam.symbols[0]?.score], ['Junk', 7.2])
  const each = await sent([filter({ symbols: 'each', weight: 1 })], `${LETTER}badword\n`)
  assert.deepEqual(Object.fromEntries(each.symbols.map(({ name, score }) => [name, score])), {
    SA_BAD_WORD: 6.5,
    SA_TOLD_SENDER: -1.2,
    SA_TOLD_CLIENT: 0.7,
  })
})

function spamd(head: string, body: string): Parameters<typeof fake>[0] {
  return answering('you?\r\n', `SPAMD/1.1 0 EX_OK\r\nContent-length: ${body.length}\r\n${head}\r\n\r\n${body}`)
}

test('the message goes with who sent it, what peers have named is a line, and the connection stays open for the answer', async () => {
  let isClosed = false
  await using program = await fake((socket, heard) => {
    socket.on('end', () => (isClosed = true))
    spamd('Spam: True ; 7.5 / 5.0', 'A,B')(socket, heard)
    socket.on('data', () => assert.equal(isClosed, false))
  })
  const { symbols } = await sent([spamassassin({ dialer, hostname, at: program.at, user: 'mail' })], LETTER, { clientName: 'x\r\nX: y' })
  assert.deepEqual(symbols, [{ name: 'SPAMASSASSIN', score: 9, text: 'A, B' }])
  const [command = '', head = ''] = program.heard().split('\r\n\r\n')
  assert.match(command, /^SYMBOLS SPAMC\/1\.5\r\nContent-length: \d+\r\nUser: mail$/)
  assert.equal(Number(/\d+$/m.exec(command.split('\r\n')[1] ?? '')?.[0]), program.heard().length - command.length - 4)
  assert.match(head, /^X-Envelope-From: <bob@example.com>\r\nReceived: from x\?X:\?y \(unknown \[203.0.113.7\]\)\r\n\tby mx.example.org/)
})

test('hostile answers are notes, within bounds, and mail goes on or is put off (M8)', async () => {
  const hostile: readonly (readonly [note: RegExp, serve: Parameters<typeof fake>[0]])[] = [
    [/no Spam field/, spamd('Spam: maybe', '')],
    [/no Spam field/, spamd('Spam: True ; 1e999 / 5', '')],
    [/error 76 EX_PROTOCOL/, answering('you?\r\n', 'SPAMD/1.0 76 EX_PROTOCOL\r\nContent-length: 0\r\n\r\n')],
    [/"220 mx/, answering('you?\r\n', '220 mx\r\n\r\n')],
    [/a header without an end/, socket => socket.write('\rx'.repeat(50_000))],
    [/more than 262144 octets/, socket => socket.write(`SPAMD/1.1 0 EX_OK\r\nContent-length: 999999999\r\n\r\n${'x'.repeat(300_000)}`)],
    [/no answer within 200 ms/, () => undefined],
  ]
  for (const [note, serve] of hostile) {
    await using program = await fake(serve)
    const { evidence, mailbox } = await sent([
      spamassassin({ dialer, hostname, at: program.at, within: note.source.startsWith('no answer') ? 200 : 5000 }),
    ])
    assert.match(evidence.join(), note)
    assert.equal(mailbox, 'INBOX')
  }
  const at = { path: '/nowhere/spamd.sock' }
  assert.match((await sent([spamassassin({ dialer, hostname, at, required: true })])).answer, /^defer 4.3.0 /)
})

test('who has logged in is not weighed, nor is what is too large', async () => {
  await using program = await fake(spamd('Spam: True ; 7.5 / 5.0', 'A'))
  const large = await sent([spamassassin({ dialer, hostname, at: program.at, mostOctets: 20 })])
  assert.match(large.evidence.join(), /^not asked: \d+ octets, more than 20$/)
  assert.equal(program.heard(), '')
})
