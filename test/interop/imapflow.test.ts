import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { wireTo } from './cut.ts'
import { doorFor, password, started, user } from './started.ts'
import type { Started } from './started.ts'
import { Deeds, TRANSPORTS } from './table.ts'
import type { Transport } from './table.ts'

async function send(server: Started, subject: string, text = 'Hello'): Promise<void> {
  const sender = createTransport({ host: '127.0.0.1', port: server.port('smtp'), ignoreTLS: true })
  await sender.sendMail({ from: 'zoe@far.example', to: user, subject, text })
  sender.close()
}

async function connected(port: number, transport: Transport): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: transport === 'implicit',
    doSTARTTLS: transport === 'starttls',
    auth: { user, pass: password },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** What a client must find again: each message's UID, flags and subject. */
async function stateOf(client: ImapFlow): Promise<unknown> {
  const messages = []
  for await (const { uid, flags, envelope } of client.fetch('1:*', { flags: true, envelope: true })) {
    messages.push([uid, [...(flags ?? [])].sort((one, other) => (one < other ? -1 : 1)), envelope?.subject])
  }
  const { mailbox } = client
  return mailbox === false ? undefined : { messages, uidValidity: mailbox.uidValidity, uidNext: mailbox.uidNext }
}

test(
  'imapflow works over every transport, and finds all as it was after the wire broke (RFC 9051 §2.3.1.1, §6.3.13)',
  { timeout: 120_000 },
  async () => {
    await using server = await started()
    const deeds = new Deeds('imapflow')
    for (const transport of TRANSPORTS) {
      const port = server.port(doorFor('imap', transport))
      await using wire = await wireTo(port)
      await send(server, `one ${transport}`)
      await send(server, `two ${transport}`, 'x'.repeat(70).concat('\r\n').repeat(20_000))
      let client = await connected(wire.port, transport)
      assert.equal(client.secureConnection, transport !== 'plain')
      await client.mailboxOpen('INBOX')
      assert.ok((await client.list()).some(({ specialUse }) => specialUse === '\\Archive'))
      const first = await client.fetchOne('1', { envelope: true, bodyStructure: true, source: true })
      assert.ok(first !== false)
      assert.deepEqual([first.envelope?.subject, first.bodyStructure?.type], [`one ${transport}`, 'text/plain'])
      assert.match(String(first.source), /\r\n\r\nHello/)
      deeds.did(transport, 'list', 'read')
      assert.equal(await client.messageFlagsAdd('1', ['\\Flagged', '$Important']), true)
      deeds.did(transport, 'flag')

      const before = await stateOf(client)
      const broken = once(client, 'close')
      // In the middle of a body of 1.4 MB.
      wire.breakAfter(200_000, 'to the client')
      await client.logout()
      await broken
      client = await connected(wire.port, transport)
      await client.mailboxOpen('INBOX')
      await assert.rejects(client.fetchOne('2', { source: true }))
      wire.mend()
      client = await connected(wire.port, transport)
      await client.mailboxOpen('INBOX')
      assert.deepEqual(await stateOf(client), before)
      deeds.did(transport, 'reconnect')

      const arrived = once(client, 'exists')
      const idling = client.idle()
      await send(server, `pushed ${transport}`)
      await arrived
      const pushed = await client.fetchOne('*', { envelope: true })
      assert.ok(pushed !== false && pushed.envelope?.subject === `pushed ${transport}`)
      await idling
      deeds.did(transport, 'push')

      const moved = await client.messageMove('1', 'Archive')
      assert.ok(moved !== false && moved.uidMap !== undefined)
      assert.match((await server.mail('Archive')).at(-1) ?? '', new RegExp(`Subject: one ${transport}`))
      deeds.did(transport, 'move')
      await client.messageDelete('1:*')
      assert.deepEqual(await server.mail(), [])
      deeds.did(transport, 'delete')
      await client.logout()
    }
    deeds.complete()
  },
)
