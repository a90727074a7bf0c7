import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { password, started, user } from './started.ts'

test('imapflow is told of a message that nodemailer sends while it idles (RFC 9051 §6.3.13)', { timeout: 60_000 }, async () => {
  await using server = await started()
  const sender = createTransport({
    host: '127.0.0.1',
    port: server.port('submission'),
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user, pass: password },
  })
  for (const [port, secure] of [
    [server.port('imap'), false],
    [server.port('imaps'), true],
  ] as const) {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port,
      secure,
      auth: { user, pass: password },
      tls: { rejectUnauthorized: false },
      logger: false,
    })
    await client.connect()
    const lock = await client.getMailboxLock('INBOX')
    const arrived = once(client, 'exists')
    const idling = client.idle()
    await sender.sendMail({ from: user, to: user, subject: `pushed ${String(secure)}`, text: 'Hello' })
    await arrived
    const message = await client.fetchOne('*', { envelope: true, bodyStructure: true })
    assert.ok(message !== false)
    assert.equal(message.envelope?.subject, `pushed ${String(secure)}`)
    assert.equal(message.bodyStructure?.type, 'text/plain')
    await idling
    lock.release()
    await client.logout()
  }
  sender.close()
})
