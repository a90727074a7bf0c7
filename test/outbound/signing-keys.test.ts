import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigurationError, MailError } from 'mailwright/contracts'
import { dkimKeys, dkimSigner, type DkimKeysOptions } from 'mailwright/outbound'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'

const folders: string[] = []
after(() => folders.forEach(folder => rmSync(folder, { recursive: true })))

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mailwright-keys-'))
  folders.push(path)
  return join(path, 'dkim')
}

const DAY = 86_400_000

function fakeTime(): { now(): number; pass(ms: number): void } {
  let time = Date.parse('2026-11-24T08:00:00Z')
  return { now: () => time, pass: ms => void (time += ms) }
}

test('keys are made on the first start, for their owner only, and found again on the second', async () => {
  const options: DkimKeysOptions = { folder: folder(), domains: ['example.org', 'Bücher.example'], bits: 1024, clock: fakeTime() }
  const first = await dkimKeys(options)
  const path = join(options.folder, 'example.org.json')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(options.folder).mode & 0o777, 0o700)
  assert.deepEqual(
    first.records('example.org').map(({ name, state }) => `${name} ${state}`),
    ['mw20261124e._domainkey.example.org current', 'mw20261124r._domainkey.example.org current'],
  )
  assert.deepEqual(first.domains, ['example.org', 'xn--bcher-kva.example'])
  const second = await dkimKeys(options)
  assert.deepEqual(second.records(), first.records())
  assert.ok(second.records().every(({ strings, text }) => strings.join('') === text))
})

test('two servers that start at once on one folder have the same keys', async () => {
  const options: DkimKeysOptions = { folder: folder(), domains: ['example.org'], bits: 1024 }
  const [one, other] = await Promise.all([dkimKeys(options), dkimKeys(options)])
  assert.deepEqual(one.records(), other.records())
})

test('a successor is published before it signs, and its forerunner until mail on its way is there (RFC 6376 §3.1)', async () => {
  const clock = fakeTime()
  const seen = new Set<string>()
  let away = false
  const store = await dkimKeys({
    folder: folder(),
    domains: ['example.org'],
    types: ['ed25519'],
    rotateAfterMs: 90 * DAY,
    published: ({ name }) => (away ? Promise.reject(new MailError('unavailable', 'no DNS')) : Promise.resolve(seen.has(name))),
    clock,
  })
  const sign = dkimSigner({ keys: store, clock })
  const selector = async (): Promise<string | undefined> => {
    const octets = latin1Bytes('From: ann@example.org\r\n\r\nhi\r\n')
    const fields = await sign({
      content: { size: octets.length, read: (start, end) => octets.subarray(start, end) },
      prefix: new Uint8Array(0),
      sender: undefined,
    })
    return / s=(\w+);/.exec(latin1Text(fields))?.[1]
  }
  const states = (): string[] => store.records().map(({ name, state }) => `${name.split('.')[0]} ${state}`)
  const told = async (): Promise<string[]> =>
    (await store.tend()).map(({ kind, records }) => `${kind} ${records.map(({ selector }) => selector).join(' ')}`)
  assert.deepEqual(await told(), [])
  assert.deepEqual(states(), ['mw20261124e current'])
  clock.pass(90 * DAY)
  assert.deepEqual(await told(), ['prepared mw20270222e'])
  assert.deepEqual(states(), ['mw20261124e current', 'mw20270222e next'])
  assert.equal(await selector(), 'mw20261124e')
  clock.pass(3 * DAY)
  assert.equal(await store.rotate('example.org'), 'not-ready', 'nobody published it')
  assert.deepEqual(await told(), ['unpublished mw20270222e'])
  seen.add('mw20270222e._domainkey.example.org')
  assert.deepEqual(await told(), [])
  clock.pass(3 * DAY - 1)
  assert.deepEqual(await told(), [])
  assert.equal(await selector(), 'mw20261124e', 'it was published less than three days ago')
  away = true
  clock.pass(1)
  assert.deepEqual(await told(), [])
  assert.equal(await selector(), 'mw20261124e', 'DNS cannot tell')
  away = false
  assert.deepEqual(await told(), ['rotated mw20261124e'])
  assert.deepEqual(states(), ['mw20261124e retired', 'mw20270222e current'])
  assert.equal(await selector(), 'mw20270222e')
  clock.pass(8 * DAY - 1)
  assert.deepEqual(await told(), [])
  clock.pass(1)
  assert.deepEqual(await told(), ['forgotten mw20261124e'])
  assert.deepEqual(states(), ['mw20270222e current'])
})

test('a record that vanishes from DNS before its key signs begins anew, and no selector is given twice (RFC 6376 §3.1)', async () => {
  const clock = fakeTime()
  let shown = true
  const options: DkimKeysOptions = {
    folder: folder(),
    domains: ['example.org'],
    types: ['ed25519'],
    published: () => Promise.resolve(shown),
    clock,
  }
  const store = await dkimKeys(options)
  await store.prepare('example.org')
  assert.equal(await store.rotate('example.org'), 'not-ready')
  clock.pass(2 * DAY)
  shown = false
  assert.equal(await store.rotate('example.org'), 'not-ready')
  shown = true
  clock.pass(DAY)
  assert.equal(await store.rotate('example.org'), 'not-ready', 'seen anew')
  clock.pass(3 * DAY)
  assert.equal(await store.rotate('example.org'), 'rotated')
  assert.deepEqual(
    (await store.forget('example.org')).map(({ selector }) => selector),
    ['mw20261124e'],
  )
  const now = await dkimKeys({ ...options, publishMs: 0 })
  await now.prepare('example.org')
  assert.equal(await now.rotate('example.org'), 'rotated')
  await now.forget('example.org')
  await now.prepare('example.org')
  const selectors = now.records().map(({ selector }) => selector)
  assert.equal(new Set([...selectors, 'mw20261124e', 'mw20261124e2']).size, 4, selectors.join())
})

test('keys that were made before the clock was put back can be put to use and forgotten at once', async () => {
  const clock = fakeTime()
  const options: DkimKeysOptions = { folder: folder(), domains: ['example.org'], types: ['ed25519'], publishMs: 0, clock }
  const store = await dkimKeys(options)
  await store.prepare('example.org')
  clock.pass(-3_600_000)
  assert.equal(await store.rotate('example.org'), 'rotated')
  clock.pass(-3_600_000)
  assert.equal((await store.forget('example.org')).length, 1)
})

test('processes that change one folder at once lose nothing, and a lock that was left behind holds nobody up', async () => {
  const options: DkimKeysOptions = { folder: folder(), domains: ['example.org'], types: ['ed25519'], publishMs: 0 }
  const stores = await Promise.all(Array.from({ length: 5 }, () => dkimKeys(options)))
  await Promise.all(stores.map(store => store.prepare('example.org')))
  const states = async (): Promise<string> => {
    const { records } = await dkimKeys(options).then(store => ({ records: store.records() }))
    return records.map(({ state }) => state).join()
  }
  assert.equal(await states(), 'current,next')
  const turns = await Promise.all(stores.map(store => store.rotate('example.org')))
  assert.deepEqual(turns.filter(turn => turn === 'rotated').length, 1)
  assert.equal(await states(), 'retired,current')
  const lock = join(options.folder, 'example.org.json.lock')
  writeFileSync(lock, '')
  utimesSync(lock, new Date(0), new Date(0))
  await stores[0]?.prepare('example.org')
  assert.equal(await states(), 'retired,current,next')
})

test('a retired key can sign no more: only its public half is kept', async () => {
  const clock = fakeTime()
  const options: DkimKeysOptions = { folder: folder(), domains: ['example.org'], types: ['ed25519'], publishMs: 0, clock }
  const store = await dkimKeys(options)
  await store.prepare('example.org')
  await store.prepare('example.org')
  assert.deepEqual(
    store.records().map(({ name }) => name.split('.')[0]),
    ['mw20261124e', 'mw20261124e2'],
  )
  assert.equal(await store.rotate('example.org'), 'rotated')
  const text = readFileSync(join(options.folder, 'example.org.json'), 'utf8')
  assert.equal(text.split('PRIVATE KEY').length, 3, 'one private key')
  assert.equal(await store.rotate('example.org'), 'not-ready')
})

test('key files that others may read, or that are none, are not used', async () => {
  const options: DkimKeysOptions = { folder: folder(), domains: ['example.org'], types: ['ed25519'] }
  await dkimKeys(options)
  const path = join(options.folder, 'example.org.json')
  chmodSync(path, 0o644)
  await assert.rejects(dkimKeys(options), (error: unknown) => error instanceof ConfigurationError && error.code === 'MW_DKIM_KEYS')
  chmodSync(path, 0o600)
  for (const broken of ['{', '{"keys":[{}]}', '[]']) {
    writeFileSync(path, broken)
    await assert.rejects(dkimKeys(options), (error: unknown) => error instanceof MailError && error.kind === 'corrupt')
  }
  await assert.rejects(dkimKeys({ ...options, domains: ['../etc'] }), ConfigurationError)
})
