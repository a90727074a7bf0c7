import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { test } from 'node:test'
import { memoryStore } from 'mailwright/stores/memory'
import { Client, composed } from './served.ts'

test('idle clients are told goodbye at once (RFC 9051 §7.1.5; RFC 5321 §3.8)', async () => {
  const server = await composed({ allowPlaintextLogin: 'loopback' }).listen()
  const imap = await Client.dial(server.ports.imap)
  await imap.hear(/^\* OK/)
  const idler = await Client.dial(server.ports.imap)
  await idler.hear(/^\* OK/)
  idler.say('a LOGIN ann@home.test "correct horse"')
  await idler.hear(/^a OK/m)
  idler.say('b SELECT INBOX')
  await idler.hear(/^b OK/m)
  idler.say('c IDLE')
  await idler.hear(/^\+/m)
  const smtp = await Client.dial(server.ports.smtp)
  await smtp.hear(/^220/)
  const pop3 = await Client.dial(server.ports.pop3)
  await pop3.hear(/^\+OK/)
  const rests = Promise.all([imap.rest(), idler.rest(), smtp.rest(), pop3.rest()])
  const before = performance.now()
  await server.close()
  assert.ok(performance.now() - before < 5000, 'nobody was waited for')
  const [byImap, byIdle, bySmtp, byPop3] = await rests
  assert.match(byImap, /^\* BYE /)
  assert.match(byIdle, /^\* BYE /m)
  assert.match(bySmtp, /^421 /)
  assert.match(byPop3, /^(?:-ERR.*\r\n)?$/)
  assert.deepEqual(server.doors, [])
})

test('a message that is being decided on is finished first', async () => {
  const { promise: decided, resolve: decide } = Promise.withResolvers<void>()
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const server = composed().use({
    name: 'slow',
    async message(_context, next) {
      ask()
      await decided
      return next()
    },
  })
  await server.listen()
  const client = await Client.dial(server.ports.smtp)
  await client.hear(/^220/)
  client.say('EHLO there.example')
  await client.hear(/^250 /m)
  client.say('MAIL FROM:<zoe@far.example>')
  await client.hear(/^250/)
  client.say('RCPT TO:<ann@home.test>')
  await client.hear(/^250/)
  client.say('DATA')
  await client.hear(/^354/)
  client.say('Subject: last one\r\n\r\nHello\r\n.')
  await asked
  const closed = server.close()
  decide()
  assert.match(await client.rest(), /^250 [^\r\n]*\r\n(?:421 .*\r\n)?$/)
  await closed
})

test('who does not end in time is cut off', async () => {
  const { promise: never } = Promise.withResolvers<void>()
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const server = composed({ closeTimeout: 300 }).use({
    name: 'stuck',
    async sender(_context, next) {
      ask()
      await never
      return next()
    },
  })
  await server.listen()
  const client = await Client.dial(server.ports.smtp)
  await client.hear(/^220/)
  client.say('EHLO there.example')
  await client.hear(/^250 /m)
  client.say('MAIL FROM:<zoe@far.example>')
  await asked
  await server.close()
  if (!client.socket.closed) await once(client.socket, 'close')
})

test('a store that does not answer keeps nobody from closing, and is told of', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const store = memoryStore()
  store.open = () => {
    ask()
    return Promise.withResolvers<never>().promise
  }
  const server = await composed({ store, closeTimeout: 100, allowPlaintextLogin: 'loopback' }).listen()
  const told: string[] = []
  server.on('error', ({ error, where }) => told.push(`${where}: ${String(error)}`))
  const client = await Client.dial(server.ports.imap)
  await client.hear(/^\* OK/)
  client.say('a LOGIN ann@home.test "correct horse"')
  await asked
  const before = performance.now()
  await server.close()
  assert.ok(performance.now() - before < 10_000)
  await client.rest()
  assert.deepEqual(told, [
    'closing: MailError: closed before all was over (sessions at work: 1): the store, the directory or a filter does not answer',
  ])
})

test('a client that leaves without a word leaves nothing open', async () => {
  await using server = await composed().listen()
  const closed: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  server.on('closed', ({ connection }) => {
    closed.push(connection.protocol)
    if (closed.length === 4) resolve()
  })
  for (const door of ['smtp', 'submission', 'imap', 'pop3'] as const) {
    const client = await Client.dial(server.ports[door])
    await client.hear(/\r\n/)
    client.socket.end()
    await client.rest()
  }
  await promise
  assert.deepEqual(closed.sort(), ['imap', 'pop3', 'smtp', 'submission'])
})

test('a client that drops the connection as soon as it has begun TLS is noticed at once (RFC 3207 §4)', async () => {
  for (const drop of ['in the handshake', 'after it'] as const) {
    const server = await composed().listen()
    const { promise: noticed, resolve } = Promise.withResolvers<void>()
    server.on('closed', () => resolve())
    const client = await Client.dial(server.ports.smtp)
    await client.hear(/^220/)
    client.say('EHLO there.example')
    await client.hear(/^250 /m)
    client.say('STARTTLS')
    await client.hear(/^220/)
    client.socket.removeAllListeners('data')
    const secure = connect({ socket: client.socket, rejectUnauthorized: false })
    secure.on('error', () => undefined)
    await once(secure, 'secureConnect')
    // Until then the last octets of the handshake have not left: the server sees it break off.
    if (drop === 'after it') {
      secure.write('NOOP\r\n')
      await once(secure, 'data')
    }
    const before = performance.now()
    secure.destroy()
    await noticed
    await server.close()
    assert.ok(performance.now() - before < 3000, `dropped ${drop}: ${Math.round(performance.now() - before)} ms`)
  }
})
