import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { accept, createMailServer, MailError } from 'mailwright'
import type { MailServerOptions } from 'mailwright'
import { Client, composed, pair, parts } from './served.ts'

test('what is wrong with the options is thrown before anything is open, with a code that stays', () => {
  const { hostname, store, directory } = parts()
  const table: readonly (readonly [string, Partial<MailServerOptions>])[] = [
    ['MW_NO_LISTENERS', { listeners: {} }],
    ['MW_LISTENER_UNKNOWN', { listeners: { http: 80 } as MailServerOptions['listeners'] }],
    ['MW_LISTENER_INVALID', { listeners: { smtp: 65_536 } }],
    ['MW_LISTENER_INVALID', { listeners: { smtp: -1 } }],
    ['MW_LISTENER_INVALID', { listeners: { smtp: '' } }],
    ['MW_LISTENER_INVALID', { listeners: { smtp: { path: '/run/smtp', port: 25 } } }],
    ['MW_LISTENER_INVALID', { listeners: { smtp: [0, { host: '::1' }] } }],
    ['MW_TLS_MISSING', { listeners: { imaps: 0 } }],
    ['MW_HOSTNAME', { hostname: 'two words' }],
    ['MW_AUTHENTICATOR_MISSING', { directory: { serves: async () => true, resolve: async () => ({ kind: 'unknown' }) } }],
    ['MW_CERTIFICATE_UNREADABLE', { tls: [{ certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' }] }],
    ['MW_CERTIFICATE_INVALID', { tls: [{ cert: 'no certificate', key: pair.key }] }],
    ['MW_CERTIFICATE_INVALID', { tls: [] }],
  ]
  for (const [code, options] of table) {
    assert.throws(
      () => createMailServer({ hostname, store, directory, listeners: { smtp: 0 }, ...options }),
      { name: 'ConfigurationError', code },
      code,
    )
  }
})

test('middleware is named, and added before the server listens', async () => {
  await using server = composed()
  assert.throws(() => server.use({ name: '' }), { code: 'MW_MIDDLEWARE' })
  await server.listen()
  assert.throws(() => server.use({ name: 'late' }), { code: 'MW_ALREADY_LISTENING' })
  await assert.rejects(server.listen(), { code: 'MW_ALREADY_LISTENING' })
})

test('a server opens all of its doors or none', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await using server = composed({ listeners: { smtp: 0, pop3: port } })
  await assert.rejects(server.listen(), (error: unknown) => error instanceof MailError && error.kind === 'in-use')
  assert.deepEqual(server.doors, [])
  taken.close()
})

test('a door can have several places, a Unix socket among them (RFC 2033 §4)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-doors-'))
  try {
    const path = join(folder, 'lmtp.sock')
    // Some machines have no IPv6.
    const hasSix = Object.values(networkInterfaces()).some(all => all?.some(({ address }) => address === '::1'))
    const host = hasSix ? '::1' : '127.0.0.1'
    await using server = await composed({ listeners: { lmtp: [path, 0, { host, port: 0 }] } }).listen()
    assert.deepEqual(
      server.doors.map(door => door.address),
      [path, '127.0.0.1', host],
    )
    assert.equal(server.ports.lmtp, server.doors[1]?.port)
    const client = await Client.dial(server.ports.lmtp)
    await client.hear(/^220 .*\r\n/)
    client.say('LHLO here.example')
    await client.hear(/^250 .*\r\n/m)
    client.say('QUIT')
    assert.match(await client.rest(), /^221 /)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('events tell a connection from beginning to end, and a listener that throws harms nobody', async () => {
  await using server = composed()
  const told: string[] = []
  const errors: string[] = []
  server.use({ name: 'open', connect: async () => accept() })
  server.on('connection', () => {
    throw new Error('a listener fell over')
  })
  server.on('connection', ({ connection }) => told.push(`begins ${connection.protocol} ${connection.id}`))
  const stop = server.on('closed', () => told.push('never told'))
  stop()
  const ended = new Promise<void>(resolve => server.on('closed', ({ connection }) => resolve(void told.push(`ends ${connection.id}`))))
  server.on('error', ({ error, where }) => errors.push(`${where}: ${String(error)}`))
  await server.listen()
  const client = await Client.dial(server.ports.pop3)
  await client.hear(/^\+OK/)
  client.say('QUIT')
  await client.rest()
  await ended
  const id = told[0]?.split(' ')[2]
  assert.deepEqual(told, [`begins pop3 ${id}`, `ends ${id}`])
  assert.deepEqual(errors, ['a listener of the connection event: Error: a listener fell over'])
})
