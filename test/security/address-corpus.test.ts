/** One corpus of addresses before the reader of envelopes and the reader of headers: they see the same mailbox, or none (S10). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printAddress } from 'mailwright/mime'
import { readAuthors } from '../../src/pipeline/authors.ts'
import { parsePath } from '../../src/smtp-server/path.ts'

const LOCALS: readonly string[] = [
  'ann',
  'Ann',
  'a.n',
  'a+b=c',
  "o'neil",
  '{a|b}~`#$%^&*!?/',
  '"ann"',
  '"a b"',
  '"a@b"',
  '"a>b"',
  '"a<b"',
  '"a,b"',
  '"a\\"b"',
  '"a\\\\b"',
  '"a\\@evil.example"',
  '"a(b)c"',
  '""',
  '"a',
  'a"b"',
  'a b',
  '.ann',
  'ann.',
  'a..n',
  'a@b',
  'a\\b',
  'a(x)b',
  'a,b',
  'a;b',
  'a:b',
  'a<b',
  'b\u00fccher',
  'bu\u0308cher',
  'a\u00adb',
  'a\u200bb',
  'a\u202eb',
  'a\u0000b',
  'a\tb',
  '=?utf-8?q?a=40evil?=',
  '$(id)',
  'x'.repeat(64),
  'x'.repeat(251),
  '',
]

const DOMAINS: readonly string[] = [
  'example.org',
  'EXAMPLE.org',
  'b\u00fccher.example',
  'xn--bcher-kva.example',
  'example.org.',
  'example..org',
  '-example.org',
  'exa_mple.org',
  'exa mple.org',
  'exa\u00admple.org',
  '\u2100.example',
  'example%2eorg',
  '127.1',
  'localhost',
  'a@example.org',
  `${'x'.repeat(64)}.example`,
  '',
]

const WHOLE: readonly string[] = [
  'ann',
  '@example.org',
  '@a.example:ann@example.org',
  '@a.example,@b.example:ann@example.org',
  'ann@example.org@evil.example',
  'group: ann@example.org;',
  'ann%evil.example@example.org',
  'evil.example!ann@example.org',
]

const CASES: readonly string[] = [...LOCALS.flatMap(local => DOMAINS.map(domain => `${local}@${domain}`)), ...WHOLE]

function inEnvelope(address: string): string {
  const path = parsePath('FROM', `FROM:<${address}>`)?.address
  return path === undefined ? 'none' : printAddress(path)
}

function inHeader(address: string): string {
  const authors = readAuthors('From', `<${address}>`)
  if ('fault' in authors) return 'none'
  return authors.addresses.map(author => printAddress(author)).join(', ')
}

/** What an envelope takes and an author may not have: programs that show mail read these in their own ways. */
function onlyForEnvelopes(address: string): boolean {
  return address.startsWith('=?') || address.startsWith('"a\\@') || address.startsWith('@')
}

test(`${CASES.length} addresses are the same mailbox in envelope and header, or none in both (RFC 5321 §4.1.2; RFC 5322 §3.4; S10)`, () => {
  assert.ok(CASES.length >= 500)
  const different: string[] = []
  for (const address of CASES) {
    const [envelope, header] = [inEnvelope(address), inHeader(address)]
    if (header === 'none' && onlyForEnvelopes(address)) continue
    if (envelope !== header) different.push(`${JSON.stringify(address)}: envelope ${envelope}, header ${header}`)
  }
  assert.deepEqual(different, [])
})

test('whoever else stands in From is an author, or is told as one that a reader may see (RFC 6409 §6.4; S10)', () => {
  for (const value of [
    '<ann@example.org>, bob@evil.example',
    '<ann@example.org> <bob@evil.example>',
    '<ann@example.org>bob@evil.example',
    'ann@example.org (bob@evil.example)',
    '<ann@example.org (bob@evil.example)>',
    '"bob@evil.example" <ann@example.org>',
    '=?utf-8?q?bob=40evil.example?= <ann@example.org>',
    '"a\\" <bob@evil.example>" <ann@example.org>',
  ]) {
    const authors = readAuthors('From', value)
    if ('fault' in authors) continue
    const seen = [...authors.addresses, ...authors.shown].map(author => printAddress(author))
    assert.ok(seen.includes('bob@evil.example'), `${value}: ${seen.join(' ')}`)
  }
})

test('an address in pieces, or with another one grown to it, is no author (RFC 5322 §3.4.1, §4.4)', () => {
  for (const value of [
    '<ann@example.org@evil.example>',
    '<ann@example.org;bob@evil.example>',
    '<ann@example.org:bob@evil.example>',
    '<a nn@example.org>',
    'a nn@example.org',
    '<"a"nn@example.org>',
    '<a(x)nn@example.org>',
    '<ann@exam ple.org>',
    '<.ann@example.org>',
    '<ann..x@example.org>',
  ]) {
    assert.ok('fault' in readAuthors('From', value), value)
  }
})
