import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { TlsaRecord, TlsPeer } from 'mailwright/contracts'
import { tlsPolicy } from 'mailwright/outbound'
import type { Hop, PolicyFetch, TlsDecision, TlsPolicyOptions, TlsWish } from 'mailwright/outbound'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { authority, noOpenssl, shows } from './chains.ts'

const HOP: Hop = {
  kind: 'mx',
  domain: 'a.example',
  host: 'mx.a.example',
  address: '9.1.1.1',
  port: 25,
  flavour: 'smtp',
  preference: 10,
  mxAuthentic: false,
  addressAuthentic: false,
  ehloName: 'us.example',
}
const SECURED: Hop = { ...HOP, mxAuthentic: true, addressAuthentic: true }
const TRUSTED: TlsPeer = { version: 'TLSv1.3', cipher: '', chain: [], trusted: true }
const UNTRUSTED: TlsPeer = { ...TRUSTED, trusted: false, fault: 'DEPTH_ZERO_SELF_SIGNED_CERT' }

function page(body: string, more: { readonly status?: number; readonly type?: string } = {}): PolicyFetch {
  return () =>
    Promise.resolve({
      status: more.status ?? 200,
      headers: { 'content-type': more.type ?? 'text/plain' },
      body: new TextEncoder().encode(body),
    })
}

const ENFORCE = 'version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 86400\n'
const STS = { '_mta-sts.a.example': { txt: ['v=STSv1; id=1;'] } }

function decide(
  hop: Hop,
  zone: Readonly<Record<string, FakeRecords>>,
  options: Partial<TlsPolicyOptions> = {},
  wish: TlsWish = {},
): Promise<TlsDecision> {
  return tlsPolicy({ resolver: fakeResolver(zone), clock: fakeClock(Date.now()), ...options }).decide(hop, wish)
}

/** A decision in short: `verified dane`, `opportunistic none`, or the code of a refusal. */
function brief(decision: TlsDecision): string {
  return decision.kind === 'go'
    ? `${decision.requirement.level} ${decision.requirement.source}`
    : `${decision.status.code} ${decision.failure.type}`
}

function verdict(decision: TlsDecision, peer: TlsPeer): string {
  assert.ok(decision.kind === 'go' && decision.requirement.verify !== undefined)
  return decision.requirement.verify(peer)?.type ?? 'fine'
}

function tlsa(usage: number, selector: number, matchingType: number, der: Uint8Array): TlsaRecord {
  const selected = selector === 0 ? der : new Uint8Array(new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' }))
  const data =
    matchingType === 0
      ? selected
      : new Uint8Array(
          createHash(matchingType === 1 ? 'sha256' : 'sha512')
            .update(selected)
            .digest(),
        )
  return { usage, selector, matchingType, data }
}

function zoneOf(records: readonly TlsaRecord[], authentic: boolean = true): Readonly<Record<string, FakeRecords>> {
  return { '_25._tcp.mx.a.example': { tlsa: records, authentic } }
}

test('nobody says anything: opportunistic, or what the host asks at least (RFC 7435 §3)', async () => {
  assert.equal(brief(await decide(HOP, {})), 'opportunistic none')
  assert.equal(brief(await decide(HOP, {}, { minimum: 'encrypted' })), 'encrypted settings')
  const verified = await decide(HOP, {}, { minimum: 'verified' })
  assert.equal(brief(verified), 'verified settings')
  assert.equal(verdict(verified, UNTRUSTED), 'certificate-not-trusted')
})

test('MTA-STS in the mode enforce: the host must be listed, its certificate trusted (RFC 8461 §4, §5)', async () => {
  const decision = await decide(HOP, STS, { fetch: page(ENFORCE) })
  assert.equal(brief(decision), 'verified sts')
  assert.equal(verdict(decision, TRUSTED), 'fine')
  assert.equal(verdict(decision, UNTRUSTED), 'certificate-not-trusted')
  assert.equal(verdict(decision, { ...UNTRUSTED, fault: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'certificate-host-mismatch')
  assert.equal(verdict(decision, { ...UNTRUSTED, fault: 'CERT_HAS_EXPIRED' }), 'certificate-expired')
  assert.equal(brief(await decide({ ...HOP, host: 'evil.example' }, STS, { fetch: page(ENFORCE) })), '4.7.5 validation-failure')
})

test('MTA-STS in the mode testing: reported, not enforced (RFC 8461 §5)', async () => {
  const fetch = page(ENFORCE.replace('enforce', 'testing'))
  const decision = await decide(HOP, STS, { fetch })
  assert.equal(brief(decision), 'opportunistic sts')
  assert.equal(verdict(decision, UNTRUSTED), 'certificate-not-trusted')
  assert.equal(verdict(await decide({ ...HOP, host: 'other.example' }, STS, { fetch }), TRUSTED), 'validation-failure')
})

test('MTA-STS in the mode none, without a record, or that cannot be had: no policy, and the report says why (RFC 8461 §3.3)', async () => {
  assert.equal(brief(await decide(HOP, STS, { fetch: page(ENFORCE.replace('enforce', 'none')) })), 'opportunistic none')
  assert.equal(brief(await decide(HOP, {}, { fetch: page(ENFORCE) })), 'opportunistic none')
  const cases: readonly (readonly [PolicyFetch, string])[] = [
    [page(ENFORCE, { status: 302 }), 'sts-policy-fetch-error'],
    [page(ENFORCE, { status: 404 }), 'sts-policy-fetch-error'],
    [page(ENFORCE, { type: 'text/html' }), 'sts-policy-invalid'],
    [page('mode: enforce'), 'sts-policy-invalid'],
    [() => Promise.reject(new MailError('unavailable', 'connect ECONNREFUSED')), 'sts-policy-fetch-error'],
    [() => Promise.reject(new MailError('unavailable', 'self-signed certificate')), 'sts-webpki-invalid'],
  ]
  for (const [fetch, type] of cases) {
    const decision = await decide(HOP, STS, { fetch })
    assert.equal(brief(decision), 'opportunistic none', type)
    assert.equal(decision.failure?.type, type)
  }
})

test('S8: a policy that was fetched holds until its time is over, whatever DNS and the web say meanwhile (RFC 8461 §3.1, §10.2)', async () => {
  const clock = fakeClock()
  const resolver = fakeResolver(STS)
  let answer: PolicyFetch = page(ENFORCE)
  let fetched = 0
  const fetch: PolicyFetch = url => {
    fetched++
    assert.equal(url, 'https://mta-sts.a.example/.well-known/mta-sts.txt')
    return answer(url)
  }
  const policy = tlsPolicy({ resolver, clock, fetch })
  assert.equal(brief(await policy.decide(HOP)), 'verified sts')
  assert.equal(brief(await policy.decide(HOP)), 'verified sts')
  assert.equal(fetched, 1, 'the same id is not fetched again')
  resolver.set('_mta-sts.a.example', undefined)
  assert.equal(brief(await policy.decide(HOP)), 'verified sts', 'the record is gone')
  resolver.set('_mta-sts.a.example', { fails: true })
  assert.equal(brief(await policy.decide(HOP)), 'verified sts', 'DNS fails')
  resolver.set('_mta-sts.a.example', { txt: ['v=STSv1; id=2;'] })
  answer = () => Promise.reject(new MailError('unavailable', 'no'))
  assert.equal(brief(await policy.decide(HOP)), 'verified sts', 'the new one cannot be had')
  assert.equal(fetched, 2)
  await policy.decide(HOP)
  assert.equal(fetched, 2, 'and is not asked for at once again')
  clock.advance(6 * 60_000)
  answer = page(ENFORCE.replace('enforce', 'none'))
  assert.equal(brief(await policy.decide(HOP)), 'opportunistic none', 'the new one counts')
  clock.advance(2 * 86_400_000)
  resolver.set('_mta-sts.a.example', undefined)
  assert.equal(brief(await policy.decide(HOP)), 'opportunistic none')
})

test('a thousand messages fetch a policy once', async () => {
  let fetched = 0
  const policy = tlsPolicy({
    resolver: fakeResolver(STS),
    clock: fakeClock(),
    fetch: async url => {
      fetched++
      await new Promise(resolve => setImmediate(resolve))
      return page(ENFORCE)(url)
    },
  })
  await Promise.all(Array.from({ length: 1000 }, () => policy.decide(HOP)))
  assert.equal(fetched, 1)
})

test('DANE: the certificate or key itself (DANE-EE), whatever its name and dates (RFC 7672 §3.1.1)', { skip: noOpenssl }, async () => {
  const ca = authority('Root')
  const leaf = ca.issue('other.name.example')
  const stranger = ca.issue('mx.a.example')
  for (const selector of [0, 1])
    for (const matchingType of [0, 1, 2]) {
      const decision = await decide(SECURED, zoneOf([tlsa(3, selector, matchingType, leaf.der)]))
      assert.equal(brief(decision), 'verified dane')
      assert.equal(verdict(decision, shows([leaf, ca])), 'fine')
      assert.equal(verdict(decision, shows([stranger, ca])), 'validation-failure')
      assert.equal(verdict(decision, shows([])), 'validation-failure')
      assert.equal(verdict(decision, shows([stranger, leaf])), 'validation-failure', 'only the first certificate is the server’s own')
    }
})

test('DANE: an authority in the chain (DANE-TA), with name and dates (RFC 7672 §3.1.2, §3.2)', { skip: noOpenssl }, async () => {
  const ca = authority('Root')
  const impostor = authority('Root')
  const leaf = ca.issue('mx.a.example')
  const forDomain = ca.issue('a.example')
  const forOther = ca.issue('other.example')
  const forged = impostor.issue('mx.a.example')
  const decision = await decide(SECURED, zoneOf([tlsa(2, 0, 1, ca.der)]))
  assert.equal(verdict(decision, shows([leaf, ca])), 'fine')
  assert.equal(verdict(decision, shows([forDomain, ca])), 'fine')
  assert.equal(verdict(decision, shows([forOther, ca])), 'certificate-host-mismatch')
  assert.equal(verdict(decision, shows([leaf])), 'validation-failure', 'the authority must be shown')
  // An attacker shows a certificate of his own and puts the real authority, of the same name, behind it.
  assert.equal(verdict(decision, shows([forged, ca])), 'certificate-not-trusted')
  assert.equal(verdict(decision, shows([forged, impostor, ca])), 'certificate-not-trusted')
  const later = tlsPolicy({ resolver: fakeResolver(zoneOf([tlsa(2, 1, 2, ca.der)])), clock: fakeClock(Date.now() + 10 * 86_400_000) })
  assert.equal(verdict(await later.decide(SECURED), shows([leaf, ca])), 'certificate-expired')
})

test('DANE: no signer that is no authority (RFC 5280 §4.2.1.9)', { skip: noOpenssl }, async () => {
  const ca = authority('Root')
  const leaf = ca.issue('mx.a.example')
  const other = ca.issue('mx.a.example')
  const decision = await decide(SECURED, zoneOf([tlsa(2, 0, 1, leaf.der)]))
  assert.equal(verdict(decision, shows([other, leaf])), 'certificate-not-trusted')
})

test('DANE: records that mail does not use ask for TLS all the same (RFC 7672 §2.2, §3.1.3)', async () => {
  const data = new Uint8Array(32)
  const unusable: readonly TlsaRecord[] = [
    { usage: 0, selector: 0, matchingType: 1, data },
    { usage: 1, selector: 1, matchingType: 1, data },
    { usage: 3, selector: 2, matchingType: 1, data },
    { usage: 3, selector: 1, matchingType: 3, data },
    { usage: 3, selector: 1, matchingType: 2, data },
    { usage: 3, selector: 1, matchingType: 0, data: new Uint8Array(0) },
  ]
  for (const record of unusable) assert.equal(brief(await decide(SECURED, zoneOf([record]))), 'encrypted dane')
  assert.equal(brief(await decide(SECURED, zoneOf(unusable), {}, { requireTls: true })), 'verified requiretls')
  assert.equal(brief(await decide(SECURED, zoneOf([...unusable, { usage: 3, selector: 1, matchingType: 1, data }]))), 'verified dane')
})

test('DANE has no say where DNS does not vouch for every step (RFC 7672 §2.2)', async () => {
  const record: TlsaRecord = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) }
  assert.equal(brief(await decide(SECURED, zoneOf([record], false))), 'opportunistic none')
  assert.equal(brief(await decide({ ...SECURED, mxAuthentic: false }, zoneOf([record]))), 'opportunistic none')
  assert.equal(brief(await decide({ ...SECURED, addressAuthentic: false }, zoneOf([record]))), 'opportunistic none')
  assert.equal(brief(await decide(SECURED, zoneOf([record]), { dane: false })), 'opportunistic none')
})

test('S8: TLSA records that cannot be had: the server is not used (RFC 7672 §2.1.2)', async () => {
  const decision = await decide(SECURED, { '_25._tcp.mx.a.example': { fails: true } })
  assert.equal(brief(decision), '4.4.3 dnssec-invalid')
})

test('DANE stands before MTA-STS (RFC 8461 §2)', async () => {
  const record: TlsaRecord = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) }
  assert.equal(brief(await decide(SECURED, { ...STS, ...zoneOf([record]) }, { fetch: page(ENFORCE) })), 'verified dane')
})

test('REQUIRETLS: verified where something vouches for the name of the server, else refused for good (RFC 8689 §4.2.1)', async () => {
  const wish = { requireTls: true }
  assert.equal(brief(await decide(HOP, {}, {}, wish)), '5.7.10 validation-failure')
  assert.equal(brief(await decide({ ...HOP, mxAuthentic: true }, {}, {}, wish)), 'verified requiretls')
  assert.equal(brief(await decide(HOP, STS, { fetch: page(ENFORCE) }, wish)), 'verified sts')
  assert.equal(brief(await decide(HOP, STS, { fetch: page(ENFORCE.replace('enforce', 'testing')) }, wish)), '5.7.10 validation-failure')
  assert.equal(brief(await decide({ ...HOP, kind: 'smarthost', tls: 'opportunistic' }, {}, {}, wish)), 'verified requiretls')
})

test('pins of the host: authorities, keys, and names below a domain', { skip: noOpenssl }, async () => {
  const ca = authority('Root')
  const leaf = ca.issue('mx.a.example')
  // Before the decisions, whose clock stands still from then on.
  const forged = authority('Root').issue('mx.a.example')
  const keyOf = (der: Uint8Array, encoding: 'base64' | 'hex'): string =>
    createHash('sha256')
      .update(new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' }))
      .digest(encoding)
  const byAuthority = await decide(HOP, {}, { pins: [{ domain: 'A.example', ca: ca.cert }] })
  assert.equal(brief(byAuthority), 'verified pin')
  assert.equal(byAuthority.kind === 'go' && byAuthority.requirement.ca, ca.cert)
  const byKey = await decide(HOP, {}, { pins: [{ domain: '.example', keys: [keyOf(leaf.der, 'hex')] }] })
  assert.equal(verdict(byKey, shows([leaf])), 'fine')
  assert.equal(verdict(byKey, shows([ca])), 'certificate-not-trusted')
  const above = await decide(HOP, {}, { pins: [{ domain: 'a.example', keys: [keyOf(ca.der, 'base64')] }] })
  assert.equal(verdict(above, shows([leaf, ca])), 'fine')
  assert.equal(verdict(above, shows([forged, ca])), 'certificate-not-trusted')
  assert.equal(brief(await decide(HOP, {}, { pins: [{ domain: 'a.example', level: 'encrypted' }] })), 'encrypted pin')
})

test('servers that the host named: what it asks for', async () => {
  for (const level of ['none', 'opportunistic', 'encrypted', 'verified'] as const)
    assert.equal(brief(await decide({ ...HOP, kind: 'route', tls: level }, STS, { fetch: page(ENFORCE) })), `${level} settings`)
})
