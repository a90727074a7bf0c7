import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { personalFiles } from 'mailwright/server'
import { dkimKeys } from '../../src/outbound/signing/dkim-keys.ts'
import { testCertificate } from '../dns/certificate.ts'

const data = mkdtempSync(join(tmpdir(), 'mailwright-records-'))
after(() => rmSync(data, { recursive: true, force: true }))

function dns(...words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  const args = ['--conditions=mailwright-source', main, 'dns', ...words, '--data', data]
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })
}

test(
  'the records of a domain are printed, with the keys and the certificate of the folder (RFC 1035 §5.1; RFC 6376 §3.6.2)',
  { timeout: 60_000 },
  async () => {
    const bare = dns('example.org')
    assert.equal(bare.status, 0, bare.stderr)
    assert.match(bare.stderr, /no DKIM keys of example\.org/)
    assert.match(bare.stderr, /no addresses of mail\.example\.org/)

    const { cert, keyHash } = testCertificate('mail.example.org')
    mkdirSync(personalFiles(data).tls, { recursive: true })
    writeFileSync(join(personalFiles(data).tls, 'own-cert.pem'), cert)
    const keys = await dkimKeys({ folder: join(data, 'dkim'), domains: ['example.org'] })

    const zone = dns(
      'Example.ORG',
      '--zone',
      '--ipv4',
      '192.0.2.25, 192.0.2.26',
      '--ipv6',
      '2001:db8::25',
      '--host',
      'mx.example.org',
      '--dmarc=reject',
    )
    assert.equal(zone.status, 0, zone.stderr)
    assert.equal(zone.stderr, '')
    for (const line of [
      'example.org. 3600 IN MX 10 mx.example.org.',
      'mx.example.org. 3600 IN A 192.0.2.25',
      'mx.example.org. 3600 IN A 192.0.2.26',
      'mx.example.org. 3600 IN AAAA 2001:db8::25',
      '; elsewhere: 25.2.0.192.in-addr.arpa. 3600 IN PTR mx.example.org.',
      '_dmarc.example.org. 3600 IN TXT "v=DMARC1; p=reject; rua=mailto:postmaster@example.org"',
      `_25._tcp.mx.example.org. 3600 IN TLSA 3 1 1 ${keyHash}`,
      ...keys.records().map(({ name, strings }) => `${name}. 3600 IN TXT ${strings.map(string => `"${string}"`).join(' ')}`),
    ])
      assert.ok(zone.stdout.split('\n').includes(line), line)

    const table = dns('example.org').stdout
    for (const { text } of keys.records()) assert.ok(table.includes(text))
    assert.match(table, /^Page https:\/\/autoconfig\.example\.org\/mail\/config-v1\.1\.xml$/m)

    const facts = JSON.parse(dns('example.org', '--json', '--web-host', 'none').stdout) as {
      domain: string
      pages: unknown[]
      records: { type: string; value: unknown }[]
    }
    assert.deepEqual([facts.domain, facts.pages], ['example.org', []])
    assert.deepEqual(facts.records.find(({ type }) => type === 'TLSA')?.value, { usage: 3, selector: 1, matchingType: 1, data: keyHash })
  },
)

test('what cannot be published is refused with the way out (RFC 1035 §2.3.4)', () => {
  for (const [words, text] of [
    [['exa mple'], /"exa mple" is no name in DNS/],
    [['example.org', '--ipv4', 'localhost'], /"localhost" is no IPv4 address/],
    [['example.org', '--dmarc', 'strict'], /--dmarc takes one of quarantine, none, reject/],
    [['example.org', '--zone', '--table'], /exclude each other/],
  ] as const) {
    const { status, stdout, stderr } = dns(...words)
    assert.notEqual(status, 0)
    assert.equal(stdout, '')
    assert.match(stderr, text)
  }
})

test('a further domain of a server leads to the server, by the one name that it has (RFC 5321 §5.1)', { timeout: 60_000 }, async () => {
  await dkimKeys({ folder: join(data, 'dkim'), domains: ['second.test'] })
  writeFileSync(personalFiles(data).lastUser, 'me@home.test\n')
  assert.match(dns('second.test', '--zone').stdout, /^second\.test\. 3600 IN MX 10 mail\.home\.test\.$/m)
  assert.match(dns('second.test', '--zone', '--host', 'mx.second.test').stdout, /IN MX 10 mx\.second\.test\.$/m)
  assert.match(dns('elsewhere.test', '--zone').stdout, /IN MX 10 mail\.elsewhere\.test\.$/m, 'it does not serve this one')
})
