/** A thousand messages as other readers take them: what a filter looks at must be what the client shows. RFC 2046 §5.1; M9. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { simpleParser } from 'mailparser'
import { decodeTransfer, readSummary, summarise } from 'mailwright/mime'
import { seededRandom } from 'mailwright/testing'
import type { SeededRandom } from 'mailwright/testing'
import { fileNames } from '../../src/filters/attachments/names.ts'
import { requireProgram } from '../support/programs.ts'

const MESSAGES = 1000
const random = seededRandom(2046)
let serial = 0

/** What is wrong, or merely odd, with a message. */
const ODDITIES = [
  'nothing',
  'no closing boundary',
  'white space behind boundaries',
  'preambles and epilogues',
  'boundaries that begin alike',
  'a boundary in its parent’s place',
  'names in capitals',
  'folded and commented types',
  'no type at all',
  'an unknown encoding',
  'base64 with noise',
  'a part without a body',
] as const
type Oddity = (typeof ODDITIES)[number]

function word(): string {
  return `w${++serial} ${'ab cd '.repeat(random.below(20))}`.trim()
}

type Leaf = (odd: Oddity) => string
/** Texts, which may stand alone. */
const TEXTS: readonly [Leaf, ...Leaf[]] = [
  odd => `Content-Type: text/plain; charset=utf-8${odd === 'folded and commented types' ? ' (of letters)' : ''}\r\n\r\n${word()}\r\n`,
  () => `Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>${word()}=3D=\r\n end</p>\r\n`,
  () => `Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`${word()}\r\n`).toString('base64')}\r\n`,
  odd => (odd === 'no type at all' ? `\r\n${word()}\r\n` : `Content-Type: text/plain\r\n\r\n${word()}\r\n`),
]

const LEAVES: readonly [Leaf, ...Leaf[]] = [
  ...TEXTS,
  odd => attachment(`filename="a${++serial}.bin"`, odd),
  odd => attachment(`filename=a${++serial}.bin`, odd),
  odd => attachment(`filename*=utf-8''b%C3%BC${++serial}.bin`, odd),
  odd => attachment(`filename*0="c${++serial}"; filename*1=".bin"`, odd),
  odd => `Content-Type: message/rfc822\r\n\r\nSubject: ${word()}\r\nFrom: a@example.org\r\n${random.pick(TEXTS)(odd)}`,
]

function attachment(name: string, odd: Oddity): string {
  const content = Buffer.from(random.bytes(50 + random.below(200))).toString('base64')
  const lines = content.replaceAll(/.{76}/g, '$&\r\n')
  const body = odd === 'base64 with noise' ? lines.replace(/^.{10}/, '$& \t!') : lines
  const encoding = odd === 'an unknown encoding' ? 'x-own' : 'base64'
  const type = odd === 'folded and commented types' ? 'application/octet-stream;\r\n\tx=y' : 'application/octet-stream'
  return `Content-Type: ${type}\r\nContent-Disposition: attachment; ${name}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`
}

function multipart(depth: number, odd: Oddity, parent: string): string {
  const boundary =
    odd === 'boundaries that begin alike' ? `${parent}x` : odd === 'a boundary in its parent’s place' ? `b${depth}` : `b${++serial}`
  const parts = Array.from({ length: 1 + random.below(4) }, () =>
    depth < 3 && random.below(4) === 0 ? multipart(depth + 1, odd, boundary) : random.pick(LEAVES)(odd),
  )
  if (odd === 'a part without a body') parts.push('Content-Type: text/plain\r\n\r\n')
  const blank = odd === 'white space behind boundaries' ? ' \t' : ''
  const [before, after] = odd === 'preambles and epilogues' ? ['before\r\n', '\r\nafter\r\n--no\r\n'] : ['', '\r\n']
  const kind = random.pick(['mixed', 'alternative', 'related'])
  const field =
    odd === 'names in capitals' ? `CONTENT-TYPE: MULTIPART/${kind.toUpperCase()}; BOUNDARY=` : `Content-Type: multipart/${kind}; boundary=`
  const end = odd === 'no closing boundary' ? '' : `--${boundary}--${blank}${after}`
  return `${field}"${boundary}"\r\n\r\n${before}${parts.map(part => `--${boundary}${blank}\r\n${part}`).join('\r\n')}\r\n${end}`
}

function message(odd: Oddity, one: SeededRandom): Buffer {
  const body = one.below(8) === 0 ? random.pick(TEXTS)(odd) : multipart(0, odd, 'b')
  return Buffer.from(`From: a@example.org\r\nTo: b@example.org\r\nSubject: ${word()}\r\nMIME-Version: 1.0\r\n${body}`, 'latin1')
}

function digest(octets: Uint8Array): string {
  // A line end at the end belongs to the boundary or to the text: readers differ, clients show the same.
  let end = octets.length
  while (end > 0 && (octets[end - 1] === 10 || octets[end - 1] === 13)) end--
  return createHash('sha1').update(octets.subarray(0, end)).digest('hex').slice(0, 10)
}

/** Each part that is no container: type and what it says. */
function ours(octets: Buffer): string {
  return readSummary(summarise(octets))
    .parts.slice(1)
    .filter(({ location }) => !location.isMultipart && !location.isMessage)
    .map(({ location }) => {
      const content = decodeTransfer(octets.subarray(location.bodyStart, location.bodyEnd), location.encoding)
      return `${location.type}/${location.subtype} ${digest(content)}`
    })
    .join('\n')
}

/** Name and content of each attachment. */
function ourAttachments(octets: Buffer): string {
  return readSummary(summarise(octets))
    .parts.slice(1)
    .flatMap(({ location }) => {
      if (location.isMultipart || location.isMessage || location.type !== 'application') return []
      const [name = ''] = fileNames(octets.subarray(location.headerStart, location.headerEnd))
      return [`${name} ${digest(decodeTransfer(octets.subarray(location.bodyStart, location.bodyEnd), location.encoding))}`]
    })
    .join('\n')
}

async function mailparsers(octets: Buffer): Promise<string> {
  const { attachments } = await simpleParser(octets)
  return attachments
    .filter(({ contentType }) => contentType.startsWith('application/'))
    .map(({ filename, content }) => `${filename ?? ''} ${digest(content)}`)
    .join('\n')
}

const PYTHON = `
import sys, json, base64, email, hashlib
for text in json.load(sys.stdin):
    leaves = []
    for part in email.message_from_bytes(base64.b64decode(text)).walk():
        if part.is_multipart(): continue
        content = part.get_payload(decode=True) or b''
        leaves.append(part.get_content_type() + ' ' + hashlib.sha1(content.rstrip(b'\\r\\n')).hexdigest()[:10])
    print(json.dumps('\\n'.join(leaves)))
`

const corpus = Array.from({ length: MESSAGES }, (_, n) => {
  const odd = ODDITIES[n % ODDITIES.length] ?? 'nothing'
  return { odd, octets: message(odd, random) }
})

function told(who: string, differ: readonly { readonly odd: Oddity; readonly text: string }[]): void {
  console.log(`${who} and we: ${MESSAGES} messages, ${differ.length} read differently`)
  assert.deepEqual(differ.slice(0, 3), [])
}

test('Python’s email finds the same parts with the same content', { skip: requireProgram('python3'), timeout: 60_000 }, () => {
  const input = JSON.stringify(corpus.map(({ octets }) => octets.toString('base64')))
  const { stdout, stderr, status } = spawnSync('python3', ['-c', PYTHON], { input, encoding: 'utf8', maxBuffer: 1 << 26 })
  assert.equal(status, 0, stderr)
  const theirs = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as string)
  assert.equal(theirs.length, MESSAGES)
  assert.ok(theirs.join('\n').split('\n').length > 3 * MESSAGES)
  const differ = corpus.flatMap(({ odd, octets }, n) => {
    const [own, other] = [ours(octets), theirs[n] ?? '']
    return own === other ? [] : [{ odd, text: `${own}\nPython: ${other}\n${octets.toString('latin1')}` }]
  })
  told('Python', differ)
})

test('mailparser finds the same attachments under the same names', { timeout: 60_000 }, async () => {
  const differ: { odd: Oddity; text: string }[] = []
  let named = 0
  for (const { odd, octets } of corpus) {
    const [own, other] = [ourAttachments(octets), await mailparsers(octets)]
    named += other === '' ? 0 : other.split('\n').length
    if (own !== other) differ.push({ odd, text: `${own}\nmailparser: ${other}\n${octets.toString('latin1')}` })
  }
  assert.ok(named > MESSAGES)
  told('mailparser', differ)
})
