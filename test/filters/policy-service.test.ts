/** The client of Postfix's policy delegation: postgrey for real, and fakes. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { reject } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { policyService } from 'mailwright/filters/policy-service'
import type { PolicyServiceOptions } from 'mailwright/filters/policy-service'
import { socketDialer } from 'mailwright/net'
import { person } from '../pipeline/house.ts'
import { requireProgram } from '../support/programs.ts'
import { freePort } from '../../bench/lib/ports.ts'
import { answering, fake, LETTER, sent, started, workshop } from './beside.ts'
import type { Fake } from './beside.ts'

const dialer = socketDialer()

function filterFor(program: Fake, more: Partial<PolicyServiceOptions> = {}): Middleware {
  return policyService({ dialer, at: program.at, ...more })
}

/** Answers the same to every request. */
function saying(action: string): Promise<Fake> {
  return fake(answering('\n\n', `action=${action}\n\n`))
}

test('postgrey puts off who comes first, and lets in who comes back', { skip: requireProgram('postgrey'), timeout: 60_000 }, async () => {
  using shop = workshop()
  mkdirSync(`${shop.folder}/db`)
  const at = { address: '127.0.0.1', port: await freePort() }
  const user = process.getuid?.() === 0 ? ['--user=root', '--group=root'] : []
  const lists = [
    `--whitelist-clients=${shop.write('clients', '')}`,
    `--whitelist-recipients=${shop.write('recipients', 'ben@example.org\n')}`,
  ]
  const options = [
    `--inet=127.0.0.1:${at.port}`,
    `--dbdir=${shop.folder}/db`,
    '--delay=1',
    `--pidfile=${shop.folder}/pid`,
    ...user,
    ...lists,
  ]
  await using _ = await started('postgrey', options, at)
  const filter = [policyService({ dialer, at })]
  assert.match((await sent(filter)).answer, /^defer 4\.\d\.\d .*[Gg]reylist/)
  assert.equal((await sent(filter, LETTER, { recipients: ['ben@example.org'] })).answer, 'accept')
  await new Promise(resolve => setTimeout(resolve, 2100))
  const back = await sent(filter)
  assert.equal(back.answer, 'accept')
  assert.match(back.stored ?? '', /^X-Greylist: delayed \d+ seconds by postgrey/m)
})

test('a service is told everything, a line each, whatever peers call themselves', async () => {
  await using program = await saying('DUNNO')
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' as const }
  const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' }
  await sent([filterFor(program, { context: 'in' })], LETTER, {
    principal,
    tls,
    sender: 'ann@example.org',
    clientName: 'x\nsasl_username=root\n\n',
  })
  assert.equal(
    program.heard(),
    [
      'request=smtpd_access_policy',
      'protocol_name=ESMTP',
      'helo_name=x?sasl_username=root?',
      'queue_id=',
      'recipient=ann@example.org',
      'recipient_count=0',
      'client_address=203.0.113.7',
      'client_name=unknown',
      'reverse_client_name=unknown',
      'client_port=40000',
      'server_address=192.0.2.1',
      'server_port=25',
      'instance=c1.1',
      'sasl_method=password',
      'sasl_username=ann',
      'sasl_sender=',
      'size=0',
      'encryption_protocol=TLSv1.3',
      'encryption_cipher=TLS_AES_128_GCM_SHA256',
      'policy_context=in',
      'protocol_state=RCPT',
      'sender=ann@example.org',
      '\n',
    ].join('\n'),
  )
})

test('actions become verdicts', async () => {
  const actions: Readonly<Record<string, string>> = {
    OK: 'accept',
    'dunno whatever': 'accept',
    REJECT: 'reject 5.7.1 Access denied',
    'REJECT 5.1.1 no such user': 'reject 5.1.1 no such user',
    'DEFER later': 'defer 4.7.1 later',
    'DEFER_IF_PERMIT Greylisted, see http://h.example/': 'defer 4.7.1 Greylisted, see http://h.example/',
    '550 5.7.3 no': 'reject 5.7.3 no',
    '450 4.2.1 slow': 'defer 4.2.1 slow',
    'HOLD for a look': 'accept',
    'FILTER smtp:[127.0.0.1]': 'accept',
    permit_mynetworks: 'accept',
    '250 fine': 'accept',
  }
  for (const [action, answer] of Object.entries(actions)) {
    await using program = await saying(action)
    assert.equal((await sent([filterFor(program)])).answer, answer, action)
  }
  await using unknown = await saying('FILTER smtp:[127.0.0.1]')
  assert.deepEqual((await sent([filterFor(unknown)])).evidence, ['it said FILTER smtp:[127.0.0.1], which has no meaning here'])
})

test('a refusal for good is preferred to one for now', async () => {
  const strict: Middleware = { name: 'strict', recipient: async () => reject('no', '5.1.1') }
  await using program = await saying('DEFER_IF_PERMIT later')
  assert.equal((await sent([filterFor(program), strict])).answer, 'reject 5.1.1 no')
})

test('what is to be prepended waits for the message, and what is to be discarded too', async () => {
  await using program = await saying('PREPEND X-Policy: seen: by it')
  const { stored = '' } = await sent([filterFor(program)], LETTER, { recipients: ['ann@example.org', 'ben@example.org'] })
  assert.equal(stored.match(/^X-Policy: seen: by it$/gm)?.length, 2)
  await using discarding = await saying('DISCARD spam trap')
  const gone = await sent([filterFor(discarding)])
  assert.deepEqual([gone.answer, gone.stored], ['accept', undefined])
})

test('it is asked when the options say', async () => {
  await using program = await saying('REJECT')
  assert.match((await sent([filterFor(program, { phases: ['sender'] })])).answer, /^reject/)
  assert.match(program.heard(), /^protocol_state=MAIL\nsender=bob@example.com\n\n$/m)
})

test('what is no answer is a note, and mail goes on or is put off (M8)', async () => {
  const hostile: readonly (readonly [note: RegExp, answer: string | undefined])[] = [
    [/no action/, 'x=y\n\n'],
    [/no empty line/, 'action=OK\n'],
    [/no empty line/, ''],
    [/more than 16384 octets/, `action=${'x'.repeat(100_000)}\n\n`],
    [/no answer within 100 ms/, undefined],
  ]
  for (const [note, answer] of hostile) {
    await using program = await fake(answer === undefined ? () => undefined : answering('\n\n', answer))
    const within = answer === undefined ? 100 : 5000
    const loose = await sent([filterFor(program, { within })])
    assert.match(loose.evidence.join(), note)
    assert.equal(loose.mailbox, 'INBOX')
    assert.match((await sent([filterFor(program, { within, required: true })])).answer, /^defer 4.3.0 /)
  }
  await using broken = await saying('PREPEND no header')
  assert.deepEqual((await sent([filterFor(broken)])).evidence, ['what it wants to prepend is no header field'])
})
