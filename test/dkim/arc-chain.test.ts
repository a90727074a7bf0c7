import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bodyRequest, BodyHasher, KeyCache, readChain, readSignableHeader, verifyChain } from 'mailwright/dkim'
import { utf8Bytes } from '../../src/bytes/index.ts'

interface Case {
  readonly id: string
  readonly message: string
  readonly cv: string
  readonly dns: Readonly<Record<string, string>>
}

const suite = join(import.meta.dirname, '..', '..', '..', 'shared', 'suites', 'arc.json')
const absent = existsSync(suite) ? false : 'the public ARC suite is not beside this checkout'

test('the public suite of ARC validation (RFC 8617 §5.2)', { skip: absent }, async () => {
  const cases = JSON.parse(readFileSync(suite, 'utf8')) as readonly Case[]
  const keys = new KeyCache()
  const differ: string[] = []
  for (const { id, message, cv, dns } of cases) {
    const octets = utf8Bytes(message.replaceAll(/\r?\n/g, '\r\n'))
    const { fields, bodyStart } = readSignableHeader(octets)
    const chain = readChain(fields)
    const hasher = new BodyHasher(typeof chain === 'string' ? [] : chain.messageSignatures.map(bodyRequest))
    hasher.push(octets.subarray(bodyStart))
    const lookup = (name: string): Promise<readonly string[]> => Promise.resolve(dns[name] === undefined ? [] : [dns[name]])
    const { state, reason } = await verifyChain({ fields, bodyHash: hasher.finish(), lookup, keys }, chain)
    if (cv !== '' && state !== cv) differ.push(`${id}: ${state} (${reason ?? ''}), wanted ${cv}`)
  }
  console.log(`ARC suite: ${cases.length - differ.length} of ${cases.length}${differ.map(line => `\n  ${line}`).join('')}`)
  assert.deepEqual(differ, [])
})
