/** The signing keys of a server that runs for years: replaced in time, and never used before DNS shows them. RFC 6376 §3.1, §3.6.2. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { dkimKeys, dkimSigner, keyPublication } from 'mailwright/outbound'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { keyCare } from '../../src/server/key-care.ts'

const DAY = 86_400_000
const QUARTER = 900_000

test('half-old keys get successors, which sign once DNS has shown them for three days; the old ones stay for mail on its way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-key-care-'))
  const clock = fakeClock()
  const resolver = fakeResolver()
  const told: string[] = []
  const faults: unknown[] = []
  const options = {
    folder,
    domains: ['example.org'],
    types: ['ed25519'] as const,
    clock,
    rotateAfterMs: 180 * DAY,
    published: async (record: { readonly name: string; readonly text: string }) => (await keyPublication(resolver, record)) === 'published',
  }
  const keys = await dkimKeys(options)
  const [first] = keys.records()
  assert.ok(first !== undefined)
  resolver.set(first.name, { txt: [first.text] })
  const sign = dkimSigner({ keys, clock })
  const octets = latin1Bytes('From: ann@example.org\r\n\r\nhi\r\n')
  const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
  const selector = async (): Promise<string | undefined> =>
    / s=(\w+);/.exec(latin1Text(await sign({ content, prefix: new Uint8Array(0), sender: undefined })))?.[1]
  // Each look ends before the next one begins, however far the clock goes.
  let looks = 0
  let looked = Promise.withResolvers<void>()
  const care = keyCare({
    keys: {
      async tend() {
        try {
          return await keys.tend()
        } finally {
          looks++
          looked.resolve()
        }
      },
    },
    clock,
    tell: text => told.push(text),
    report: error => faults.push(error),
    command: 'mailwright keys list',
  })
  /** Lets time pass, and waits for the look at its end. */
  const pass = async (ms: number): Promise<readonly string[]> => {
    for (const step of [ms - QUARTER, QUARTER]) {
      if (step <= 0) continue
      looked = Promise.withResolvers<void>()
      clock.advance(step)
      await looked.promise
      await new Promise(resolve => void setImmediate(resolve))
    }
    return told.splice(0)
  }
  try {
    await looked.promise
    await new Promise(resolve => void setImmediate(resolve))
    assert.deepEqual(await pass(179 * DAY), [])
    const [prepared = '', ...none] = await pass(DAY)
    assert.deepEqual(none, [])
    const next = keys.records().find(({ state }) => state === 'next')
    assert.ok(next !== undefined)
    assert.equal(
      prepared,
      'new DKIM keys for example.org: publish these records, and leave the old ones. The keys sign three days after DNS shows them.\n' +
        `  ${next.name}. 3600 IN TXT "${next.text}"`,
    )
    // Nobody publishes it: the old key signs on, and the operator is told once a week.
    assert.deepEqual(await pass(6 * DAY), [])
    const [waits = '', ...noMore] = await pass(DAY + QUARTER)
    assert.match(
      waits,
      /^the new DKIM keys of example\.org wait: DNS does not show these records yet\. Look with "mailwright keys list"\.\n/,
    )
    assert.ok(waits.includes(next.text))
    assert.deepEqual([noMore, await pass(DAY)], [[], []])
    assert.equal(await selector(), first.selector)
    // Something else under the name is not the key; nor is it when DNS does not answer.
    resolver.set(next.name, { txt: [first.text] })
    assert.deepEqual(await pass(DAY), [])
    resolver.set(next.name, { txt: [next.text, first.text] })
    assert.deepEqual(await pass(DAY), [])
    assert.equal(keys.records().find(({ state }) => state === 'next')?.seen, undefined)

    resolver.set(next.name, { txt: [next.text.replaceAll('; ', ';')] })
    assert.deepEqual(await pass(QUARTER), [])
    resolver.set(next.name, { fails: true })
    assert.deepEqual(await pass(3 * DAY), [])
    assert.equal(await selector(), first.selector, 'three days are over, and DNS does not answer')
    resolver.set(next.name, { txt: [next.text] })
    assert.deepEqual(await pass(QUARTER), [
      'the new DKIM keys of example.org sign from now on. Leave the records of the old ones for eight days more, for mail that is on its way:\n' +
        `  ${first.name}`,
    ])
    assert.equal(await selector(), next.selector)
    // Five days in our queue, five in another's lookout: the record is still among those to publish.
    assert.deepEqual(await pass(7 * DAY), [])
    assert.deepEqual(
      keys.records().map(({ state }) => state),
      ['retired', 'current'],
    )
    assert.deepEqual(await pass(DAY), [`these records of old DKIM keys of example.org may be taken out of DNS:\n  ${first.name}`])
    assert.deepEqual(
      keys.records().map(({ state }) => state),
      ['current'],
    )
    assert.deepEqual(faults, [])
    assert.ok(looks > 10)
  } finally {
    await care.stop()
    rmSync(folder, { recursive: true })
  }
})

test('a look that fails is told and tried again; after the end there is none', async () => {
  const clock = fakeClock()
  const faults: unknown[] = []
  let looks = 0
  const care = keyCare({
    keys: {
      tend: async () => {
        looks++
        if (looks === 1) throw new MailError('no-space', 'the disk is full')
        return []
      },
    },
    clock,
    tell: () => assert.fail('there is nothing to tell'),
    report: error => faults.push(error),
    command: 'mailwright keys list',
  })
  const turn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))
  await turn()
  assert.match(String(faults[0]), /the disk is full/)
  clock.advance(QUARTER)
  await turn()
  assert.equal(looks, 2)
  await care.stop()
  clock.advance(10 * QUARTER)
  await turn()
  assert.equal(looks, 2)
})
