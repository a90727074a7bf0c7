import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { world } from './world.ts'

test('who submits may ask to hear of success, here and elsewhere (RFC 3461 §4.1, §5.2)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example', { accounts: ['ann', 'ben'] })
  const far = await earth.citizen('far.example', { accounts: ['zoe'] })
  const auth = { user: 'ann@near.example', pass: 'correct horse' }
  const client = createTransport({ host: '127.0.0.1', port: near.server.ports.submission ?? 0, auth, tls: { rejectUnauthorized: false } })
  await client.sendMail({
    from: 'ann@near.example',
    to: ['ben@near.example', 'zoe@far.example'],
    subject: 'Tell me',
    text: 'Hello',
    dsn: { id: 'tell-1', return: 'headers', notify: ['success', 'failure'], recipient: 'ann@near.example' },
  })
  client.close()
  await far.inbox('zoe', 1)
  const told = (await near.inbox('ann', 2)).toSorted()
  const facts = told.map(text => [
    /^Action: (.*)$/m.exec(text)?.[1],
    /^Final-Recipient: rfc822; ?(.*)$/m.exec(text)?.[1],
    /^Original-Envelope-Id: (.*)$/m.exec(text)?.[1],
  ])
  assert.deepEqual(
    facts.toSorted((one, other) => String(one).localeCompare(String(other))),
    [
      ['delivered', 'ben@near.example', 'tell-1'],
      ['relayed', 'zoe@far.example', 'tell-1'],
    ],
  )
})

test('REQUIRETLS is offered within TLS, and a message that asks for it goes nowhere without (RFC 8689 §3, §4.2.1)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  await earth.citizen('far.example', { accounts: ['zoe'] })
  const connection = new SMTPConnection({ host: '127.0.0.1', port: near.server.ports.submission ?? 0, tls: { rejectUnauthorized: false } })
  await new Promise<void>((resolve, reject) => {
    connection.on('error', reject)
    connection.connect(() => resolve())
  })
  await new Promise<void>((resolve, reject) =>
    connection.login({ user: 'ann@near.example', pass: 'correct horse' }, error => (error === null ? resolve() : reject(error))),
  )
  const envelope = { from: 'ann@near.example', to: ['zoe@far.example'], requireTLSExtensionEnabled: true }
  await new Promise<void>((resolve, reject) =>
    connection.send(envelope, 'From: ann@near.example\r\n\r\nsecret\r\n', error => (error === null ? resolve() : reject(error))),
  )
  connection.quit()
  const [bounce = ''] = await near.inbox('ann', 1)
  assert.match(bounce, /^Status: 5\.7\.10$/m)
  assert.doesNotMatch(bounce, /secret/)
})
