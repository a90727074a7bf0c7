import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { ClientConnection } from 'mailwright/contracts'
import { socketDialer } from 'mailwright/net'
import type { DialerOptions } from 'mailwright/net'
import { selfSigned } from '../../src/net/self-signed.ts'
import { octets, text } from './loopback.ts'

const pair = selfSigned({ names: ['mx.example'], notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 })

interface Remote {
  readonly dial: (options?: DialerOptions) => Promise<ClientConnection>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** A server that does one thing with each connection. */
async function remote(serve: (socket: Socket) => void): Promise<Remote> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    dial: options => socketDialer(options).dial({ address: '127.0.0.1', port }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function secured(socket: Socket): TLSSocket {
  const secure = new TLSSocket(socket, { isServer: true, cert: pair.cert, key: pair.key })
  secure.on('error', () => undefined)
  return secure
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  const failure = await call.then(
    () => 'resolved',
    (error: unknown) => error,
  )
  return failure instanceof MailError ? failure.kind : String(failure)
}

test('octets go and come, and the end is seen (RFC 5321 §3.1)', async () => {
  await using peer = await remote(socket => {
    socket.write('220 mx\r\n')
    socket.once('data', data => socket.end(data))
  })
  const connection = await peer.dial()
  assert.equal(connection.remote.address, '127.0.0.1')
  assert.ok(connection.local.port > 0)
  assert.equal(text(await connection.read(5000)), '220 mx\r\n')
  void connection.write(octets('QUIT\r\n'))
  assert.equal(text(await connection.read(5000)), 'QUIT\r\n')
  assert.equal(await connection.read(5000), undefined)
  connection.end()
})

test('names are never dialled (S29, S30)', async () => {
  for (const address of ['localhost', 'mx.example', '', '127.1', '0x7f000001'])
    assert.equal(await kindOf(socketDialer().dial({ address, port: 25 })), 'invalid', address)
  for (const port of [0, -1, 65_536, 1.5]) assert.equal(await kindOf(socketDialer().dial({ address: '127.0.0.1', port })), 'invalid')
})

test('nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  assert.equal(await kindOf(socketDialer().dial({ address: '127.0.0.1', port })), 'unavailable')
})

test('a call that is given up throws its reason', async () => {
  const reason = new Error('enough')
  await assert.rejects(socketDialer().dial({ address: '127.0.0.1', port: 9, signal: AbortSignal.abort(reason) }), reason)
})

test('silence is a time-out, and the connection goes on (RFC 5321 §4.5.3.2)', async () => {
  await using peer = await remote(socket => void socket.once('data', () => socket.write('x')))
  const connection = await peer.dial()
  assert.equal(await connection.read(10), 'timeout')
  void connection.write(octets('go'))
  assert.equal(text(await connection.read(5000)), 'x')
  connection.destroy()
  assert.equal(await connection.read(10), undefined)
  assert.equal(connection.signal.aborted, true)
})

test('what nobody has read is told of (RFC 2920 §3.1)', async () => {
  await using peer = await remote(socket => void socket.write('abc'))
  const connection = await peer.dial()
  while (connection.unread === 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(connection.unread, 3)
  assert.equal(text(await connection.read(5000)), 'abc')
  assert.equal(connection.unread, 0)
  connection.destroy()
})

test('what a peer said before it left is heard after it left (RFC 5321 §4.5.3.2.6)', async () => {
  await using peer = await remote(socket => void socket.end('250 taken\r\n'))
  const connection = await peer.dial()
  while (!connection.signal.aborted) await new Promise(resolve => setImmediate(resolve))
  assert.equal(text(await connection.read(5000)), '250 taken\r\n')
  assert.equal(await connection.read(5000), undefined)
})

test('a peer that says too much is held back until somebody reads', async () => {
  let sent = 0
  await using peer = await remote(socket => {
    const more = (): void => {
      while (sent < 100_000_000) {
        sent += 65_536
        if (!socket.write(new Uint8Array(65_536))) return void socket.once('drain', more)
      }
    }
    more()
  })
  const connection = await peer.dial()
  for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
  assert.ok((connection.unread ?? 0) < 300_000, `${connection.unread} octets`)
  assert.ok(((await connection.read(5000)) as Uint8Array).length > 0)
  connection.destroy()
})

test('a slow peer holds the writer back, one that takes nothing is cut off (RFC 5321 §4.5.3.2.5)', async () => {
  await using slow = await remote(socket => {
    socket.pause()
    setTimeout(() => socket.resume(), 50)
  })
  const patient = await slow.dial({ writeLimit: 1000 })
  let pressure: Promise<void> | undefined
  while (pressure === undefined) pressure = patient.write(new Uint8Array(1_000_000))
  await pressure
  assert.equal(patient.signal.aborted, false)
  patient.destroy()
  await using dead = await remote(socket => socket.pause())
  const cut = await dead.dial({ writeLimit: 1000, writeTimeoutMs: 100 })
  // More than the systems of both ends hold between them: of less, the last might still leave.
  await cut.write(new Uint8Array(64 << 20))
  assert.equal(cut.signal.aborted, true)
})

test('TLS with a certificate that is trusted, one that is not, and one for another name (RFC 5280 §6, RFC 9525 §6)', async () => {
  await using peer = await remote(socket => void secured(socket).write('hello'))
  const trusting = await peer.dial()
  const trusted = await trusting.secure({ serverName: 'mx.example', ca: pair.cert })
  assert.deepEqual([trusted.trusted, trusted.fault, trusted.chain.length], [true, undefined, 1])
  assert.equal(trusting.tls?.version, 'TLSv1.3')
  assert.equal(text(await trusting.read(5000)), 'hello')
  trusting.destroy()
  const doubting = await peer.dial()
  const untrusted = await doubting.secure({ serverName: 'mx.example' })
  assert.deepEqual([untrusted.trusted, untrusted.fault], [false, 'DEPTH_ZERO_SELF_SIGNED_CERT'])
  doubting.destroy()
  const mistaken = await peer.dial()
  const other = await mistaken.secure({ serverName: 'other.example', ca: pair.cert })
  assert.deepEqual([other.trusted, other.fault], [false, 'ERR_TLS_CERT_ALTNAME_INVALID'])
  mistaken.destroy()
  const literal = await peer.dial()
  const address = await literal.secure({ serverName: '192.0.2.1', ca: pair.cert })
  assert.equal(address.trusted, false)
  literal.destroy()
})

test('S7: octets in the clear before the handshake end the connection (RFC 3207 §6)', async () => {
  await using peer = await remote(socket => void socket.write('220 go\r\n250 injected\r\n'))
  const connection = await peer.dial()
  while (connection.unread === 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await kindOf(connection.secure({ serverName: 'mx.example' })), 'invalid')
  assert.equal(connection.signal.aborted, true)
})

test('a handshake that fails, or takes too long, closes the connection', async () => {
  await using wrong = await remote(socket => void socket.once('data', () => socket.write('500 no TLS here\r\n')))
  const first = await wrong.dial()
  assert.equal(await kindOf(first.secure({ serverName: 'mx.example' })), 'unavailable')
  assert.equal(first.signal.aborted, true)
  await using silent = await remote(() => undefined)
  const second = await silent.dial()
  assert.equal(await kindOf(second.secure({ serverName: 'mx.example', timeoutMs: 100 })), 'unavailable')
  await using leaving = await remote(socket => void socket.once('data', () => socket.destroy()))
  const third = await leaving.dial()
  assert.equal(await kindOf(third.secure({ serverName: 'mx.example' })), 'unavailable')
})

test('a Unix socket is dialled by its absolute path, and by nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-dialer-'))
  const path = join(folder, 'socket')
  const server = createServer(socket => socket.end('hello')).listen(path)
  await once(server, 'listening')
  const connection = await socketDialer().dial({ address: '', port: 0, path })
  assert.equal(text(await connection.read(1000)), 'hello')
  assert.deepEqual(connection.remote, { address: '', port: 0 })
  connection.destroy()
  server.close()
  await once(server, 'close')
  assert.equal(await kindOf(socketDialer().dial({ address: '', port: 0, path })), 'unavailable')
  assert.equal(await kindOf(socketDialer().dial({ address: '', port: 0, path: 'socket' })), 'invalid')
  assert.equal(await kindOf(socketDialer().dial({ address: '', port: 0, path: '/\0' })), 'invalid')
  rmSync(folder, { recursive: true })
})
