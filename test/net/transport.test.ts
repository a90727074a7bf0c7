import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { certificates } from 'mailwright/net'
import { selfSigned } from '../../src/net/self-signed.ts'
import { everything, house, octets, text } from './loopback.ts'

const pair = selfSigned({ names: ['mx.example', 'localhost'], notBefore: Date.now() - 1000, notAfter: Date.now() + 3_600_000 })
const tls = { certificates: certificates([pair]) }

test('octets arrive when they are asked for, and the end after them', async () => {
  await using door = await house()
  const client = await door.dial()
  const server = await door.accepted()
  assert.equal(server.remote.address, '127.0.0.1')
  assert.equal(server.local.port, door.listener.port)
  client.write('EHLO a\r\n')
  assert.equal(text(await server.read(5000)), 'EHLO a\r\n')
  client.end('QUIT\r\n')
  assert.equal(text(await server.read(5000)), 'QUIT\r\n')
  assert.equal(await server.read(5000), undefined)
  assert.equal(server.signal.aborted, false, 'a peer that only stopped talking still listens')
  await server.write(octets('221 bye\r\n'))
  server.end()
  assert.equal(await everything(client), '221 bye\r\n')
})

test('a read without an answer times out, and the connection goes on (RFC 5321 §4.5.3.2)', async () => {
  await using door = await house()
  const client = await door.dial()
  const server = await door.accepted()
  const before = performance.now()
  assert.equal(await server.read(300), 'timeout')
  assert.ok(performance.now() - before >= 299, 'never early')
  client.write('NOOP\r\n')
  assert.equal(text(await server.read(5000)), 'NOOP\r\n')
})

test('the signal fires and a waiting read ends when the peer is gone', async () => {
  await using door = await house()
  const client = await door.dial()
  const server = await door.accepted()
  const read = server.read(60_000)
  client.resetAndDestroy()
  assert.equal(await read, undefined)
  assert.equal(server.signal.aborted, true)
  assert.equal(server.write(octets('late')), undefined)
})

test('a second read while one waits is a mistake of the engine', async () => {
  await using door = await house()
  await door.dial()
  const server = await door.accepted()
  const first = server.read(60_000)
  await assert.rejects(server.read(60_000), /under way/)
  server.destroy()
  assert.equal(await first, undefined)
})

test('a busy engine holds the peer back', async () => {
  await using door = await house()
  const client = await door.dial()
  const server = await door.accepted()
  const block = new Uint8Array(1 << 20)
  let sent = 0
  while (sent < 64 && client.write(block)) sent++
  client.write(new Uint8Array(64 << 20))
  await server.read(5000)
  const waiting = client.writableLength
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
  assert.ok(waiting > 16 << 20, `nearly everything still lies with the client: ${waiting}`)
  assert.ok(client.writableLength > 16 << 20, 'and stays there')
})

test('a slow reader makes the writer wait, and is cut off when it takes nothing', async () => {
  await using door = await house({}, { writeLimit: 1000, writeTimeout: 300 })
  const client = await door.dial()
  client.pause()
  const server = await door.accepted()
  assert.equal(server.write(octets('small')), undefined)
  // More than the systems of both ends hold between them: of less, the last might still leave.
  const full = server.write(new Uint8Array(64 << 20))
  assert.ok(full instanceof Promise)
  await full
  assert.equal(server.signal.aborted, true, 'the peer was cut off and the writer was let go')
})

test('a slow reader that catches up lets the writer go on', async () => {
  await using door = await house({}, { writeLimit: 1000 })
  const client = await door.dial()
  const server = await door.accepted()
  const full = server.write(new Uint8Array(16 << 20))
  assert.ok(full instanceof Promise)
  client.resume()
  await full
  assert.equal(server.signal.aborted, false)
})

test('memory that isSent lets go of may be written to again, and the peer still reads what was meant', async () => {
  await using door = await house({}, { ...tls, writeLimit: 1000 })
  const client = await door.dial()
  const server = await door.accepted()
  client.write('STARTTLS\r\n')
  await server.read(5000)
  const talk = async (peer: Readable): Promise<void> => {
    let seen = 0
    let wrong = 0
    peer.on('data', (chunk: Uint8Array) => {
      for (const octet of chunk) if (octet !== ((seen++ >>> 16) & 0xff)) wrong++
    })
    let memory = new Uint8Array(65_536)
    for (let n = 0; n < 200; n++) {
      memory.fill(n)
      const pressure = server.write(memory)
      // Slow now and then, so that both cases come up.
      if (n % 50 === 49) peer.pause()
      if (server.isSent !== true) memory = new Uint8Array(65_536)
      peer.resume()
      if (pressure !== undefined) await pressure
    }
    while (seen < 200 * 65_536) await new Promise(setImmediate)
    assert.equal(wrong, 0)
    assert.equal(server.isSent, true)
    peer.removeAllListeners('data')
    peer.pause()
  }
  await talk(client)
  const started = server.startTls()
  const secure = tlsConnect({ socket: client, servername: 'mx.example', ca: pair.cert })
  await started
  await talk(secure)
})

test('STARTTLS encrypts in place and throws away what came before it (RFC 3207 §4.2)', async () => {
  await using door = await house({}, tls)
  const client = await door.dial()
  const server = await door.accepted()
  assert.equal(server.canStartTls, true)
  client.write('STARTTLS\r\n')
  assert.equal(text(await server.read(5000)), 'STARTTLS\r\n')
  client.write('MAIL FROM:<injected@example>\r\n')
  // The injected line is there for certain before TLS begins.
  await new Promise(resolve => setTimeout(resolve, 50))
  await server.write(octets('220 go\r\n'))
  const started = server.startTls()
  const [answer] = (await once(client, 'data')) as [Uint8Array]
  assert.equal(text(answer), '220 go\r\n')
  const secure = tlsConnect({ socket: client, servername: 'mx.example', ca: pair.cert })
  secure.write('EHLO again\r\n')
  await started
  assert.equal(server.canStartTls, false)
  assert.equal(server.tls?.version, 'TLSv1.3')
  assert.match(server.tls?.cipher ?? '', /^TLS_/)
  assert.equal(server.tls?.serverName, 'mx.example')
  assert.equal(text(await server.read(5000)), 'EHLO again\r\n')
  await server.write(octets('250 ok\r\n'))
  const [reply] = (await once(secure, 'data')) as [Uint8Array]
  assert.equal(text(reply), '250 ok\r\n')
  secure.end()
  assert.equal(await server.read(5000), undefined)
})

test('plain octets where the handshake should be end the connection (RFC 3207 §4.2)', async () => {
  await using door = await house({}, tls)
  const client = await door.dial()
  const server = await door.accepted()
  const started = server.startTls()
  client.write('MAIL FROM:<injected@example>\r\nRCPT TO:<bob@example>\r\n')
  await assert.rejects(started)
  assert.equal(await server.read(5000), undefined)
  assert.equal(server.signal.aborted, true)
})

test('a client that has said its last in the clear is not waited for (RFC 3207 §4.2)', async () => {
  await using door = await house({}, { ...tls, handshakeTimeout: 20_000 })
  const client = await door.dial()
  const server = await door.accepted()
  client.write('STARTTLS\r\n')
  assert.equal(text(await server.read(5000)), 'STARTTLS\r\n')
  client.end('injected\r\n')
  // The engine is busy with something else until all of that lies here.
  await once(client, 'finish')
  await new Promise(resolve => setTimeout(resolve, 50))
  const before = performance.now()
  await assert.rejects(server.startTls(), /the peer left/)
  assert.ok(performance.now() - before < 5000, 'long before the deadline')
})

test('a handshake that never comes ends at its deadline', async () => {
  await using door = await house({}, { ...tls, handshakeTimeout: 300 })
  const client = await door.dial()
  const server = await door.accepted()
  await assert.rejects(server.startTls(), /did not end within 300 ms/)
  assert.equal(server.signal.aborted, true)
  if (!client.closed) await once(client, 'close')
})

test('TLS 1.1 is refused (RFC 8996 §5)', async () => {
  await using door = await house({}, tls)
  const client = await door.dial()
  const server = await door.accepted()
  const started = server.startTls()
  const secure = tlsConnect({ socket: client, ca: pair.cert, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
  secure.on('error', () => undefined)
  await assert.rejects(started)
})

test('a client that asks for another handshake within TLS 1.2 is cut off (RFC 9325 §3.5)', async () => {
  await using door = await house({}, tls)
  const client = await door.dial()
  const server = await door.accepted()
  const started = server.startTls()
  const secure = tlsConnect({ socket: client, servername: 'mx.example', ca: pair.cert, maxVersion: 'TLSv1.2' })
  secure.on('error', () => undefined)
  await Promise.all([started, once(secure, 'secureConnect')])
  assert.equal(server.tls?.version, 'TLSv1.2')
  secure.renegotiate({}, () => undefined)
  assert.equal(await server.read(5000), undefined)
  assert.equal(server.signal.aborted, true)
})

test('after the end a peer that stays is cut off', async () => {
  await using door = await house({}, { lingerTimeout: 300 })
  const client = await door.dial()
  client.resume()
  const server = await door.accepted()
  await server.write(octets('* BYE\r\n'))
  server.end()
  assert.equal(server.signal.aborted, false)
  client.allowHalfOpen = true
  await new Promise<void>(resolve => server.signal.addEventListener('abort', () => resolve()))
})
