import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { generateKey, KeyCache, parseKeyRecord, parseSignature, parseTagList, txtStrings } from 'mailwright/dkim'

test('tag lists (RFC 6376 §3.2)', () => {
  const read = (text: string): Record<string, string> | undefined => {
    const tags = parseTagList(text)
    return tags === undefined ? undefined : Object.fromEntries(tags)
  }
  assert.deepEqual(read(' a = 1 ;\r\n\tb=\r\n x y \r\n ; c_1= '), { a: '1', b: 'x y', c_1: '' })
  assert.deepEqual(read('a=1;'), { a: '1' })
  assert.deepEqual(read('a=1; \r\n '), { a: '1' })
  assert.deepEqual(read('a=b=c'), { a: 'b=c' })
  assert.deepEqual(read('a=Gr\u00c3\u00bc\u00c3\u009fe'), { a: 'Gr\u00c3\u00bc\u00c3\u009fe' })
  for (const text of ['', ' ', ';', 'a', 'a=1;;b=2', 'a=1;b', 'a=1;a=2', '1a=1', 'a b=1', '=1', 'a=\u0001', ';a=1', 'a=1;;'])
    assert.equal(read(text), undefined, JSON.stringify(text))
})

test('lists and signatures of a megabyte are read in one pass', () => {
  const started = process.cpuUsage()
  for (const unit of ['a;', 'a=', '=;', ' ', 'a =\r\n ', ';', 'b=;'])
    parseSignature({ key: 'dkim-signature', text: `DKIM-Signature: ${unit.repeat(1_000_000 / unit.length)}\r\n` })
  const { user } = process.cpuUsage(started)
  assert.ok(user < 3_000_000, `${user} microseconds`)
})

const GOOD = 'v=1; a=rsa-sha256; d=example.org; s=one; h=From:To; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=AAAA'

function read(change: (text: string) => string, kind: 'dkim' | 'arc' = 'dkim'): string {
  const signature = parseSignature({ key: '', text: `DKIM-Signature: ${change(GOOD)}\r\n` }, kind)
  return 'fault' in signature ? signature.fault : 'read'
}

test('a signature is read as the standard writes it, anything else is a fault (RFC 6376 §3.5, §6.1.1)', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['b=AAAA', 'b=AA\r\n AA', 'read'],
    ['v=1', 'v=1; c=relaxed', 'read'],
    ['v=1', 'v=1; c=Simple/RELAXED; q=dns/txt; t=1; x=2; l=0; z=From:a|To:b', 'read'],
    ['v=1', 'v=1; i=ann@mail.example.org', 'read'],
    ['v=1', 'v=1; q=x/y:dns/txt', 'read'],
    ['v=1', 'v=2', 'version'],
    ['v=1; ', '', 'missing-tag'],
    ['s=one; ', '', 'missing-tag'],
    ['b=AAAA', 'b=', 'signature-syntax'],
    ['b=AAAA', 'b=A*AA', 'signature-syntax'],
    ['v=1', 'v=1; v=1', 'signature-syntax'],
    ['rsa-sha256', 'rsa-sha1', 'weak-algorithm'],
    ['rsa-sha256', 'dsa-sha256', 'unsupported-algorithm'],
    ['v=1', 'v=1; c=relaxed/nowsp', 'unsupported-canonicalization'],
    ['v=1', 'v=1; c=relaxed/relaxed/x', 'unsupported-canonicalization'],
    ['v=1', 'v=1; q=http', 'unsupported-query'],
    ['h=From:To', 'h=To', 'from-not-signed'],
    ['h=From:To', 'h=From::To', 'signature-syntax'],
    ['v=1', 'v=1; i=ann@example.com', 'domain-mismatch'],
    ['v=1', 'v=1; i=ann@badexample.org', 'domain-mismatch'],
    ['v=1', 'v=1; i=example.com', 'signature-syntax'],
    ['d=example.org', 'd=example..org', 'signature-syntax'],
    ['d=example.org', 'd=exa mple.org', 'signature-syntax'],
    ['s=one', 's=one two', 'signature-syntax'],
    ['v=1', 'v=1; t=yesterday', 'signature-syntax'],
    ['v=1', 'v=1; t=5; x=5', 'signature-syntax'],
    ['v=1', 'v=1; l=-1', 'signature-syntax'],
    ['v=1', `v=1; l=${'1'.repeat(77)}`, 'signature-syntax'],
  ]
  for (const [from, to, expected] of cases)
    assert.equal(
      read(text => text.replace(from, to)),
      expected,
      to,
    )
})

test('domains in letters are those of their A-labels (RFC 8616 §4)', () => {
  const text = GOOD.replaceAll('example.org', 'B\u00c3\u00bccher.example').replace('v=1', 'v=1; i=ann@post.b\u00c3\u00bccher.example')
  const signature = parseSignature({ key: '', text: `DKIM-Signature: ${text}\r\n` })
  assert.equal(signature.domain, 'xn--bcher-kva.example')
  assert.ok(!('fault' in signature))
})

test('an ARC-Message-Signature has no version, and signs no fields of ARC (RFC 8617 §4.1.2)', () => {
  assert.equal(
    read(text => text.replace('v=1', 'i=1'), 'arc'),
    'read',
  )
  assert.equal(
    read(text => text.replace('v=1', 'i=1').replace('From:To', 'From:ARC-Seal'), 'arc'),
    'forbidden-field',
  )
})

test('key records (RFC 6376 §3.6.1, §6.1.2; RFC 8301 §3.2)', async () => {
  const rsa = await generateKey('rsa', 1024)
  const ed25519 = await generateKey('ed25519')
  const p = rsa.record.slice(rsa.record.indexOf('p='))
  const e = ed25519.record.slice(ed25519.record.indexOf('p='))
  const weak =
    'p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL/mDJLoJ9dElhYU5zXGmpKVfXoQfXcMdDZHKzPnNHbVDGhLIuhqNyOe8JsFIScrYKbFfFzGKSqyVZjFxHSEbEkCAwEAAQ=='
  const { n = '' } = createPublicKey({ key: Buffer.from(p.slice(2), 'base64'), format: 'der', type: 'spki' }).export({ format: 'jwk' })
  const withExponent = (e: string): string => {
    const key = createPublicKey({ key: { kty: 'RSA', n, e: Buffer.from(e, 'hex').toString('base64url') }, format: 'jwk' })
    return `p=${key.export({ type: 'spki', format: 'der' }).toString('base64')}`
  }
  const cases: readonly (readonly [string, string])[] = [
    [`v=DKIM1; k=rsa; ${p}`, 'rsa 1024'],
    [p, 'rsa 1024'],
    [`${p}; s=email:x; h=sha1:sha256; n=note; t=y:s; g=*`, 'rsa 1024 testing strict'],
    [`v=DKIM1; k=rsa; ${p.replace(/.{40}/, '$& ')}`, 'rsa 1024'],
    [`k=ed25519; ${e}`, 'ed25519 256'],
    [`v=DKIM2; ${p}`, 'key-version'],
    [`k=rsa; v=DKIM1; ${p}`, 'key-version'],
    [`k=dsa; ${p}`, 'key-type'],
    [`${p}; h=sha1`, 'key-hash'],
    [`${p}; s=other`, 'key-service'],
    ['v=DKIM1; p=', 'key-revoked'],
    ['v=DKIM1', 'key-syntax'],
    [`k=ed25519; ${p}`, 'key-syntax'],
    [`k=rsa; ${e}`, 'key-syntax'],
    ['p=!!!!', 'key-syntax'],
    [`${p}; ${p}`, 'key-syntax'],
    ['v=spf1 -all', 'key-syntax'],
    [weak, 'weak-key'],
    // S17: whoever publishes a key chooses what verifying with it costs.
    [withExponent('ffffffff'), 'rsa 1024'],
    [withExponent('0100000001'), 'large-key'],
    [`${p};n=${'x'.repeat(9000)}`, 'key-syntax'],
  ]
  for (const [text, expected] of cases) {
    const record = parseKeyRecord(text)
    const told =
      typeof record === 'string'
        ? record
        : `${record.type} ${record.bits}${record.testing ? ' testing' : ''}${record.strict ? ' strict' : ''}`
    assert.equal(told, expected, text)
  }
})

test('the key cache forgets what was not used for longest', () => {
  const cache = new KeyCache(2)
  const one = cache.get('v=DKIM1; p=')
  cache.get('p=1')
  assert.equal(cache.get('v=DKIM1; p='), one)
  cache.get('p=2')
  assert.equal(cache.size, 2)
})

test('a record of a 2048 bit key is published in strings of 255 octets (RFC 1035 §3.3.14)', async () => {
  const { record } = await generateKey('rsa')
  const strings = txtStrings(record)
  assert.deepEqual([strings.length, strings.every(text => text.length <= 255), strings.join('')], [2, true, record])
})

test('keys too short to be of use are not made (RFC 8301 §3.2)', async () => {
  await assert.rejects(generateKey('rsa', 768), RangeError)
})
