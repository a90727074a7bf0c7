import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { smtpHandlers } from 'mailwright/smtp-server'
import type { Host, RecipientParameters, Transaction } from 'mailwright/contracts'
import type { OpenTransaction } from '../../src/pipeline/open-transaction.ts'
import { address, connectionOf, houseOf } from '../pipeline/house.ts'
import { bridge, RawClient } from './bridge.ts'

interface Asked {
  readonly transactions: Transaction[]
  readonly recipients: (RecipientParameters | undefined)[]
}

/** A host that writes down what it is asked. */
function listening(host: Host): { readonly host: Host; readonly asked: Asked } {
  const asked: Asked = { transactions: [], recipients: [] }
  return {
    asked,
    host: {
      ...host,
      async receive(connection, transaction) {
        asked.transactions.push(transaction)
        const begun = await host.receive(connection, transaction)
        const { reception } = begun
        return {
          ...begun,
          reception: {
            get recipients() {
              return reception.recipients
            },
            message: content => reception.message(content),
            recipient(to, parameters) {
              asked.recipients.push(parameters)
              return reception.recipient(to, parameters)
            },
          },
        }
      },
    },
  }
}

const DIALOGUE = `
  S: 220 *
  C: EHLO client.example
  S: 250-*
  C: MAIL FROM:<a@b.example> RET=hdrs ENVID=QQ+2B314159
  S: 250 *
  C: RCPT TO:<ann@example.org> NOTIFY=success,DELAY ORCPT=RFC822;Ann+2Bmail@list.example
  S: 250 *
  C: RCPT TO:<ben@example.org> NOTIFY=NEVER
  S: 250 *
  C: RCPT TO:<ann@example.org> ORCPT=utf-8;\\x{E4}nn@example.org
  S: 250 *
  C: RSET
  S: 250 *
  C: MAIL FROM:<a@b.example>
  S: 250 *
  C: RCPT TO:<ann@example.org>
  S: 250 *
`

function checkAsked({ transactions, recipients }: Asked): void {
  assert.deepEqual(
    transactions.map(({ ret, envelopeId }) => ({ ret, envelopeId })),
    [
      { ret: 'HDRS', envelopeId: 'QQ+314159' },
      { ret: undefined, envelopeId: undefined },
    ],
  )
  assert.deepEqual(recipients, [
    { notify: ['SUCCESS', 'DELAY'], originalRecipient: 'rfc822;Ann+mail@list.example' },
    { notify: ['NEVER'] },
    { originalRecipient: 'utf-8;änn@example.org' },
    {},
  ])
}

test('what a client asks to be told reaches the host, decoded (RFC 3461 §4.1, §4.2, §4.3, §4.4; RFC 6533 §3)', async () => {
  const { host, asked } = listening(houseOf().host)
  await using server = await bridge({ host })
  using client = await server.client()
  await client.transcript(DIALOGUE)
  checkAsked(asked)
})

test('a host’s own SMTPServer hands on the same (RFC 3461 §4)', async () => {
  const { host, asked } = listening(houseOf().host)
  const server = new SMTPServer({
    ...smtpHandlers(host, { flavour: 'smtp' }),
    authOptional: true,
    disableReverseLookup: true,
    hideDSN: false,
    logger: false,
  })
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  try {
    using client = await RawClient.open((listener.address() as AddressInfo).port)
    await client.transcript(DIALOGUE)
    checkAsked(asked)
  } finally {
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
})

test('the open transaction keeps them with each recipient (RFC 3461 §4)', async () => {
  const { host } = houseOf()
  const { reception } = await host.receive(connectionOf(), { sender: address('zoe@far.example'), ret: 'FULL', envelopeId: 'one' })
  await reception.recipient(address('ann@example.org'), { notify: ['FAILURE'], originalRecipient: 'rfc822;ann@old.example' })
  await reception.recipient(address('nobody@example.org'), { notify: ['NEVER'] })
  await reception.recipient(address('ben@example.org'))
  const { transaction, taken } = reception as unknown as OpenTransaction
  assert.equal(transaction.envelopeId, 'one')
  assert.deepEqual(
    taken.map(({ parameters }) => parameters),
    [{ notify: ['FAILURE'], originalRecipient: 'rfc822;ann@old.example' }, {}],
  )
})

test('what is too long, unprintable or no xtext is a syntax error (RFC 3461 §4, §5.4; S13)', async () => {
  await using server = await bridge()
  using client = await server.client()
  client.write('EHLO client.example\r\n')
  await client.replies(2)
  const bad = ['RET', 'RET=SOME', 'ENVID', 'ENVID=a+0D+0Ab', 'ENVID=+E4', 'ENVID=a+b', 'ENVID=a=b', `ENVID=${'x'.repeat(101)}`]
  for (const parameter of bad) {
    client.write(`MAIL FROM:<a@b.example> ${parameter}\r\n`)
    assert.match(await client.reply(), /^501 /, parameter)
  }
  client.write(`MAIL FROM:<a@b.example> ENVID=${'x'.repeat(100)}\r\n`)
  assert.match(await client.reply(), /^250 /)
})

for (const parameter of [
  'NOTIFY',
  'NOTIFY=',
  'NOTIFY=NEVER,DELAY',
  'NOTIFY=SUCCESS,',
  'NOTIFY=SUCCESS,SUCCESS,SUCCESS,SUCCESS',
  'ORCPT=rfc822',
  'ORCPT=;ann@example.org',
  'ORCPT=rfc822;',
  'ORCPT=rfc822;a+0Ab',
  String.raw`ORCPT=utf-8;\x{D800}@example.org`,
  String.raw`ORCPT=utf-8;\x{0A}@example.org`,
  String.raw`ORCPT=utf-8;a\b@example.org`,
  `ORCPT=rfc822;${'x'.repeat(500)}`,
]) {
  test(`RCPT refuses ${parameter.slice(0, 40)} (RFC 3461 §4.1, §4.2; RFC 6533 §3)`, async () => {
    await using server = await bridge()
    using client = await server.client()
    client.write('EHLO client.example\r\n')
    await client.replies(2)
    client.write(`MAIL FROM:<a@b.example>\r\n`)
    await client.reply()
    client.write(`RCPT TO:<ann@example.org> ${parameter}\r\n`)
    assert.match(await client.reply(), /^501 /)
  })
}
