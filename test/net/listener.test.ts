import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { promisify } from 'node:util'
import { MailError } from 'mailwright/contracts'
import { certificates, ConnectionCounter, developmentCertificate, listen } from 'mailwright/net'
import { selfSigned } from '../../src/net/self-signed.ts'
import { requireProgram } from '../support/programs.ts'
import { everything, house, octets, text } from './loopback.ts'

const run = promisify(execFile)
const hour = 3_600_000

function scratch(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'mailwright-net-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

test('a PROXY header of version 1 names the peer, and what follows it is the peer’s', async () => {
  await using door = await house({ proxies: ['127.0.0.0/8'] })
  const client = await door.dial()
  client.write('PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\r\nEHLO a\r\n')
  const server = await door.accepted()
  assert.deepEqual(server.remote, { address: '192.0.2.7', port: 5000 })
  assert.deepEqual(server.local, { address: '198.51.100.1', port: 25 })
  assert.equal(text(await server.read(5000)), 'EHLO a\r\n')
})

test('a PROXY header that comes octet by octet is the same header', async () => {
  await using door = await house({ proxies: ['127.0.0.1'] })
  const client = await door.dial()
  client.setNoDelay(true)
  for (const octet of 'PROXY TCP6 2001:db8::7 2001:db8::1 5000 25\r\n') {
    client.write(octet)
    await new Promise(resolve => setImmediate(resolve))
  }
  const server = await door.accepted()
  assert.equal(server.remote.address, '2001:db8::7')
  client.write('EHLO b\r\n')
  assert.equal(text(await server.read(5000)), 'EHLO b\r\n')
})

test('without a PROXY header a proxy is dropped before anything is said', async () => {
  await using door = await house({ proxies: ['127.0.0.1'] })
  const client = await door.dial()
  client.write('EHLO a\r\n')
  assert.equal(await everything(client), '')
  assert.deepEqual(door.drops, ['no PROXY header'])
})

test('a PROXY header from a peer that is no proxy is dropped unread', async () => {
  await using door = await house({ proxies: ['192.0.2.0/24'] })
  const client = await door.dial()
  client.write('PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\r\n')
  assert.equal(await everything(client), '')
  assert.deepEqual(door.drops, ['not one of the proxies'])
})

test('too many connections from one address are told so and cut off (RFC 5321 §7.8)', async () => {
  const counter = new ConnectionCounter({ perAddress: 2 })
  await using door = await house({ proxies: ['127.0.0.1'], counter, tooMany: octets('421 4.7.0 Too many connections\r\n') })
  const header = 'PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\r\n'
  for (let index = 0; index < 2; index++) {
    const client = await door.dial()
    client.write(header)
    await door.accepted()
  }
  const third = await door.dial()
  third.write(header)
  assert.equal(await everything(third), '421 4.7.0 Too many connections\r\n')
  assert.equal(counter.open, 2)
  const other = await door.dial()
  other.write('PROXY TCP4 198.51.100.9 198.51.100.1 5000 25\r\n')
  const server = await door.accepted()
  assert.equal(counter.open, 3)
  server.destroy()
  await once(other, 'close')
  assert.equal(counter.open, 2, 'who left is not counted any more')
})

test('implicit TLS: the certificate is chosen by name and exchanged without a restart (RFC 6066 §3)', async () => {
  using folder = scratch()
  const write = (name: string, names: readonly string[]): { certFile: string; keyFile: string } => {
    const pair = selfSigned({ names, notBefore: Date.now() - hour, notAfter: Date.now() + hour })
    const files = { certFile: join(folder.path, `${name}.pem`), keyFile: join(folder.path, `${name}.key`) }
    writeFileSync(files.certFile, pair.cert)
    writeFileSync(files.keyFile, pair.key)
    return files
  }
  const store = certificates([write('a', ['a.example']), write('b', ['b.example', '*.b.example'])])
  await using door = await house({ implicitTls: { certificates: store } })
  const subjectFor = async (servername: string): Promise<string> => {
    const client = tlsConnect({ port: door.listener.port, servername, rejectUnauthorized: false })
    await once(client, 'secureConnect')
    const name = client.getPeerX509Certificate()?.subjectAltName ?? ''
    await door.accepted()
    client.destroy()
    return name
  }
  assert.match(await subjectFor('b.example'), /DNS:b\.example/)
  assert.match(await subjectFor('mail.b.example'), /DNS:b\.example/)
  assert.match(await subjectFor('B.Example.'), /DNS:b\.example/, 'case and the final dot do not matter')
  assert.match(await subjectFor('deep.mail.b.example'), /DNS:a\.example/, 'a wildcard is one label')
  assert.match(await subjectFor('unknown.example'), /DNS:a\.example/, 'the first stands in')
  write('a', ['renewed.example'])
  assert.match(await subjectFor('unknown.example'), /DNS:a\.example/)
  store.reload()
  assert.match(await subjectFor('unknown.example'), /DNS:renewed\.example/)
  writeFileSync(join(folder.path, 'a.pem'), 'half a certificate')
  assert.throws(() => store.reload(), { code: 'MW_CERTIFICATE_INVALID' })
  assert.match(await subjectFor('unknown.example'), /DNS:renewed\.example/, 'a failed reload changes nothing')
})

test('a client that insists on another protocol is refused (RFC 7301 §3.2)', async () => {
  const pair = selfSigned({ names: ['localhost'], notBefore: Date.now() - hour, notAfter: Date.now() + hour })
  await using door = await house({ implicitTls: { certificates: certificates([pair]), alpn: 'imap' } })
  const browser = tlsConnect({ port: door.listener.port, ca: pair.cert, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] })
  await assert.rejects(once(browser, 'secureConnect'))
  const client = tlsConnect({ port: door.listener.port, ca: pair.cert, servername: 'localhost', ALPNProtocols: ['imap'] })
  await once(client, 'secureConnect')
  assert.equal(client.alpnProtocol, 'imap')
  client.destroy()
})

test('the development certificate satisfies openssl and is kept between starts', { skip: requireProgram('openssl') }, async () => {
  using folder = scratch()
  const first = developmentCertificate(folder.path, ['mx.example'])
  const file = first.facts[0]?.file ?? ''
  const { stdout } = await run('openssl', ['x509', '-in', file, '-noout', '-text'])
  assert.match(stdout, /Issuer: O = mailwright development certificate, CN = mx\.example/)
  assert.match(stdout, /DNS:mx\.example, DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/)
  assert.match(stdout, /ecdsa-with-SHA256/)
  const verified = await run('openssl', [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-CAfile',
    file,
    '-verify_hostname',
    'mx.example',
    file,
  ])
  assert.match(verified.stdout, /: OK/)
  assert.equal(first.facts[0]?.development, true)
  assert.equal(developmentCertificate(folder.path, ['mx.example']).facts[0]?.fingerprint, first.facts[0]?.fingerprint)
  assert.notEqual(developmentCertificate(folder.path, ['other.example']).facts[0]?.fingerprint, first.facts[0]?.fingerprint)
})

test('curl trusts the development certificate once it is told to', { skip: requireProgram('curl') }, async () => {
  using folder = scratch()
  const store = developmentCertificate(folder.path, ['mx.example'])
  await using door = await house({ implicitTls: { certificates: store } })
  const fetched = run('curl', [
    '--silent',
    '--show-error',
    '--max-time',
    '20',
    '--cacert',
    store.facts[0]?.file ?? '',
    `https://localhost:${door.listener.port}/`,
  ])
  const server = await door.accepted()
  await server.read(5000)
  await server.write(octets('HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes'))
  server.end()
  assert.equal((await fetched).stdout, 'yes')
})

test('a port that is taken is named in the error', async () => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await assert.rejects(
    listen({ port, onConnection: () => undefined }),
    (error: unknown) => error instanceof MailError && error.kind === 'in-use' && error.message.includes(`port ${port}`),
  )
  taken.close()
})

test('a Unix socket that a dead process left behind is replaced, a living one is not', async () => {
  using folder = scratch()
  const path = join(folder.path, 'lmtp.sock')
  writeFileSync(path, '')
  await using door = await house({ path })
  const client = await door.dial()
  const server = await door.accepted()
  assert.equal(server.remote.address, '')
  client.write('LHLO a\r\n')
  assert.equal(text(await server.read(5000)), 'LHLO a\r\n')
  await assert.rejects(
    listen({ path, onConnection: () => undefined }),
    (error: unknown) => error instanceof MailError && error.kind === 'in-use',
  )
})
