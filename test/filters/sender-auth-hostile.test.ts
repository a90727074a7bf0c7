import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { MessageSource } from 'mailwright/contracts'
import { BodyHasher, KeyCache, generateKey } from 'mailwright/dkim'
import { arcSealer } from 'mailwright/outbound'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { Examiner } from '../../src/filters/sender-auth/examine.ts'
import { Fallback } from '../../src/filters/sender-auth/fallback.ts'
import { machineClock } from '../../src/filters/machine-clock.ts'
import { longestTurn } from '../support/processor-time.ts'

const MB = 1024 * 1024
const { record, privateKey } = await generateKey('rsa')
/** The record of a key that nobody has the other half of, and that costs as much as any: modulus and exponent of so many bits. */
function costlyRecord(bits: number, exponentBits: number): string {
  const [n, e] = [bits, exponentBits].map(length => {
    const octets = randomBytes(length / 8)
    octets[0] = 0xc1
    octets[octets.length - 1] = (octets.at(-1) ?? 0) | 1
    return octets.toString('base64url')
  })
  const key = createPublicKey({ key: { kty: 'RSA', n: n ?? '', e: e ?? '' }, format: 'jwk' })
  return `v=DKIM1; k=rsa; p=${key.export({ type: 'spki', format: 'der' }).toString('base64')}`
}
const ZONE: Readonly<Record<string, FakeRecords>> = {
  'example.org': { txt: ['v=spf1 -all'] },
  '_dmarc.example.org': { txt: ['v=DMARC1; p=reject'] },
  's._domainkey.example.org': { txt: [record] },
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, n) => [
      [`large${n}._domainkey.example.org`, { txt: [0, 1, 2].map(() => costlyRecord(8192, 32)) }],
      // What OpenSSL takes, and takes longest for: 30 ms for the three of them.
      [`slow${n}._domainkey.example.org`, { txt: [0, 1, 2].map(() => costlyRecord(3072, 3072)) }],
    ]).flat(),
  ),
  'seal._domainkey.example.org': { txt: [costlyRecord(8192, 32), costlyRecord(8192, 32), record] },
}
const HEAD = 'From: ann@example.org\r\nSubject: x\r\n'

/** A signature whose body hash is right, so that everything behind it is computed as well; the signature itself is not. */
function signature(body: Uint8Array, more = '', names = 'from:subject', canonicalization: 'simple' | 'relaxed' = 'relaxed'): string {
  const hasher = new BodyHasher([{ canonicalization }])
  hasher.push(body)
  const hash = hasher.finish()({ canonicalization }).digest ?? ''
  const b = Buffer.alloc(256, 7).toString('base64')
  return `DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; c=relaxed/${canonicalization}; h=${names}; bh=${hash};${more}\r\n b=${b}\r\n`
}

function message(head: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body])
}

function filled(size: number, pattern: string): Uint8Array {
  return Buffer.alloc(size, pattern, 'latin1')
}

function arcSets(count: number, body: Uint8Array): string {
  let fields = ''
  for (let i = 1; i <= count; i++) {
    const cv = i === 1 ? 'none' : 'pass'
    const b = Buffer.alloc(256, i).toString('base64')
    fields = `ARC-Seal: i=${i}; a=rsa-sha256; t=1; cv=${cv}; d=example.org; s=s; b=${b}\r\n${signature(body).replace('DKIM-Signature: v=1;', `ARC-Message-Signature: i=${i};`)}ARC-Authentication-Results: i=${i}; mx.example.org; dmarc=pass\r\n${fields}`
  }
  return fields
}

const TEXT = filled(20_000, 'some text\r\n')
const l200 = Array.from({ length: 200 }, (_, n) => signature(TEXT, ` l=${n * 7 + 1};`)).join('')
const longNames = Array.from({ length: 20_000 }, (_, n) => `x-${n % 900}`).join(':')

/** Everything that is known to hurt somebody. */
const HOSTILE: Readonly<Record<string, () => Uint8Array>> = {
  '20 MB in one line, relaxed': () => {
    const body = filled(20 * MB, 'a b')
    return message(signature(body) + HEAD, body)
  },
  '50 MB of spaces in one line, both forms': () => {
    const body = filled(50 * MB, ' ')
    return message(signature(body) + signature(body, '', 'from', 'simple') + HEAD, body)
  },
  '50 MB of tabs and spaces': () => {
    const body = filled(50 * MB, ' \t')
    return message(signature(body) + HEAD, body)
  },
  '50 MB of CR': () => {
    const body = filled(50 * MB, '\r')
    return message(signature(body) + signature(body, '', 'from', 'simple') + HEAD, body)
  },
  '50 MB of LF': () => {
    const body = filled(50 * MB, '\n')
    return message(signature(body) + HEAD, body)
  },
  '50 MB of empty lines, and a word': () => {
    const body = Buffer.concat([filled(50 * MB - 2, '\r\n'), Buffer.from('x\r\n')])
    return message(signature(body) + signature(body, '', 'from', 'simple') + HEAD, body)
  },
  '50 MB of spaced line ends': () => {
    const body = filled(50 * MB, ' \r\n')
    return message(signature(body) + HEAD, body)
  },
  '25 MB in one line, ten signatures of both forms': () => {
    const body = filled(25 * MB, 'a b')
    const both = signature(body) + signature(body, '', 'from', 'simple')
    return message(both.repeat(5) + HEAD, body)
  },
  '10 signatures, each with three keys of 8192 bits': () =>
    message(Array.from({ length: 10 }, (_, n) => signature(TEXT).replace('s=s;', `s=large${n};`)).join('') + HEAD, TEXT),
  '10 signatures, each with three keys whose exponent is as long as the modulus': () =>
    message(Array.from({ length: 10 }, (_, n) => signature(TEXT).replace('s=s;', `s=slow${n};`)).join('') + HEAD, TEXT),
  '500 signatures': () => message(signature(TEXT).repeat(500) + HEAD, TEXT),
  '200 signatures with another l= each': () => message(l200 + HEAD, TEXT),
  '10 signatures of 20,000 names over 900 fields': () => {
    const fields = Array.from({ length: 900 }, (_, n) => `X-${n}: ${'a  '.repeat(60)}\r\n`).join('')
    return message(signature(TEXT, '', `from:${longNames}`).repeat(10).slice(0, 300_000) + fields + HEAD, TEXT)
  },
  'one signature field of 400 KB': () => message(`DKIM-Signature: v=1; ${'a=b;'.repeat(100_000)}\r\n${HEAD}`, TEXT),
  'one signature field of 400 KB of spaces': () => message(`DKIM-Signature: v=1;${' '.repeat(400_000)}a=rsa-sha256\r\n${HEAD}`, TEXT),
  'a header without end': () => message(`X: ${'y'.repeat(5 * MB)}\r\n${HEAD}`, TEXT),
  '50 sets of ARC': () => message(arcSets(50, TEXT) + HEAD, TEXT),
  '200 sets of ARC': () => message(arcSets(200, TEXT) + HEAD, TEXT),
  'a From of 200 KB': () => message(`From: ${'<a@b>,('.repeat(30_000)}\r\n`, TEXT),
  'a thousand From fields': () => message('From: a@example.org\r\n'.repeat(1000), TEXT),
  'a kind of signature that is not known, in one long line': () => {
    const body = filled(20 * MB, 'a b')
    return message(signature(body).replace('rsa-sha256', 'dilithium-sha256') + HEAD, body)
  },
  'a kind of signature that is not known': () => message(signature(TEXT).replace('rsa-sha256', 'dilithium-sha256') + HEAD, TEXT),
}

test('no message holds the loop for 100 ms, and each has its verdict within the time for it (S17, S18)', async () => {
  const within = 10_000
  const examiner = examinerOf(within)
  const rows: string[] = []
  let worst = 0
  for (const [name, make] of Object.entries(HOSTILE)) {
    const octets = make()
    const began = performance.now()
    const { result: findings, longest: stall } = await longestTurn(() => examiner.examine(examined(octets), new AbortController().signal))
    const took = performance.now() - began
    rows.push(`${name}: ${stall.toFixed(0)} ms of stall, ${took.toFixed(0)} ms in all, dkim=${findings.signatures[0]?.result ?? 'none'}`)
    worst = Math.max(worst, stall)
    assert.notEqual(findings.dmarc.result, 'pass', name)
    assert.ok(took < within, name)
    assert.ok(findings.questions <= 60)
    assert.ok(findings.signatures.length <= 10)
  }
  console.log(`${rows.join('\n')}\nworst stall: ${worst.toFixed(0)} ms`)
  assert.ok(worst < 100, `${worst} ms`)
})

function examinerOf(within: number): Examiner {
  return new Examiner({
    resolver: fakeResolver(ZONE),
    clock: machineClock,
    keys: new KeyCache(),
    fallback: new Fallback(machineClock, within),
    questions: 60,
    within,
    sealers: new Set(['example.org']),
    unsignedContentType: 'unaligned',
    iprev: true,
    bimi: false,
  })
}

function examined(octets: Uint8Array): Parameters<Examiner['examine']>[0] {
  const source: MessageSource = { size: octets.length, read: (start, end) => octets.subarray(start, end) }
  return { source, client: '203.0.113.66', helo: 'mx.evil.example', sender: 'x@evil.example', fromCount: 1, receiver: 'mx.example.org' }
}

test('fifty seals that are all good, with large results and two useless keys in front of the right one, hold the loop no longer (S17, S19)', async () => {
  const seal = arcSealer({
    domain: 'example.org',
    keys: [{ domain: 'example.org', selector: 'seal', privateKey }],
    authservId: 'mx.example.org',
    clock: { now: () => Date.now() },
  })
  let octets: Uint8Array = message(HEAD, TEXT)
  const results = Array.from({ length: 80 }, (_, n) => `x-${n}=pass (${'y'.repeat(20)})`).join('; ')
  for (let n = 1; n <= 50; n++) {
    const content: MessageSource = { size: octets.length, read: (start, end) => octets.subarray(start, end) }
    const set = await seal({ content, prefix: new Uint8Array(0), sender: undefined }, { results, chain: n === 1 ? 'none' : 'pass' })
    octets = Buffer.concat([set, octets])
  }
  const { result: findings, longest: stall } = await longestTurn(() =>
    examinerOf(10_000).examine(examined(octets), new AbortController().signal),
  )
  assert.deepEqual([findings.arc.result, findings.arc.sealers.length, findings.arc.reason], ['pass', 50, undefined])
  console.log(`50 seals: ${octets.length} octets, ${stall.toFixed(0)} ms of stall`)
  assert.ok(stall < 50, `${stall} ms`)
})

test('DNS that never answers: temperror at the deadline, and no refusal', async () => {
  const silent = (): Promise<never> => new Promise(() => undefined)
  const resolver = { a: silent, aaaa: silent, mx: silent, txt: silent, ptr: silent, cname: silent, tlsa: silent }
  const examiner = new Examiner({
    resolver,
    clock: machineClock,
    keys: new KeyCache(),
    fallback: undefined,
    questions: 60,
    within: 50,
    sealers: new Set(),
    unsignedContentType: 'unaligned',
    iprev: true,
    bimi: true,
  })
  const octets = message(signature(TEXT) + HEAD, TEXT)
  const source: MessageSource = { size: octets.length, read: (start, end) => octets.subarray(start, end) }
  const examined = {
    source,
    client: '203.0.113.66',
    helo: 'mx.example.org',
    sender: 'x@example.org',
    fromCount: 1,
    receiver: 'mx.example.org',
  }
  // The clock's timers keep no process alive; something must while nothing else is under way.
  const alive = setInterval(() => undefined, 1000)
  const { spf, signatures, dmarc, iprev } = await examiner.examine(examined, new AbortController().signal)
  clearInterval(alive)
  assert.deepEqual([spf.result, signatures[0]?.result, dmarc.result, iprev?.result], ['temperror', 'temperror', 'temperror', 'temperror'])
})

test('a thread that others keep busy: temperror when the time of the message is over (S18)', async () => {
  const clock = fakeClock()
  const busy = { verify: () => new Promise<never>(() => undefined) } as unknown as Fallback
  const examiner = new Examiner({
    resolver: fakeResolver(ZONE),
    clock,
    keys: new KeyCache(),
    fallback: busy,
    questions: 60,
    within: 10_000,
    sealers: new Set(),
    unsignedContentType: 'unaligned',
    iprev: false,
    bimi: false,
  })
  const octets = message(signature(TEXT).replace('rsa-sha256', 'dilithium-sha256') + HEAD, TEXT)
  let isOver = false
  const examining = examiner.examine(examined(octets), new AbortController().signal).finally(() => (isOver = true))
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  clock.advance(9999)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(isOver, false)
  clock.advance(1)
  const { signatures } = await examining
  assert.deepEqual([signatures[0]?.result, signatures[0]?.reason], ['temperror', 'too late'])
})
