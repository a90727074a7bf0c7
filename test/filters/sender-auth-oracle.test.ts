import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate } from 'mailauth'
import type { MessageSource } from 'mailwright/contracts'
import { generateKey, KeyCache, type Canonicalization, type GeneratedKey } from 'mailwright/dkim'
import { fakeResolver, seededRandom } from 'mailwright/testing'
import { latin1Bytes } from '../../src/bytes/index.ts'
import { Examiner } from '../../src/filters/sender-auth/examine.ts'
import { machineClock } from '../../src/filters/machine-clock.ts'
import { changed, oddBody, oddHeader, signedMessage } from '../dkim/messages.ts'

const keys: readonly [GeneratedKey, GeneratedKey] = [await generateKey('rsa'), await generateKey('ed25519')]
const CLIENT = '203.0.113.7'
const MESSAGES = 400
const canonicalizations: readonly [Canonicalization, Canonicalization] = ['simple', 'relaxed']
const SENDERS = ['ann@example.org', 'ann@sub.example.org', 'x@evil.example', 'x@soft.example', 'x@none.example', 'x@loop.example'] as const
const POLICIES = ['p=reject', 'p=none', 'p=quarantine; adkim=s', 'p=reject; aspf=s', 'p=banana', 'p=none; p=reject'] as const

test(`${MESSAGES} messages, signed, changed, sent from here and there: mailauth finds SPF, DKIM and DMARC as we do`, async () => {
  const random = seededRandom(9989)
  const differ: string[] = []
  const tally: Record<string, number> = {}
  for (let n = 0; n < MESSAGES; n++) {
    const plain = latin1Bytes(`${oddHeader(random)}\r\n${oddBody(random)}`)
    const names = ['From', 'Subject', 'To', 'Date', 'Message-ID', 'X-Odd', 'Content-Type', 'Content-Type', 'Content-Type'].slice(
      0,
      random.below(4) + 6,
    )
    const signed = signedMessage(plain, random.pick(keys), names, random.pick(canonicalizations), random.pick(canonicalizations))
    const message = n % 2 === 0 ? signed : changed(signed, random)
    const sender = random.pick(SENDERS)
    const texts: Readonly<Record<string, string>> = {
      'rsa._domainkey.example.org': keys[0].record,
      'ed25519._domainkey.example.org': keys[1].record,
      '_dmarc.example.org': `v=DMARC1; ${random.pick(POLICIES)}`,
      'example.org': `v=spf1 ip4:${CLIENT} -all`,
      'sub.example.org': `v=spf1 redirect=example.org`,
      'evil.example': 'v=spf1 ip4:203.0.113.66 -all',
      'soft.example': 'v=spf1 include:evil.example a:none.example ~all',
      'loop.example': 'v=spf1 include:loop.example -all',
    }
    const ours = await found(message, sender, texts)
    const theirs = await oracle(message, sender, texts)
    tally[ours] = (tally[ours] ?? 0) + 1
    if (ours !== theirs)
      differ.push(
        `${n}: ${ours}, mailauth ${theirs}, ${texts['_dmarc.example.org'] ?? ''}\n${JSON.stringify(Buffer.from(message).toString('latin1')).slice(0, 600)}`,
      )
  }
  console.log(`mailauth and we: ${MESSAGES} messages, ${differ.length} judged differently; ${JSON.stringify(tally)}`)
  for (const line of differ.slice(0, 5)) console.log(line)
  assert.equal(differ.length, 0)
})

async function found(message: Uint8Array, sender: string, texts: Readonly<Record<string, string>>): Promise<string> {
  const examiner = new Examiner({
    resolver: fakeResolver(Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { txt: [text] }]))),
    clock: machineClock,
    keys: new KeyCache(),
    fallback: undefined,
    questions: 60,
    within: 10_000,
    sealers: new Set(),
    // As mailauth has it.
    unsignedContentType: 'aligned',
    iprev: false,
    bimi: false,
  })
  const source: MessageSource = { size: message.length, read: (start, end) => message.subarray(start, end) }
  const { spf, signatures, dmarc } = await examiner.examine(
    { source, client: CLIENT, helo: 'mx.example.org', sender, fromCount: 1, receiver: 'mx.example.org' },
    new AbortController().signal,
  )
  return `spf=${spf.result} dkim=${named(signatures[0]?.result)} dmarc=${judged(dmarc.result)}`
}

async function oracle(message: Uint8Array, sender: string, texts: Readonly<Record<string, string>>): Promise<string> {
  const resolver = (name: string, type: string): Promise<string[][]> => {
    const text = texts[name.toLowerCase()]
    if (type === 'TXT' && text !== undefined) return Promise.resolve([[text]])
    return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
  }
  const { spf, dkim, dmarc } = await authenticate(Buffer.from(message), {
    ip: CLIENT,
    helo: 'mx.example.org',
    sender,
    mta: 'mx.example.org',
    disableBimi: true,
    // Its lenient reading takes the last of two tags, where RFC 6376 §3.2 leaves no record.
    strict: true,
    resolver,
  })
  return `spf=${spf === false ? 'none' : spf.status.result} dkim=${named(dkim.results[0]?.status.result)} dmarc=${dmarc === false ? 'none' : judged(dmarc.status.result)}`
}

/** The words for what is no pass differ: a missing key, base64 that lost a character. */
function named(result: string | undefined): string {
  return result === 'pass' ? 'pass' : 'no pass'
}

/** A From that names nobody is `permerror` here, and nothing at all there (S15). */
function judged(result: string): string {
  return result === 'permerror' ? 'none' : result
}
