/** The filter that asks rspamd: the real one with two rules of its own, and fakes. RFC 9112. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rspamd } from 'mailwright/filters/rspamd'
import type { RspamdOptions } from 'mailwright/filters/rspamd'
import { score } from 'mailwright/filters/score'
import { socketDialer } from 'mailwright/net'
import { person } from '../pipeline/house.ts'
import { requireProgram } from '../support/programs.ts'
import { freePort } from '../../bench/lib/ports.ts'
import { answering, fake, LETTER, sent, started, workshop } from './beside.ts'

const dialer = socketDialer()

/** One rule tells what rspamd was told, the other does what the subject says. */
const RULES = `
rspamd_config:register_symbol({
  name = 'TOLD', score = 1.5, type = 'normal',
  callback = function(task)
    local from = (task:get_from('smtp') or {})[1]
    task:set_milter_reply({ add_headers = { ['X-Checked'] = 'by rspamd' }, remove_headers = { ['X-Old'] = 2 } })
    return true, 1.0, tostring(task:get_from_ip()), task:get_helo() or '', from and from.addr or '',
      tostring(#(task:get_recipients('smtp') or {})), task:get_user() or '', task:get_queue_id() or ''
  end
})
rspamd_config:register_symbol({
  name = 'SUBJECT', score = 0, type = 'normal',
  callback = function(task)
    local action = (task:get_subject() or ''):match('^action (.+)$')
    if action then task:set_pre_result(action, '5.7.9 as you like it', 'test') end
  end
})
`

test('rspamd is told who sends, and its actions and fields are done', { skip: requireProgram('rspamd'), timeout: 90_000 }, async () => {
  using shop = workshop()
  const file = (name: string): string => `${shop.folder}/${name}`
  const at = { address: '127.0.0.1', port: await freePort() }
  shop.write('tld', 'com\norg\nexample\n')
  const root = process.getuid?.() === 0
  const config = [
    `options { pidfile = "${file('pid')}"; filters = ""; tempdir = "${shop.folder}"; cache_file = "${file('cache')}"; url_tld = "${file('tld')}";`,
    `control_socket = "${file('control')} mode=0600"; history_file = "${file('history')}"; dynamic_conf = "${file('dynamic')}"; hs_cache_dir = "${shop.folder}";`,
    'dns { nameserver = "127.0.0.1:9:1"; timeout = 0.1s; } }',
    'logging { type = "console"; level = "error"; }',
    'actions { reject = 15; add_header = 6; greylist = 4; rewrite_subject = 7; subject = "SPAM %s"; }',
    `worker "normal" { bind_socket = "127.0.0.1:${at.port}"; count = 1; }`,
    `lua = "${shop.write('rules.lua', RULES)}"`,
  ]
  const who = root ? ['-i', '-u', 'root', '-g', 'root'] : []
  await using _ = await started('rspamd', ['-f', ...who, '-c', shop.write('rspamd.conf', config.join('\n'))], at)
  const filter = (more: Partial<RspamdOptions> = {}) => [rspamd({ dialer, at, ...more })]
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' as const }
  const plain = await sent(filter(), `X-Old: 1\nX-Old: 2\nX-Old: 3\n${LETTER}`, {
    principal,
    sender: 'ann@example.org',
    recipients: ['ann@example.org', 'ben@example.org'],
  })
  assert.equal(plain.answer, 'accept')
  assert.deepEqual(plain.symbols, [{ name: 'RSPAMD_TOLD', score: 0, text: '1.5 203.0.113.7, client.example, ann@example.org, 2, ann, c1' }])
  assert.ok(plain.evidence.includes('no action, score 1.5 of 15'), plain.evidence.join('\n'))
  assert.match(plain.stored ?? '', /^X-Checked: by rspamd\n/m)
  assert.match(plain.stored ?? '', /X-Old: 1\nX-Old: 3\nFrom/)
  const acted = async (action: string): Promise<readonly unknown[]> => {
    const { answer, mailbox, stored = '' } = await sent(filter(), LETTER.replace('hello', `action ${action}`))
    return [answer, mailbox, /^Subject: (.*)$/m.exec(stored)?.[1], /^X-Spam: (.*)$/m.exec(stored)?.[1]]
  }
  assert.deepEqual(await acted('reject'), ['reject 5.7.9 as you like it', undefined, undefined, undefined])
  assert.deepEqual(await acted('soft reject'), ['defer 4.7.1 as you like it', undefined, undefined, undefined])
  assert.deepEqual(await acted('greylist'), ['defer 4.7.1 as you like it', undefined, undefined, undefined])
  assert.deepEqual(await acted('add header'), ['accept', 'Junk', 'action add header', 'Yes'])
  assert.deepEqual(await acted('rewrite subject'), ['accept', 'Junk', 'SPAM action rewrite subject', undefined])
  const gtube = `${LETTER}XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n`
  assert.match((await sent(filter(), gtube)).answer, /^reject 5.7.1 /)
  const weighed = await sent([score({ quarantineAt: 3 }), ...filter({ mode: 'weigh', weight: 2 })])
  assert.deepEqual([weighed.mailbox, weighed.symbols[0]?.name, weighed.symbols[0]?.score], ['Junk', 'RSPAMD_TOLD', 3])
})

/** Answers a JSON, or octets, to whatever is asked. */
function http(answer: object | string): Parameters<typeof fake>[0] {
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer)
  return answering(
    'you?\r\n',
    typeof answer === 'string' ? body : `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

test('what peers have named makes no fields of its own (RFC 9112 §11.1)', async () => {
  await using program = await fake(http({ action: 'no action', score: 0 }))
  await sent([rspamd({ dialer, at: program.at, password: 'secret' })], LETTER, { clientName: 'x\r\nUser: ann', sender: '' })
  const [head = ''] = program.heard().split('\r\n\r\n')
  assert.equal(
    head,
    [
      'POST /checkv2 HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: close',
      `Content-Length: ${LETTER.length + 4}`,
      'IP: 203.0.113.7',
      'Helo: x?User: ann',
      'From: <>',
      'Rcpt: ann@example.org',
      'Queue-Id: c1',
      'Password: secret',
    ].join('\r\n'),
  )
})

test('answers in chunks, and to the end of the connection, are read (RFC 9112 §6.3, §7.1)', async () => {
  const body = '{"action":"reject","score":20}'
  for (const answer of [
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n${body.slice(0, 10)}\r\n14;x=y\r\n${body.slice(10)}\r\n0\r\n\r\n`,
    `HTTP/1.0 200 OK\r\n\r\n${body}`,
  ]) {
    await using program = await fake(http(answer))
    assert.equal((await sent([rspamd({ dialer, at: program.at })])).answer, 'reject 5.7.1 This message looks like spam')
  }
})

test('hostile answers are notes, within bounds, and mail goes on or is put off (M7, M8)', async () => {
  const hostile: readonly (readonly [note: RegExp, answer: object | string])[] = [
    [/HTTP status 500/, 'HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n'],
    [/no JSON/, 'HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\n{x}'],
    [/no action or no score/, { action: 5, score: 'x' }],
    [/no action or no score/, 'HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\nnull'],
    [/within the body/, 'HTTP/1.1 200 x\r\nContent-Length: 999\r\n\r\n{}'],
    [/a length that is none/, 'HTTP/1.1 200 x\r\nContent-Length: -1\r\n\r\n{}'],
    [/a length that is none/, 'HTTP/1.1 200 x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    [/a transfer coding/, 'HTTP/1.1 200 x\r\nTransfer-Encoding: gzip\r\n\r\n{}'],
    [/a chunk without a size/, 'HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n0\r\n\r\n'],
    [/within a chunk/, 'HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n0\r\n\r\n'],
    [/a header without an end/, `HTTP/1.1 200 ${'x'.repeat(40_000)}`],
    [/an answer of more than/, `HTTP/1.1 200 x\r\n\r\n${'x'.repeat(2_000_000)}`],
    [/within the header/, 'HTTP/1.1 200'],
    [/"220 mx"/, '220 mx\r\n\r\n'],
    [/no answer within 100 ms/, 'silence'],
  ]
  for (const [note, answer] of hostile) {
    await using program = await fake(answer === 'silence' ? () => undefined : http(answer))
    const { evidence, mailbox } = await sent([rspamd({ dialer, at: program.at, within: answer === 'silence' ? 100 : 5000 })])
    assert.match(evidence.join(), note)
    assert.equal(mailbox, 'INBOX')
  }
  const at = { address: '127.0.0.1', port: await freePort() }
  assert.match((await sent([rspamd({ dialer, at, required: true })])).answer, /^defer 4.3.0 /)
})

test('fields, names and numbers of all shapes do no harm', async () => {
  const answer = {
    action: 'do a dance',
    score: 1,
    symbols: { __proto__x: { score: 1e308 }, 'R_(weird) n': { score: 2, options: [1, 'two'] }, x: null, y: 5 },
    milter: {
      add_headers: { 'Bad Name': 'x', 'X-A': { value: 'a\r\n\tb', order: 0 }, 'X-B': ['1', { value: '2' }, [['3']]], 'X-C': 'x\r\nX-D: y' },
      remove_headers: { From: 7, To: 'x' },
    },
    'dkim-signature': 'v=1;\r\n\tb=abc',
  }
  await using program = await fake(http(answer))
  const { stored = '', evidence, symbols } = await sent([rspamd({ dialer, at: program.at })])
  assert.match(stored, /^X-A: a b\nX-B: 1\nX-B: 2\nX-C: x X-D: y\nDKIM-Signature: v=1; b=abc\n/m)
  assert.doesNotMatch(stored, /^X-D|Bad/m)
  assert.match(stored, /^From: /m)
  assert.ok(evidence.includes('this action has no meaning here'))
  assert.deepEqual(
    symbols.map(({ name }) => name),
    ['RSPAMD_R__WEIRD__N', 'RSPAMD___PROTO__X'],
  )
})
