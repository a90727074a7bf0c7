import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { safeFetch } from 'mailwright/net'
import type { SafeFetch, SafeFetchOptions } from 'mailwright/net'
import { fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { selfSigned } from '../../src/net/self-signed.ts'

const pair = selfSigned({ names: ['mta-sts.a.example'], notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 })
const HERE: Readonly<Record<string, FakeRecords>> = { 'mta-sts.a.example': { a: ['127.0.0.1'] }, 'b.example': { a: ['127.0.0.1'] } }

async function site(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly fetch: (more?: Partial<SafeFetchOptions>) => SafeFetch } & AsyncDisposable> {
  const server = createServer({ cert: pair.cert, key: pair.key }, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    fetch: more => safeFetch({ resolver: fakeResolver(HERE), ca: pair.cert, port, mayConnect: () => true, ...more }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  const failure = await call.then(
    () => 'resolved',
    (error: unknown) => error,
  )
  return failure instanceof MailError ? failure.kind : String(failure)
}

const URL_A = 'https://mta-sts.a.example/.well-known/mta-sts.txt'

test('a page, with its type (RFC 8461 §3.3)', async () => {
  await using here = await site((request, response) => {
    response.setHeader('content-type', 'text/plain')
    response.end(`${request.method} ${request.url} ${request.headers.host}`)
  })
  const answer = await here.fetch()(URL_A)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'text/plain')
  assert.equal(new TextDecoder().decode(answer.body), 'GET /.well-known/mta-sts.txt mta-sts.a.example')
})

test('a post with its body (RFC 8460 §5.4)', async () => {
  await using here = await site((request, response) => {
    const pieces: Uint8Array[] = []
    request.on('data', (piece: Uint8Array) => pieces.push(piece))
    request.on('end', () => response.writeHead(201).end(`${request.headers['content-type']} ${Buffer.concat(pieces).toString()}`))
  })
  const answer = await here.fetch()(URL_A, { method: 'POST', headers: { 'content-type': 'x/y' }, body: new TextEncoder().encode('report') })
  assert.equal(answer.status, 201)
  assert.equal(new TextDecoder().decode(answer.body), 'x/y report')
})

test('a redirect is told, not followed (RFC 8461 §3.3, S29)', async () => {
  let asked = 0
  await using here = await site((_, response) => {
    asked++
    response.writeHead(302, { location: 'https://b.example/' }).end()
  })
  assert.equal((await here.fetch()(URL_A)).status, 302)
  assert.equal(asked, 1)
})

test('S29: private addresses are not connected to, whatever name or spelling leads there', async () => {
  const zone: Record<string, FakeRecords> = {}
  const private4 = ['127.0.0.1', '10.0.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0']
  for (const [at, address] of private4.entries()) zone[`h${at}.example`] = { a: [address] }
  zone['six.example'] = { aaaa: ['::1', 'fd00::1', '::ffff:10.0.0.1', '64:ff9b::7f00:1'] }
  const fetch = safeFetch({ resolver: fakeResolver(zone) })
  const urls = [
    ...Object.keys(zone).map(name => `https://${name}/`),
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
  ]
  for (const url of urls) assert.equal(await kindOf(fetch(url)), 'invalid', url)
})

test('only https, and nobody logs in', async () => {
  const fetch = safeFetch({ resolver: fakeResolver(HERE), mayConnect: () => true })
  for (const url of [
    'http://b.example/',
    'ftp://b.example/',
    'file:///etc/passwd',
    'https://user:pass@b.example/',
    'nonsense',
    '//b.example',
  ])
    assert.equal(await kindOf(fetch(url)), 'invalid', url)
})

test('S30: the address that was checked is the one that is connected to', async () => {
  await using here = await site((_, response) => response.end('here'))
  const resolver = fakeResolver(HERE)
  const seen: string[] = []
  const fetch = here.fetch({
    resolver,
    mayConnect: address => {
      seen.push(address)
      // The zone changes its mind between the check and the connection.
      resolver.set('mta-sts.a.example', { a: ['203.0.113.1'] })
      return true
    },
  })
  assert.equal(new TextDecoder().decode((await fetch(URL_A)).body), 'here')
  assert.deepEqual(seen, ['127.0.0.1'])
})

test('more than is wanted, slower than is wanted, or less than was said', async () => {
  await using big = await site((_, response) => response.end('x'.repeat(100_000)))
  assert.equal(await kindOf(big.fetch()(URL_A)), 'unavailable')
  await using slow = await site((_, response) => void response.write('x'))
  assert.equal(await kindOf(slow.fetch()(URL_A, { timeoutMs: 200 })), 'unavailable')
  await using short = await site((_, response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.write('x', () => response.destroy())
  })
  assert.equal(await kindOf(short.fetch()(URL_A)), 'unavailable')
})

test('the certificate must be for the name, and from an authority (RFC 8461 §3.3)', async () => {
  await using here = await site((_, response) => response.end('x'))
  assert.equal(await kindOf(here.fetch()('https://b.example/')), 'unavailable')
  const other = selfSigned({ names: ['mta-sts.a.example'], notBefore: Date.now() - 1000, notAfter: Date.now() + 3_600_000 })
  assert.equal(await kindOf(here.fetch({ ca: other.cert })(URL_A)), 'unavailable')
})

test('a name without addresses, and one that cannot be asked', async () => {
  const fetch = safeFetch({ resolver: fakeResolver({ 'bare.example': {}, 'broken.example': { fails: true } }) })
  assert.equal(await kindOf(fetch('https://bare.example/')), 'unavailable')
  assert.equal(await kindOf(fetch('https://broken.example/')), 'unavailable')
})
