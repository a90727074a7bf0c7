import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerOptions } from 'smtp-server'
import { smtpHandlers } from 'mailwright/smtp-server'
import type { SmtpHandlerOptions } from 'mailwright/smtp-server'
import { houseOf, mailOf } from '../pipeline/house.ts'
import type { TestHouse } from '../pipeline/house.ts'
import { RawClient } from './bridge.ts'

async function ownServer(
  house: TestHouse,
  handlers: SmtpHandlerOptions,
  options: SMTPServerOptions = {},
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = new SMTPServer({
    ...smtpHandlers(house.host, handlers),
    authOptional: true,
    disableReverseLookup: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    ...options,
  })
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve())),
  }
}

test('the handlers put a host’s own SMTPServer in front of the pipeline (RFC 5321 §3.3)', async () => {
  const house = houseOf()
  await using server = await ownServer(house, { flavour: 'smtp' })
  {
    using client = await RawClient.open(server.port)
    await client.transcript(`
      S: 220 *
      C: EHLO client.example
      S: 250-*
      C: MAIL FROM:<a@b.example>
      S: 250 *
      C: RCPT TO:<nobody@example.org>
      S: 550 5.1.1 No such user here
      C: RCPT TO:<x@elsewhere.example>
      S: 550 5.7.1 *
      C: RCPT TO:<ann@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: Subject: one
      C:
      C: text
      C: .
      S: 250 2.6.0 Message accepted, id *
      C: MAIL FROM:<a@b.example>
      S: 250 *
      C: RCPT TO:<ann@example.org>
      S: 250 *
      C: DATA
      S: 354 *
    `)
    client.write('Subject: two\r\n\r\nbare\nline feed\r\n.\r\n')
    await client.transcript(`
      S: 550 5.5.2 *
      C: AUTH PLAIN ${Buffer.from('\0ann\0wrong').toString('base64')}
      S: 535 5.7.8 *
      C: AUTH PLAIN ${Buffer.from('\0ann@example.org\0correct horse').toString('base64')}
      S: 235 *
      C: MAIL FROM:<ben@example.org>
      S: 553 5.7.1 *
      C: QUIT
      S: 221 *
    `)
  }
  assert.equal((await mailOf(house.store, 'ann')).length, 1)
  assert.equal(house.spool.held, 0)
})

test('the handlers in LMTP answer for each recipient (RFC 2033 §4.2)', async () => {
  const house = houseOf()
  await using server = await ownServer(house, { flavour: 'lmtp', enhancedCodes: false }, { lmtp: true })
  using client = await RawClient.open(server.port)
  await client.transcript(`
    S: 220 *
    C: LHLO client.example
    S: 250-*
    C: MAIL FROM:<>
    S: 250 *
    C: RCPT TO:<ann@example.org>
    S: 250 *
    C: RCPT TO:<ann@example.org>
    S: 250 *
    C: DATA
    S: 354 *
    C: Subject: one
    C:
    C: text
    C: .
    S: 250 *
    S: 250 *
    C: QUIT
    S: 221 *
  `)
})
