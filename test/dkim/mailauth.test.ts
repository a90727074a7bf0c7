import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { generateKey, KeyCache, type Canonicalization, type GeneratedKey } from 'mailwright/dkim'
import { seededRandom } from 'mailwright/testing'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { changed, oddBody, oddHeader, signedMessage, verdicts } from './messages.ts'

const keys: readonly [GeneratedKey, GeneratedKey] = [await generateKey('rsa'), await generateKey('ed25519')]
const records: Readonly<Record<string, string>> = {
  'rsa._domainkey.example.org': keys[0].record,
  'ed25519._domainkey.example.org': keys[1].record,
}
const cache = new KeyCache()

async function theirs(message: Uint8Array): Promise<string[]> {
  const { results } = await dkimVerify(Buffer.from(message), {
    resolver: (name: string, type: string) => {
      const record = records[name]
      if (type === 'TXT' && record !== undefined) return Promise.resolve([[record]])
      return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
    },
  })
  return results.map(({ status }) => status.result)
}

async function ours(message: Uint8Array): Promise<string[]> {
  return (await verdicts(message, records, { keys: cache })).map(({ result }) => result)
}

const canonicalizations: readonly [Canonicalization, Canonicalization] = ['simple', 'relaxed']
const MESSAGES = 500

test(`${MESSAGES} odd messages signed by mailauth and by us: both verifiers agree, before and after a change on the way`, async () => {
  const random = seededRandom(6376)
  const tally = { signed: 0, pass: 0, changed: 0, survived: 0, differ: 0 }
  for (let n = 0; n < MESSAGES; n++) {
    const message = latin1Bytes(`${oddHeader(random)}\r\n${oddBody(random)}`)
    const key = random.pick([keys[0], keys[1], keys[1]])
    const header = random.pick(canonicalizations)
    const body = random.pick(canonicalizations)
    let signed: Uint8Array
    if (n % 2 === 0) {
      const { signatures, errors } = await dkimSign(Buffer.from(message), {
        signingDomain: 'example.org',
        selector: key.type,
        privateKey: key.privateKey,
        canonicalization: `${header}/${body}`,
        signatureData: [
          {
            signingDomain: 'example.org',
            selector: key.type,
            privateKey: key.privateKey,
            ...(random.below(8) === 0 ? { maxBodyLength: random.below(20) } : {}),
          },
        ],
      })
      assert.deepEqual(errors, [])
      signed = Buffer.concat([latin1Bytes(signatures), message])
    } else {
      const names = ['From', 'From', 'Subject', 'Subject', 'To', 'Date', 'Message-ID', 'X-Odd', 'Received'].slice(0, 1 + random.below(9))
      signed = signedMessage(message, key, names, header, body)
    }
    const mine = await ours(signed)
    assert.deepEqual(mine, ['pass'], `message ${n}: ${JSON.stringify(latin1Text(signed))}`)
    assert.deepEqual(await theirs(signed), ['pass'], `message ${n} at mailauth: ${JSON.stringify(latin1Text(signed))}`)
    tally.signed++
    const broken = changed(signed, random)
    const [mineAfter = 'none', theirsAfter = 'none'] = [(await ours(broken))[0], (await theirs(broken))[0]]
    tally.changed++
    if (mineAfter === 'pass') tally.survived++
    if ((mineAfter === 'pass') !== (theirsAfter === 'pass')) {
      tally.differ++
      console.log(`differs: ours ${mineAfter}, mailauth ${theirsAfter}: ${JSON.stringify(latin1Text(broken)).slice(0, 1500)}`)
    }
  }
  console.log(
    `mailauth and we: ${tally.signed} of ${MESSAGES} pass at both; of ${tally.changed} changed ones ${tally.survived} still pass, ${tally.differ} judged differently`,
  )
  assert.equal(tally.differ, 0)
})
