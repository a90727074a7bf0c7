import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError, type MessageSource } from 'mailwright/contracts'
import { generateKey } from 'mailwright/dkim'
import { dkimSigner } from 'mailwright/outbound'
import { seededRandom } from 'mailwright/testing'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { oddBody, oddHeader, verdicts } from '../dkim/messages.ts'
import { WireText } from '../../src/outbound/client/wire-text.ts'

const rsa = await generateKey('rsa')
const ed25519 = await generateKey('ed25519')
const keys = [
  { domain: 'example.org', selector: 'ed', privateKey: ed25519.privateKey },
  { domain: 'Example.ORG', selector: 'rs', privateKey: rsa.privateKey, algorithm: 'rsa-sha256' },
  { domain: 'news.example.org', selector: 'news', privateKey: ed25519.privateKey },
  { domain: 'example.com', selector: 'com', privateKey: ed25519.privateKey },
] as const
const records = {
  'ed._domainkey.example.org': ed25519.record,
  'rs._domainkey.example.org': rsa.record,
  'news._domainkey.news.example.org': ed25519.record,
  'com._domainkey.example.com': ed25519.record,
}
const clock = { now: () => 1_700_000_000_000 }
const sign = dkimSigner({ keys, clock })

function source(octets: Uint8Array): MessageSource {
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

/** What is on the wire. */
function wire(octets: Uint8Array): Uint8Array {
  const text = new WireText({ dots: false })
  return Buffer.concat([text.push(octets), text.end()])
}

async function signed(
  text: string,
  options: { readonly prefix?: string; readonly sender?: { local: string; domain: string }; readonly by?: typeof sign } = {},
): Promise<Uint8Array> {
  const { prefix = '', sender, by = sign } = options
  const fields = await by({ content: source(latin1Bytes(text)), prefix: latin1Bytes(prefix), sender })
  return Buffer.concat([fields, latin1Bytes(prefix), latin1Bytes(text)])
}

const told = async (message: Uint8Array): Promise<string[]> =>
  (await verdicts(wire(message), records)).map(({ result, domain, selector }) => `${result} ${domain} ${selector}`)

const MESSAGE = 'From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: hello\r\nContent-Type: text/plain\r\n\r\nGood day\r\n'

test('both keys of the author’s domain sign, and both signatures pass (RFC 8463 §6)', async () => {
  assert.deepEqual(await told(await signed(MESSAGE)), ['pass example.org ed', 'pass example.org rs'])
})

test('the nearest domain with keys signs for From, the sender’s where From has none (RFC 6376 §3.10)', async () => {
  const from = async (address: string, sender?: { local: string; domain: string }): Promise<string[]> =>
    told(await signed(MESSAGE.replace('ann@example.org', address), sender === undefined ? {} : { sender }))
  assert.deepEqual(await from('ann@news.example.org'), ['pass news.example.org news'])
  assert.deepEqual(await from('ann@a.b.example.com'), ['pass example.com com'])
  assert.deepEqual(await from('ann@other.example', { local: 'x', domain: 'example.com' }), ['pass example.com com'])
  assert.deepEqual(await from('ann@other.example'), [])
  assert.deepEqual(await from('ann@notexample.com'), [])
})

test('who sends is signed for only where they have the right, and no domain stands in for another (RFC 6376 §5.1)', async () => {
  const by = async (from: string, domains: readonly string[]): Promise<string[]> => {
    const text = MESSAGE.replace('Ann <ann@example.org>', from)
    const sender = { local: 'ann', domain: 'example.org' }
    const fields = await sign({ content: source(latin1Bytes(text)), prefix: latin1Bytes(''), sender, domains })
    return told(Buffer.concat([fields, latin1Bytes(text)]))
  }
  assert.deepEqual(await by('ann@example.org', ['example.org']), ['pass example.org ed', 'pass example.org rs'])
  assert.deepEqual(await by('x@far.example', ['example.org']), ['pass example.org ed', 'pass example.org rs'])
  assert.deepEqual(await by('ann@example.org', []), [])
  assert.deepEqual(await by('x@example.com', ['example.org']), [])
  // The envelope's domain would be aligned with the author's, who is somebody else.
  assert.deepEqual(await by('x@sub.example.org', ['example.org']), [])
  assert.deepEqual(await by('x@example.com, ann@example.org', ['example.org']), [])
})

test('what is read cannot be added or changed afterwards (RFC 6376 §8.15; S16)', async () => {
  const message = latin1Text(await signed(MESSAGE))
  for (const name of ['From', 'To', 'Cc', 'Subject', 'Date', 'Message-ID', 'Content-Type', 'MIME-Version', 'Reply-To']) {
    const added = `${name}: forged\r\n${message}`
    const below = message.replace('\r\n\r\n', `\r\n${name}: forged\r\n\r\n`)
    for (const changed of [added, below])
      assert.deepEqual(
        (await verdicts(latin1Bytes(changed), records)).map(({ reason }) => reason),
        ['bad-signature', 'bad-signature'],
        name,
      )
  }
  assert.deepEqual(
    (await verdicts(latin1Bytes(`${message}more`), records)).map(({ reason }) => reason),
    ['body-hash', 'body-hash'],
  )
  assert.doesNotMatch(message.slice(0, message.indexOf('From:')), /\bl=/)
})

test('500 seeded changes of a signed message: none of what is signed survives one (S16)', async () => {
  const random = seededRandom(16)
  const message = latin1Text(await signed(MESSAGE))
  const start = message.indexOf('From: Ann')
  let broken = 0
  for (let n = 0; n < 500; n++) {
    const at = start + random.below(message.length - 2 - start)
    const octet = String.fromCharCode(97 + random.below(26))
    if (message[at] === octet || message[at] === '\r' || message[at] === '\n') continue
    const changed =
      random.below(2) === 0 ? message.slice(0, at) + octet + message.slice(at + 1) : message.slice(0, at) + octet + message.slice(at)
    const results = await verdicts(latin1Bytes(changed), records)
    // Names and other folds of case are the same field: "FROM" for "From" changes nothing that is read.
    const same = message.toLowerCase() === changed.toLowerCase()
    assert.ok(same || results.every(({ result }) => result !== 'pass'), JSON.stringify(changed))
    broken++
  }
  console.log(`${broken} changes of signed octets, ${broken} signatures broken`)
})

test('the wire form is signed: bare CR and LF, a missing last line end, a cut between CR and LF (S2)', async () => {
  for (const body of ['a\nb', 'a\rb\r', 'a\r\n\r', '', '\n', 'x'.repeat(131_000)]) {
    const message = await signed(MESSAGE.replace('Good day\r\n', body), { prefix: 'Received: by mx.example.org; now\r\n' })
    assert.deepEqual(await told(message), ['pass example.org ed', 'pass example.org rs'], JSON.stringify(body.slice(0, 20)))
  }
})

test('300 odd messages in any form verify as they leave', async () => {
  const random = seededRandom(5)
  for (let n = 0; n < 300; n++) {
    const message = await signed(`${oddHeader(random)}\r\n${oddBody(random)}`)
    assert.deepEqual(await told(message), ['pass example.org ed', 'pass example.org rs'], JSON.stringify(latin1Text(message)))
  }
})

test('long messages are read in slices, sources may answer later (RFC 6376 §3.7)', async () => {
  const body = latin1Bytes(`${MESSAGE}${'line of text, again and again\r\n'.repeat(100_000)}`)
  let largest = 0
  const slow: MessageSource = {
    size: body.length,
    read: (start, end) => {
      largest = Math.max(largest, end - start)
      return Promise.resolve(body.subarray(start, end))
    },
  }
  const fields = await sign({ content: slow, prefix: new Uint8Array(0), sender: undefined })
  assert.deepEqual(await told(Buffer.concat([fields, body])), ['pass example.org ed', 'pass example.org rs'])
  assert.ok(largest <= 131_072)
})

test('lines of the fields stay short, and the time is the clock’s (RFC 5322 §2.1.1; RFC 6376 §3.5)', async () => {
  const by = dkimSigner({ keys: keys.slice(1, 2), clock, expiresAfter: 86_400, signedFields: ['X-Ours'] })
  const text = latin1Text(await signed(`X-Ours: 1\r\n${MESSAGE}`, { by }))
  const field = text.slice(0, text.indexOf('X-Ours: 1'))
  assert.match(field, /t=1700000000; x=1700086400;/)
  assert.match(field, /:\s*X-Ours;/)
  assert.ok(
    field.split('\r\n').every(line => line.length <= 78),
    field,
  )
})

test('keys that cannot sign are refused at once (RFC 8301 §3.2)', async () => {
  const refused = (key: (typeof keys)[number] | { domain: string; selector: string; privateKey: string; algorithm?: 'rsa-sha256' }): void =>
    assert.throws(
      () => dkimSigner({ keys: [key] }),
      (error: unknown) => error instanceof ConfigurationError && error.code === 'MW_DKIM_KEY',
    )
  refused({ domain: 'not a domain', selector: 'a', privateKey: rsa.privateKey })
  refused({ domain: 'example.org', selector: 'a; d=x', privateKey: rsa.privateKey })
  refused({ domain: 'example.org', selector: 'a', privateKey: 'no key' })
  refused({ domain: 'example.org', selector: 'a', privateKey: ed25519.privateKey, algorithm: 'rsa-sha256' })
})
