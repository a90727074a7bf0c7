import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { generateKey } from 'mailwright/dkim'
import { arcSealer } from 'mailwright/outbound'
import type { FakeRecords } from 'mailwright/testing'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { PLAIN, received, rsa } from './sender-auth-house.ts'

const key = await generateKey('rsa')
const ZONE: Readonly<Record<string, FakeRecords>> = {
  's._domainkey.list.example': { txt: [key.record] },
  's._domainkey.other.example': { txt: [key.record] },
  'list.example': { txt: ['v=spf1 ip4:203.0.113.66 -all'] },
}
const VIA = { from: 'bounces@list.example', ip: '203.0.113.66', zone: ZONE }

const SIGNER = { signingDomain: 'example.org', selector: 'rsa', privateKey: rsa.privateKey }

/** The message as a forwarder seals it that saw these results. */
async function sealed(message: string, results: string, domain = 'list.example'): Promise<string> {
  const seal = arcSealer({
    domain,
    keys: [{ domain, selector: 's', privateKey: key.privateKey }],
    authservId: `mx.${domain}`,
    clock: { now: () => Date.now() },
  })
  const octets = latin1Bytes(message.replaceAll('\n', '\r\n'))
  const content = { size: octets.length, read: (start: number, end: number): Uint8Array => octets.subarray(start, end) }
  const chain = message.includes('ARC-Seal') ? 'pass' : 'none'
  const set = await seal({ content, prefix: new Uint8Array(0), sender: undefined }, { results, chain })
  return latin1Text(set).replaceAll('\r\n', '\n') + message
}

const SAW_IT = 'spf=pass smtp.mailfrom=example.org; dmarc=pass header.from=example.org'

test('ARC counts from listed sealers only, while the chain holds and they saw DMARC pass (RFC 8617 §9.3, S19)', async () => {
  const trusted = { ...VIA, options: { trustedSealers: ['list.example'] } }
  const good = await sealed(PLAIN, SAW_IT)
  const spared = await received(good, trusted)
  assert.equal(spared.verdict.kind, 'accept')
  assert.equal(spared.authentication?.findings.arc.vouchedBy, 'list.example')
  assert.ok(spared.symbols.includes('ARC_TRUSTED'))
  assert.match(spared.authentication?.field ?? '', /dmarc=fail .*arc=pass \(list\.example\)/)
  const refused: Readonly<Record<string, Parameters<typeof received>>> = {
    'nobody is listed': [good, VIA],
    'another is listed': [good, { ...VIA, options: { trustedSealers: ['other.example'] } }],
    'changed since': [good.replace('Text', 'Test'), trusted],
    'it saw DMARC fail': [await sealed(PLAIN, SAW_IT.replace('dmarc=pass', 'dmarc=fail')), trusted],
    'it saw it pass for somebody else': [
      await sealed(PLAIN, SAW_IT.replace('header.from=example.org', 'header.from=evil.example')),
      trusted,
    ],
    'a result in a comment': [await sealed(PLAIN, 'spf=pass (; dmarc=pass header.from=example.org)'), trusted],
    'the last seal is a stranger’s': [await sealed(good, 'arc=pass', 'other.example'), trusted],
  }
  for (const [name, [message, how]] of Object.entries(refused)) assert.equal((await received(message, how)).verdict.kind, 'reject', name)
  const both = await received(await sealed(good, 'arc=pass; dmarc=fail header.from=example.org', 'other.example'), {
    ...VIA,
    options: { trustedSealers: ['list.example', 'other.example'] },
  })
  // The second saw what the first had changed; both are believed, and the first saw the author's own.
  assert.equal(both.verdict.kind, 'accept')
})

test('mail of a list that authenticates its own domain can be spared a refusal (RFC 9989 §7.4)', async () => {
  const listed = `List-Id: Talk <talk.list.example>\n${PLAIN}`
  const policy = { mailingLists: 'quarantine' } as const
  const kind = async (message: string, more: object): Promise<string> => {
    const { verdict, junk } = await received(message, { ...VIA, ...more })
    return `${verdict.kind} ${junk}`
  }
  assert.equal(await kind(listed, {}), 'reject 0')
  assert.equal(await kind(listed, { options: { policy } }), 'accept 1')
  assert.equal(await kind(PLAIN, { options: { policy } }), 'reject 0')
  // Its List-Id is not its own.
  assert.equal(await kind(listed, { from: 'x@evil.example', options: { policy } }), 'reject 0')
})

test('keys for other hashes or services, and a body without its last line end (RFC 6376 §3.4.4, §3.6.1)', async () => {
  const { signatures } = await dkimSign(PLAIN.replaceAll('\n', '\r\n'), { ...SIGNER, signatureData: [SIGNER] })
  assert.notEqual(signatures, '')
  const message = signatures.replaceAll('\r\n', '\n') + PLAIN
  const away = { from: 'x@evil.example', ip: '203.0.113.66' }
  const verdict = async (text: string, record?: string): Promise<string> =>
    (await received(text, { ...away, ...(record === undefined ? {} : { zone: { 'rsa._domainkey.example.org': { txt: [record] } } }) }))
      .verdict.kind
  assert.equal(await verdict(message), 'accept')
  assert.equal(await verdict(message, rsa.record.replace('k=rsa;', 'k=rsa; h=sha1;')), 'reject')
  assert.equal(await verdict(message, rsa.record.replace('k=rsa;', 'k=rsa; s=other;')), 'reject')
  assert.equal(await verdict(message, rsa.record.replace('k=rsa;', 'k=rsa; s=other:email; h=sha1:sha256;')), 'accept')
  assert.equal(await verdict(message, rsa.record.replace(/p=.*/, 'p=')), 'reject')
  // RFC 6376 §3.4.4: "a CRLF is added".
  assert.equal(await verdict(message.replace(/\n$/, '')), 'accept')
})

test('a kind of signature that is not known here is asked about elsewhere, and vouches for nothing', async () => {
  const { signatures } = await dkimSign(PLAIN.replaceAll('\n', '\r\n'), { ...SIGNER, signatureData: [SIGNER] })
  assert.notEqual(signatures, '')
  const message = signatures.replaceAll('\r\n', '\n').replace('rsa-sha256', 'rsa-sha512') + PLAIN
  const { verdict, authentication } = await received(message, { from: 'x@evil.example', ip: '203.0.113.66' })
  assert.equal(verdict.kind, 'reject')
  assert.notEqual(authentication?.findings.signatures[0]?.result, 'pass')
})

test('the record of a picture is looked up when asked for, and nothing else (S29)', async () => {
  const zone = { ...ZONE, 'default._bimi.example.org': { txt: ['v=BIMI1; l=https://example.org/logo.svg'] } }
  const { authentication, resolver } = await received(PLAIN, { zone, options: { bimi: true } })
  assert.deepEqual(authentication?.findings.bimi, { domain: 'example.org', location: 'https://example.org/logo.svg', evidence: undefined })
  assert.ok(resolver.asked.includes('txt default._bimi.example.org'))
  const off = await received(PLAIN, { zone })
  assert.ok(!off.resolver.asked.some(question => question.includes('_bimi')))
})
