import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { personalFiles } from 'mailwright/server'
import { dkimKeys } from 'mailwright/outbound'
import { fakeServer } from '../dns/fake-server.ts'

const data = mkdtempSync(join(tmpdir(), 'mailwright-cli-keys-'))
after(() => rmSync(data, { recursive: true, force: true }))

interface Said {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Not in one go: the DNS server of the test is in this process. */
function keys(...words: readonly string[]): Promise<Said> {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  const args = ['--conditions=mailwright-source', main, 'keys', ...words, '--data', data]
  return new Promise(resolve => {
    const child = execFile(process.execPath, args, { encoding: 'utf8', timeout: 30_000 }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

test(
  'keys are looked at and replaced from the command line, and sign only once DNS shows them (RFC 6376 §3.1)',
  { timeout: 120_000 },
  async () => {
    const none = await keys('list', '--offline')
    assert.equal(none.status, 1)
    assert.match(none.stderr, /there are no DKIM keys in .*: start the server once, or name its folder with --data/)
    assert.equal(existsSync(personalFiles(data).dkim), false, 'looking makes no folder')

    const options = { folder: personalFiles(data).dkim, domains: ['example.org'], types: ['ed25519'] as const }
    const [first] = (await dkimKeys(options)).records()
    assert.ok(first !== undefined)
    const zone = new Map<string, readonly string[]>()
    using server = await fakeServer(({ name, type }) => {
      const text = type === 'TXT' ? zone.get(name) : undefined
      return text === undefined ? { rcode: 3 } : { answers: [{ name, type: 'TXT', ttl: 1, data: [...text] }] }
    })
    const dns = ['--dns', server.address]

    const missing = await keys('list', ...dns)
    assert.deepEqual([missing.status, missing.stderr], [1, ''])
    assert.match(missing.stdout, /^mw\d{8}e\._domainkey\.example\.org {2}signs since \d{4}-\d\d-\d\d, not in DNS\n$/)
    zone.set(first.name, first.strings)
    const there = await keys('list', 'Example.ORG', ...dns, '--json')
    assert.equal(there.status, 0)
    const { domain, selector, state, dns: shown } = JSON.parse(there.stdout) as Record<string, unknown>
    assert.deepEqual([domain, selector, state, shown], ['example.org', first.selector, 'current', 'published'])

    const early = await keys('rotate', 'example.org', ...dns)
    assert.equal(early.status, 1)
    assert.match(early.stderr, /there are no new keys of example\.org: "mailwright keys prepare example\.org" makes them/)
    const prepared = await keys('prepare', 'example.org')
    assert.equal(prepared.status, 0, prepared.stderr)
    assert.match(prepared.stderr, /new keys are made: publish these records beside the old ones/)
    assert.match(prepared.stdout, /^mw\d{8}e2?\._domainkey\.example\.org\. 3600 IN TXT "v=DKIM1; k=ed25519; p=[\w+/=]+"$/m)
    const again = await keys('prepare', 'example.org')
    assert.equal(again.stdout, prepared.stdout)
    assert.match(again.stderr, /there are new keys already/)

    const unpublished = await keys('rotate', 'example.org', '--now', ...dns)
    assert.equal(unpublished.status, 1)
    assert.match(unpublished.stderr, /nothing is changed: DNS does not show the new keys of example\.org/)
    assert.equal(unpublished.stdout, prepared.stdout)
    const [one, other] = (await dkimKeys(options)).records().filter(record => record.state === 'next')
    assert.ok(one !== undefined && other !== undefined)
    zone.set(one.name, one.strings)
    const half = await keys('rotate', 'example.org', '--now', ...dns)
    assert.equal(half.status, 1)
    assert.ok(half.stdout.startsWith(`${other.name}. 3600 IN TXT `), 'only what is missing is named')
    zone.set(other.name, other.strings)
    const soon = await keys('rotate', 'example.org', ...dns)
    assert.equal(soon.status, 1)
    assert.match(
      soon.stderr,
      /nothing is changed: DNS shows the new keys of example\.org since \d{4}-\d\d-\d\d, and they sign from \d{4}-\d\d-\d\d on/,
    )
    const rotated = await keys('rotate', 'example.org', '--now', ...dns)
    assert.equal(rotated.status, 0, rotated.stderr)
    assert.ok(rotated.stdout.startsWith(`${first.name}. 3600 IN TXT `))
    const both = await keys('list', '--offline')
    assert.match(both.stdout, /^\S+ {2}signed until \S+\n\S+ {2}signs since \S+\n\S+ {2}signs since \S+\n$/)

    const forgotten = await keys('forget', 'example.org')
    assert.deepEqual([forgotten.status, forgotten.stdout], [0, `${first.name}\n`])
    assert.match((await keys('forget', 'example.org')).stderr, /there are no old keys of example\.org/)
    assert.match(
      (await keys('list', 'far.example', '--offline')).stderr,
      /there are no DKIM keys of far\.example in .*: there are some of example\.org/,
    )
    assert.equal((await keys('list', 'a b', '--offline')).status, 2)
    assert.equal((await keys('prepare')).status, 2)
  },
)
