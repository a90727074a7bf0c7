import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { authenticate } from 'mailauth'
import { ConfigurationError } from 'mailwright/contracts'
import { bodyRequest, BodyHasher, generateKey, readChain, readSignableHeader, verifyChain, type ChainResult } from 'mailwright/dkim'
import { arcSealer, dkimSigner, type SealFacts } from 'mailwright/outbound'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { findProgram, requireProgram } from '../support/programs.ts'

const rsa = await generateKey('rsa')
const ed25519 = await generateKey('ed25519')
const records: Readonly<Record<string, string>> = {
  'r._domainkey.list.example': rsa.record,
  'e._domainkey.list.example': ed25519.record,
  'r._domainkey.example.org': rsa.record,
}
const keys = [
  { domain: 'list.example', selector: 'e', privateKey: ed25519.privateKey },
  { domain: 'list.example', selector: 'r', privateKey: rsa.privateKey },
]
const clock = { now: () => 1_700_000_000_000 }
const seal = arcSealer({ domain: 'list.example', keys, authservId: 'mx.list.example', clock })
const nothing = new Uint8Array(0)

function contentOf(text: string): { size: number; read(start: number, end: number): Uint8Array } {
  const octets = latin1Bytes(text)
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

async function sealedOf(text: string, facts?: SealFacts, by: typeof seal = seal): Promise<string> {
  return latin1Text(await by({ content: contentOf(text), prefix: nothing, sender: undefined }, facts)) + text
}

async function chainOf(text: string): Promise<ChainResult> {
  const octets = latin1Bytes(text)
  const { fields, bodyStart } = readSignableHeader(octets)
  const chain = readChain(fields)
  const hasher = new BodyHasher(typeof chain === 'string' ? [] : chain.messageSignatures.map(bodyRequest))
  hasher.push(octets.subarray(bodyStart))
  return verifyChain(
    { fields, bodyHash: hasher.finish(), lookup: name => Promise.resolve(name in records ? [records[name] ?? ''] : []) },
    chain,
  )
}

const MESSAGE = 'From: Ann <ann@example.org>\r\nSubject: hello\r\n\r\nGood day\r\n'
const RESULTS =
  'Authentication-Results: mx.list.example;\r\n\tspf=pass smtp.mailfrom=ann@example.org;\r\n\tdkim=pass (good; "really") header.d=example.org;\r\n\tarc='

/** Signed by its author, verified by us. */
async function arrived(chain: string): Promise<string> {
  const sign = dkimSigner({ keys: [{ domain: 'example.org', selector: 'r', privateKey: rsa.privateKey }], clock })
  const signature = latin1Text(await sign({ content: contentOf(MESSAGE), prefix: nothing, sender: undefined }))
  return `${RESULTS}${chain}\r\nAuthentication-Results: elsewhere.example; spf=pass\r\n${signature}${MESSAGE}`
}

test('the first set: our results, a signature of the message, a seal (RFC 8617 §5.1)', async () => {
  const message = await sealedOf(await arrived('none'))
  assert.match(message, /^ARC-Seal: i=1; a=rsa-sha256; t=1700000000; cv=none; d=list\.example; s=r;\r\n b=/)
  assert.match(message, /ARC-Authentication-Results: i=1; mx\.list\.example;\r\n\tspf=pass smtp\.mailfrom=ann@example\.org;\r\n/)
  assert.doesNotMatch(message.slice(0, message.indexOf('Authentication-Results: mx')), /elsewhere/)
  assert.deepEqual(await chainOf(message), { state: 'pass', sealers: ['list.example'] })
})

test('further sets seal the ones before, up to the fiftieth (RFC 8617 §4.2.1, §5.1.1)', async () => {
  let message = await sealedOf(await arrived('none'))
  for (let instance = 2; instance <= 50; instance++) {
    message = await sealedOf(message, { results: 'arc=pass; dkim=pass', chain: 'pass' })
    if (instance < 4 || instance === 50)
      assert.deepEqual(await chainOf(message), { state: 'pass', sealers: Array(instance).fill('list.example') })
  }
  assert.equal(await sealedOf(message, { results: 'arc=pass', chain: 'pass' }), message)
})

test('a change behind the seal breaks the chain, results of an earlier set too (RFC 8617 §5.2)', async () => {
  const message = await sealedOf(await sealedOf(await arrived('none')), { results: 'arc=pass', chain: 'pass' })
  assert.equal((await chainOf(message.replace('Good day', 'Bad day'))).state, 'fail')
  assert.equal(
    (await chainOf(message.replace('i=1; mx.list.example;\r\n\tspf=pass', 'i=1; mx.list.example;\r\n\tspf=fail'))).reason,
    'ARC-Seal of set 2',
  )
})

test('a chain that failed is sealed as failed, once, over the new set alone (RFC 8617 §5.1.2)', async () => {
  const broken = (await sealedOf(await arrived('none'))).replace('Good day', 'Bad day')
  const once = await sealedOf(broken, { results: 'arc=fail', chain: 'fail' })
  assert.match(once, /^ARC-Seal: i=2; a=rsa-sha256; t=1700000000; cv=fail;/)
  assert.equal(await sealedOf(once, { results: 'arc=fail', chain: 'fail' }), once)
})

test('nothing is sealed of which nothing is known: no results of ours, or sets without a verdict', async () => {
  assert.equal(await sealedOf(MESSAGE), MESSAGE)
  const forged = `Authentication-Results: mx.list.example.evil; arc=pass\r\n${MESSAGE}`
  assert.equal(await sealedOf(forged), forged)
  const message = await sealedOf(await arrived('none'))
  const unsaid = message.replaceAll('\tarc=none\r\n', '\tiprev=pass\r\n')
  assert.equal(await sealedOf(unsaid), unsaid)
  assert.equal(await sealedOf(MESSAGE, { results: 'arc=pass', chain: 'pass' }), MESSAGE, 'pass, and no chain')
})

test('results are one field whatever they hold (S13)', async () => {
  const message = await sealedOf(MESSAGE, { results: 'spf=pass\r\n\r\nInjected: 1\r\nX: \0 y; dkim=pass', chain: 'none' })
  assert.ok(!/^(?:Injected|X):/m.test(message))
  assert.equal((await chainOf(message)).state, 'pass')
})

test('what cannot seal is refused at once', () => {
  assert.throws(() => arcSealer({ domain: 'no domain', keys, authservId: 'a' }), ConfigurationError)
  assert.throws(() => arcSealer({ domain: 'list.example', keys, authservId: 'a; b' }), ConfigurationError)
})

test('mailauth finds our chains good, and bad once they are changed', async () => {
  const message = await sealedOf(await sealedOf(await arrived('none')), { results: 'arc=pass; dkim=pass', chain: 'pass' })
  const judged = async (text: string): Promise<unknown> => {
    const { arc } = await authenticate(Buffer.from(text, 'latin1'), {
      trustReceived: false,
      disableDmarc: true,
      disableBimi: true,
      resolver: (name: string, type: string) =>
        type === 'TXT' && records[name] !== undefined
          ? Promise.resolve([[records[name]]])
          : Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })),
    })
    return arc === false ? undefined : arc.status.result
  }
  assert.equal(await judged(message), 'pass')
  assert.equal(await judged(message.replace('Good day', 'Bad day')), 'fail')
})

const DKIMPY = `
import sys, json, dkim, logging
logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
def lookup(name, timeout=5):
    record = given['records'].get((name.decode() if isinstance(name, bytes) else name).rstrip('.'))
    return record.encode() if record else None
for message in given['messages']:
    print(dkim.arc_verify(message.encode('latin-1'), dnsfunc=lookup)[0].decode())
`

test('dkimpy finds our chains good, and bad once they are changed', { skip: requireProgram('dkimverify') }, async () => {
  const one = await sealedOf(await arrived('none'))
  const two = await sealedOf(one, { results: 'arc=pass; dkim=pass', chain: 'pass' })
  const [interpreter = ''] = /^#!(\S+)/.exec(readFileSync(findProgram('dkimverify') ?? '', 'utf8'))?.slice(1) ?? []
  const input = JSON.stringify({ records, messages: [MESSAGE, one, two, two.replace('hello', 'hallo')] })
  const { stdout, stderr } = spawnSync(interpreter, ['-c', DKIMPY], { input, encoding: 'utf8' })
  assert.deepEqual(stdout.trim().split('\n'), ['none', 'pass', 'pass', 'fail'], stderr)
})
