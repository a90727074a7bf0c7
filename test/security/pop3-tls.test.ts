/** STLS and what must not slip past it (P12, S6). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeConnection, transcript } from 'mailwright/testing'
import { connectionOf } from '../pop3/raw.ts'
import { base64, makeWorld, world } from '../pop3/world.ts'

test('before TLS no password is taken, in no form, and none is announced (RFC 2595 §2.3, S24)', () =>
  transcript(
    world({ clear: true }),
    `
    S: +OK *
    C: USER ann@example.org
    S: -ERR [SYS/PERM] Begin TLS first
    C: PASS correct horse
    S: -ERR [SYS/PERM] Begin TLS first
    C: AUTH PLAIN ${base64('\0ann@example.org\0correct horse')}
    S: -ERR [SYS/PERM] Begin TLS first
    C: AUTH LOGIN
    S: -ERR [SYS/PERM] Begin TLS first
    C: CAPA
    S: +OK *
    S: TOP
    S: UIDL
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UTF8 USER
    S: STLS
    S: IMPLEMENTATION mailwright
    S: .
  `,
  ))

test('plaintext is for loopback only, and only where the host allows it', async () => {
  const attempt = (says: string): string => `
    S: +OK *
    C: USER ann@example.org
    S: ${says}
  `
  for (const remote of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    await transcript(world({ clear: true, remote, pop3: { allowPlaintextLogin: true } }), attempt('+OK *'))
    await transcript(world({ clear: true, remote }), attempt('-ERR *'))
  }
  for (const remote of ['192.0.2.7', '2001:db8::1', '127.0.0.1.example', '::ffff:192.0.2.7']) {
    await transcript(world({ clear: true, remote, pop3: { allowPlaintextLogin: true } }), attempt('-ERR *'))
  }
})

test('STLS, then login; STLS again is refused (RFC 2595 §4)', () =>
  transcript(
    world({ clear: true }),
    `
    S: +OK *
    C: STLS
    S: +OK Begin TLS now
    C: (tls)
    C: STLS
    S: -ERR TLS is on already
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: +OK *
  `,
  ))

test('what was said before TLS never runs after it: commands, halves of commands, names (P12)', () =>
  transcript(
    world({ clear: true, remote: '127.0.0.1', pop3: { allowPlaintextLogin: true } }),
    `
    S: +OK *
    C: USER ann@example.org
    S: +OK *
    C: STLS
    C: USER ben@example.org
    C: PASS correct horse
    C~ DELE
    S: +OK Begin TLS now
    C: (tls)
    S: (nothing)
    C: PASS correct horse
    S: -ERR Give USER first
    C: STAT
    S: -ERR Log in first
    C: USER ann@example.org
    C: PASS correct horse
    S: +OK *
    S: +OK *
  `,
  ))

test('without a certificate there is no STLS, after UTF8 none either (RFC 6856 §2.1)', async () => {
  await transcript(
    world({ clear: true, canStartTls: false }),
    `
    S: +OK *
    C: STLS
    S: -ERR [SYS/PERM] There is no TLS here
  `,
  )
  await transcript(
    world({ clear: true }),
    `
    S: +OK *
    C: UTF8
    S: +OK *
    C: STLS
    S: -ERR STLS comes before UTF8
  `,
  )
})

test('a handshake that fails ends the session without a word', () =>
  transcript(
    world({ clear: true }),
    `
    S: +OK *
    C: STLS
    S: +OK *
    C: (tls fails)
    S: (closed)
  `,
  ))

test('the connection is told of TLS, so that middleware and logs see it', async () => {
  const { engine } = await makeWorld({ clear: true })
  const { transport, peer } = fakeConnection()
  const connection = connectionOf(transport)
  const served = engine.serve(transport, connection)
  peer.send(new TextEncoder().encode('STLS\r\n'))
  while (!peer.engineStartsTls) await new Promise(resolve => peer.onActivity(() => resolve(undefined)))
  peer.handshake()
  while (!peer.engineWaits) await new Promise(resolve => peer.onActivity(() => resolve(undefined)))
  assert.equal(connection.tls?.version, 'TLSv1.3')
  peer.vanish()
  await served
})
