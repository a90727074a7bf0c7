import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import type { TlsaRecord, TlsPeer } from 'mailwright/contracts'
import { socketDialer } from 'mailwright/net'
import { tlsPolicy } from 'mailwright/outbound'
import type { Hop } from 'mailwright/outbound'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import { authority, noOpenssl } from './chains.ts'
import type { Issued } from './chains.ts'

/** What a real handshake with a server that shows this chain tells. */
async function handshake(chain: readonly Issued[], key: string, ca?: string): Promise<TlsPeer> {
  const server = createServer({ cert: chain.map(one => one.cert).join(''), key }, socket => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const connection = await socketDialer().dial({ address: '127.0.0.1', port: (server.address() as AddressInfo).port })
    const peer = await connection.secure({ serverName: 'mx.a.example', ...(ca === undefined ? {} : { ca }) })
    connection.destroy()
    return peer
  } finally {
    server.close()
  }
}

async function verdict(record: TlsaRecord, peer: TlsPeer): Promise<string> {
  const hop: Hop = {
    kind: 'mx',
    domain: 'a.example',
    host: 'mx.a.example',
    address: '9.1.1.1',
    port: 25,
    flavour: 'smtp',
    preference: 1,
    mxAuthentic: true,
    addressAuthentic: true,
    ehloName: 'us.example',
  }
  const resolver = fakeResolver({ '_25._tcp.mx.a.example': { tlsa: [record], authentic: true } })
  const decision = await tlsPolicy({ resolver, clock: fakeClock(Date.now()) }).decide(hop)
  assert.ok(decision.kind === 'go' && decision.requirement.verify !== undefined)
  return decision.requirement.verify(peer)?.type ?? 'fine'
}

function digest(usage: number, der: Uint8Array): TlsaRecord {
  return { usage, selector: 0, matchingType: 1, data: new Uint8Array(createHash('sha256').update(der).digest()) }
}

test('DANE over real handshakes: the chain is told as it was shown, trusted or not (RFC 7672 §3.1)', { skip: noOpenssl }, async () => {
  const ca = authority('Root')
  const impostor = authority('Root')
  const leaf = ca.issue('mx.a.example')
  const forged = impostor.issue('mx.a.example')
  const unknown = await handshake([leaf, ca], leaf.key)
  assert.deepEqual([unknown.trusted, unknown.chain.length], [false, 2])
  assert.equal(await verdict(digest(2, ca.der), unknown), 'fine')
  assert.equal(await verdict(digest(3, leaf.der), unknown), 'fine')
  assert.equal(await verdict(digest(3, ca.der), unknown), 'validation-failure')
  const trusted = await handshake([leaf, ca], leaf.key, ca.cert)
  assert.equal(trusted.trusted, true)
  assert.equal(await verdict(digest(2, ca.der), trusted), 'fine')
  const without = await handshake([leaf], leaf.key)
  assert.equal(await verdict(digest(2, ca.der), without), 'validation-failure')
  const mixed = await handshake([forged, ca], forged.key)
  assert.notEqual(await verdict(digest(2, ca.der), mixed), 'fine', 'the real authority behind a forged certificate')
})

test('DANE-TA that names the certificate itself (RFC 7671 §5.2)', { skip: noOpenssl }, async () => {
  const ca = authority('Root')
  const leaf = ca.issue('mx.a.example')
  const peer = await handshake([leaf, ca], leaf.key)
  assert.equal(await verdict(digest(2, leaf.der), peer), 'fine', 'the certificate itself as the anchor')
})
