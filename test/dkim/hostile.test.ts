import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { generateKey, KeyCache } from 'mailwright/dkim'
import { octets, signedMessage, verdicts } from './messages.ts'

const key = await generateKey('ed25519')
const records = { 'ed25519._domainkey.example.org': key.record }
const plain = octets(`From: ann@example.org\nSubject: hello\n\n${'a line of text\n'.repeat(60_000)}`)

async function cost(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

test('500 signatures, each over another part of the body, cost one hash of it (S17; RFC 6376 §8.4)', async () => {
  const field = Buffer.from(signedMessage(plain, key, ['From'], 'relaxed', 'relaxed').subarray(0, 600)).toString('latin1')
  const one = field.slice(0, field.indexOf('From: ann'))
  const many = Array.from({ length: 500 }, (_, index) => one.replace('c=relaxed/relaxed;', `c=relaxed/relaxed; l=${index * 1000};`)).join(
    '',
  )
  const message = Buffer.concat([Buffer.from(many, 'latin1'), plain])
  let results: readonly { readonly reason?: string }[] = []
  const single = await cost(() => verdicts(Buffer.concat([Buffer.from(one, 'latin1'), plain]), records))
  const spent = await cost(async () => (results = await verdicts(message, records, { keys: new KeyCache() })))
  console.log(`900 kB with 1 signature ${single.toFixed(1)} ms of CPU, with 500 ${spent.toFixed(1)} ms`)
  assert.equal(results.length, 500)
  assert.ok(results.every(({ reason }) => reason === 'body-hash' || reason === 'body-length'))
  assert.ok(spent < 500, `${spent} ms`)
})

test('a list of a hundred thousand names, and as many fields, are gone through once', async () => {
  const signed = signedMessage(
    octets(`${'From: ann@example.org\n'.repeat(5000)}${'X: y\n'.repeat(40_000)}\nhi\n`),
    key,
    Array<string>(100_000).fill('from'),
    'simple',
    'simple',
  )
  const spent = await cost(async () => assert.equal((await verdicts(signed, records))[0]?.result, 'pass'))
  assert.ok(spent < 1000, `${spent} ms`)
})

test('what covers only the beginning of a body says how much is open (RFC 6376 §8.2; S16)', async () => {
  const message = Buffer.from(octets('From: ann@example.org\n\nfirst\n'))
  const by = { signingDomain: 'example.org', selector: 'ed25519', privateKey: key.privateKey }
  const { signatures } = await dkimSign(message, {
    ...by,
    canonicalization: 'relaxed/relaxed',
    signatureData: [{ ...by, maxBodyLength: 7 }],
  })
  const judged = async (more: string): Promise<unknown[]> => {
    const [verdict] = await verdicts(Buffer.concat([Buffer.from(signatures), message, octets(more)]), records)
    return [verdict?.result, verdict?.unsignedOctets]
  }
  assert.match(signatures, /\bl=7\b/)
  assert.deepEqual(await judged(''), ['pass', 0])
  assert.deepEqual(await judged('and more\n'), ['pass', 10])
})
