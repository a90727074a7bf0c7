import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { senderAuth } from 'mailwright/filters/sender-auth'
import { fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { PLAIN, received, rsa, signed } from './sender-auth-house.ts'

test('mail from where its domain says: SPF, DKIM, DMARC and the client’s name pass, and the field says so (RFC 8601 §2.2)', async () => {
  const { verdict, stored, symbols, authentication } = await received(signed(PLAIN))
  assert.equal(verdict.kind, 'accept')
  assert.deepEqual(symbols, ['SPF_PASS', 'DKIM_PASS', 'DMARC_PASS', 'IPREV_PASS'])
  assert.equal(authentication?.findings.dmarc.aligned.join(), 'dkim=example.org,spf=example.org')
  assert.match(
    authentication?.field ?? '',
    /^mx\.example\.org; spf=pass smtp\.mailfrom=example\.org; dkim=pass \(2048-bit key\) header\.d=example\.org header\.s=rsa header\.b="[\w+/]{8}"; dmarc=pass \(p=reject\) header\.from=example\.org; arc=none; iprev=pass \(mx\.example\.org\) policy\.iprev="203\.0\.113\.7"$/,
  )
  assert.match(stored, /^(?:(?!From).*\n)*Authentication-Results: mx\.example\.org; spf=pass/)
})

test('mail that only claims to be from a domain is refused where the domain asks for it, with the evidence (RFC 9989 §5.4)', async () => {
  const { verdict, notes, symbols } = await received(PLAIN, { from: 'x@evil.example', ip: '203.0.113.66' })
  assert.deepEqual(verdict, {
    kind: 'reject',
    code: '5.7.1',
    text: 'This mail is not from example.org, which asks to reject what is not (DMARC)',
  })
  assert.ok(symbols.includes('DMARC_FAIL') && symbols.includes('SPF_PASS') && symbols.includes('DKIM_NONE'))
  assert.ok(notes.includes('spf=pass for evil.example (ip4:203.0.113.66)'))
  assert.ok(notes.includes('the record of example.org: v=DMARC1; p=reject'))
})

test('p=quarantine leads to Junk, p=none to the inbox, t=y one step lower (RFC 9989 §4.7)', async () => {
  const kinds: Record<string, string> = {}
  for (const record of ['p=quarantine', 'p=none', 'p=reject; t=y', 'p=quarantine; t=y', 'p=reject; pct=0']) {
    const { verdict, junk, decided } = await received(PLAIN, {
      from: 'x@evil.example',
      ip: '203.0.113.66',
      zone: { '_dmarc.example.org': { txt: [`v=DMARC1; ${record}`] } },
    })
    kinds[record] = verdict.kind
    kinds[record] += ` ${junk} ${decided}`
  }
  assert.deepEqual(kinds, {
    'p=quarantine': 'accept 1 quarantine',
    'p=none': 'accept 0 accept',
    'p=reject; t=y': 'accept 1 quarantine',
    'p=quarantine; t=y': 'accept 0 accept',
    'p=reject; pct=0': 'reject 0 reject',
  })
})

test('fields that claim to be ours are removed in every spelling, others stay (RFC 8601 §5, S20)', async () => {
  const forged = [
    'Authentication-Results: mx.example.org; spf=pass',
    'AUTHENTICATION-RESULTS: MX.Example.ORG; spf=pass',
    'Authentication-Results : mx.example.org; spf=pass',
    'Authentication-Results: (hello) mx.example.org (really) 1; spf=pass',
    'Authentication-Results:\n mx.example.org\n\t;\n spf=pass',
    'Authentication-Results: "mx.example.org"; spf=pass',
    'Authentication-Results: "mx\\.example.org"; spf=pass',
    'Authentication-Results: mx.example.org. ; spf=pass',
    'Authentication-Results: mx.example.org/1; spf=pass',
    'Authentication-Results: mx.(a (nested) comment)example.org; spf=pass',
    'Authentication-Results: mx . example . org; spf=pass',
    'Authentication-Results: mx.example.org spf=pass',
    'Authentication-Results: =?utf-8?q?mx=2Eexample=2Eorg?=; spf=pass',
    'Authentication-Results: (unclosed mx.other.example; spf=pass',
    'Authentication-Results: ; spf=pass',
    'Authentication-Results: backup.example.org; spf=pass',
  ]
  const kept = [
    'Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=mx.example.org',
    'Authentication-Results: mx.example.org.evil.example; spf=pass',
    'Authentication-Results: amx.example.org; spf=pass',
    'ARC-Authentication-Results: i=1; mx.example.org; spf=pass',
  ]
  const { stored } = await received(`${[...forged, ...kept].join('\n')}\n${PLAIN}`, { options: { alsoOurs: ['backup.example.org'] } })
  const left = stored.split(/\n(?![ \t])/).filter(line => /^(?:ARC-)?Authentication-Results/i.test(line))
  assert.equal(left.length, 1 + kept.length)
  assert.deepEqual(left.slice(1), kept)
})

test('an unsigned Content-Type and an open end of the body vouch for nothing (RFC 6376 §8.2, §8.15, S16)', async () => {
  const typed = PLAIN.replace('Subject', 'Content-Type: text/plain\nSubject')
  const away = { from: 'x@evil.example', ip: '203.0.113.66' }
  assert.equal((await received(signed(typed), away)).verdict.kind, 'accept')
  assert.equal((await received(signed(typed, ['from', 'subject']), away)).verdict.kind, 'reject')
  assert.equal((await received(`Content-Type: text/html\n${signed(typed)}`, away)).verdict.kind, 'reject')
  const lax = { ...away, options: { unsignedContentType: 'aligned' } as const }
  assert.equal((await received(signed(typed, ['from', 'subject']), lax)).verdict.kind, 'accept')
  const signer = { signingDomain: 'example.org', selector: 'rsa', privateKey: rsa.privateKey }
  const { signatures: open } = await dkimSign(PLAIN.replaceAll('\n', '\r\n'), {
    ...signer,
    signatureData: [{ ...signer, maxBodyLength: 4 }],
  })
  const { verdict, symbols } = await received(`${open.replaceAll('\r\n', '\n')}${PLAIN}`, away)
  assert.equal(verdict.kind, 'reject')
  assert.ok(symbols.includes('DKIM_UNCOVERED'))
})

test('DNS that fails is never a refusal for good (RFC 9989 §5.3)', async () => {
  for (const name of ['example.org', '_dmarc.example.org', 'rsa._domainkey.example.org', '203.0.113.7']) {
    const { verdict } = await received(signed(PLAIN), { ip: '203.0.113.66', zone: { [name]: { fails: true } } })
    assert.notEqual(verdict.kind, 'reject', name)
  }
  const spf = await received(PLAIN, { zone: { 'example.org': { fails: true } } })
  assert.equal(spf.verdict.kind, 'defer')
  assert.ok(spf.symbols.includes('DMARC_TEMPERROR') && spf.symbols.includes('SPF_TEMPERROR'))
  const policy = await received(PLAIN, { from: 'x@evil.example', ip: '203.0.113.66', zone: { '_dmarc.example.org': { fails: true } } })
  assert.equal(policy.verdict.kind, 'accept')
})

test('a stranger’s silent or endless DNS does not make a spoof uncertain (S17, S30)', async () => {
  const silent = await received(PLAIN, { from: 'x@evil.example', ip: '203.0.113.66', zone: { 'evil.example': { fails: true } } })
  assert.equal(silent.verdict.kind, 'reject')
  const mx = Array.from({ length: 10 }, (_, n) => `m${n}.evil.example`)
  const endless: Record<string, FakeRecords> = {
    'evil.example': {
      txt: [
        `v=spf1 ${'abcdefghi'
          .split('')
          .map(l => `mx:${l}.evil.example`)
          .join(' ')} -all`,
      ],
    },
  }
  for (const letter of 'abcdefghi') endless[`${letter}.evil.example`] = { mx: mx.map(name => `${letter}${name}`) }
  for (const letter of 'abcdefghi') for (const name of mx) endless[`${letter}${name}`] = { a: ['192.0.2.1'] }
  const { verdict, resolver, symbols } = await received(PLAIN, { from: 'x@evil.example', ip: '203.0.113.66', zone: endless })
  assert.equal(verdict.kind, 'reject')
  assert.ok(symbols.includes('SPF_TEMPERROR'))
  assert.ok(resolver.asked.length <= 60, String(resolver.asked.length))
})

test('who has logged in is not checked, a listed network neither; private addresses are (RFC 6409 §3)', async () => {
  const principal = {
    account: { id: 'ann', address: 'ann@example.org', disabled: false },
    username: 'ann',
    scopes: [],
    credential: 'password',
  } as const
  const login = await received(`Authentication-Results: mx.example.org; spf=pass\n${PLAIN}`, {
    ip: '203.0.113.66',
    more: { principal },
  })
  assert.equal(login.verdict.kind, 'accept')
  assert.doesNotMatch(login.stored, /Authentication-Results/)
  assert.deepEqual(login.resolver.asked, [])
  assert.equal((await received(PLAIN, { ip: '10.1.2.3', options: { exempt: ['10.0.0.0/8'] } })).verdict.kind, 'accept')
  for (const ip of ['127.0.0.1', '10.1.2.3', '::1']) assert.equal((await received(PLAIN, { ip })).verdict.kind, 'reject', ip)
})

test('overrides: a forwarder, a recipient, a domain (RFC 9989 §5.4)', async () => {
  const away = { from: 'x@evil.example', ip: '203.0.113.66' }
  const kind = async (override: object, to: readonly string[] = ['ann@example.org']): Promise<string> =>
    (await received(PLAIN, { ...away, to, options: { policy: { overrides: [{ action: 'none', ...override }] } } })).outcome.outcomes
      .map(one => one.kind)
      .join()
  assert.equal(await kind({ networks: ['203.0.113.64/28'] }), 'accept')
  assert.equal(await kind({ networks: ['203.0.113.0/28'] }), 'reject')
  assert.equal(await kind({ vouchedBy: ['evil.example'] }), 'accept')
  assert.equal(await kind({ authorDomains: ['other.example'] }), 'reject')
  assert.equal(await kind({ recipients: ['ben@example.org'] }), 'reject')
  // One spares it: both get it, the other in Junk.
  assert.equal(await kind({ recipients: ['ben@example.org'] }, ['ann@example.org', 'ben@example.org']), 'accept,accept')
})

test('nothing in a message or in DNS gets a line into our field (S20, S30)', async () => {
  const { authentication } = await received(signed(PLAIN).replace('d=example.org', 'd=example.org(.evil.example'), {
    from: 'any@example.org(.evil.example',
    zone: { '203.0.113.7': { ptr: ['mx.example.org\r\nX-Evil: 1', 'a;spf=pass'] } },
  })
  assert.doesNotMatch(authentication?.field ?? 'absent', /evil|[\r\n]|absent/i)
})

test('Received-SPF is written when asked for (RFC 7208 §9.1)', async () => {
  assert.doesNotMatch((await received(PLAIN)).stored, /^Received-SPF/m)
  const { stored } = await received(PLAIN, { options: { receivedSpf: true } })
  assert.match(
    stored.replaceAll(/\n[ \t]+/g, ' '),
    /^Received-SPF: pass \(mx\.example\.org: domain example\.org permits 203\.0\.113\.7\) receiver=mx\.example\.org; identity=mailfrom; client-ip=203\.0\.113\.7; envelope-from="@example\.org"; helo=mx\.example\.org$/m,
  )
})

test('what a policy cannot be is told at once', () => {
  const resolver = fakeResolver()
  const hostname = 'mx.example.org'
  const options: Readonly<Record<string, Partial<Parameters<typeof senderAuth>[0]>>> = {
    MW_SENDER_AUTH_HOSTNAME: { hostname: 'not a host' },
    MW_SENDER_AUTH_BUDGET: { questions: 1 },
    MW_SENDER_AUTH_SCORE: { scores: { SPF_FAIL: Number.NaN } },
    MW_SENDER_AUTH_POLICY: { policy: { overrides: [{ networks: ['192.0.2.0/33'], action: 'none' }] } },
  }
  for (const [code, more] of Object.entries(options)) assert.throws(() => senderAuth({ resolver, hostname, ...more }), { code })
})
