import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { XMLParser } from 'fast-xml-parser'
import { ConfigurationError } from 'mailwright/contracts'
import { recordsFor, tableText, tlsaOf, zoneText } from 'mailwright/dns'
import { requireProgram } from '../support/programs.ts'
import { testCertificate } from './certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'mailwright-zone-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const certificate = testCertificate('mail.example.org')
const rsa = `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`
const published = recordsFor('Example.ORG.', {
  ipv4: ['192.0.2.25'],
  ipv6: ['2001:db8::25'],
  dkim: [
    { selector: 'r1', record: rsa },
    { selector: 'e1', record: `v=DKIM1; k=ed25519; p=${'B'.repeat(44)}; n="quoted\\ ü"` },
  ],
  certificates: [certificate.cert],
  alsoSends: ['include:spf.example.net'],
  silent: ['www'],
})

test('a domain gets everything that a mail server of its own needs (RFC 5321 §5.1; RFC 7208 §4.5; RFC 6376 §3.6.2; RFC 8461 §3.1)', () => {
  const lines = published.records.map(({ name, type, value }) => `${name} ${type} ${JSON.stringify(value)}`)
  assert.deepEqual(lines.slice(0, 7), [
    'example.org MX {"preference":10,"exchange":"mail.example.org"}',
    'mail.example.org A "192.0.2.25"',
    'mail.example.org AAAA "2001:db8::25"',
    '25.2.0.192.in-addr.arpa PTR "mail.example.org"',
    '5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR "mail.example.org"',
    'example.org TXT "v=spf1 mx include:spf.example.net -all"',
    'mail.example.org TXT "v=spf1 a -all"',
  ])
  assert.ok(lines.includes('_dmarc.example.org TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@example.org"'))
  assert.ok(lines.includes('_smtp._tls.example.org TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"'))
  assert.ok(lines.includes('mta-sts.example.org CNAME "mail.example.org"'))
  assert.ok(lines.includes('_imaps._tcp.example.org SRV {"priority":0,"weight":1,"port":993,"target":"mail.example.org"}'))
  assert.ok(lines.includes('_imap._tcp.example.org SRV {"priority":0,"weight":0,"port":0,"target":""}'))
  assert.ok(lines.includes('www.example.org MX {"preference":0,"exchange":""}'))
  assert.ok(lines.includes('www.example.org TXT "v=spf1 -all"'))
  const [page] = published.pages
  assert.equal(page?.url, 'https://mta-sts.example.org/.well-known/mta-sts.txt')
  assert.equal(page?.text, 'version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\nmax_age: 604800\r\n')
})

test('the id of an MTA-STS policy changes with the policy and with nothing else (RFC 8461 §3.1)', () => {
  const id = (options: Parameters<typeof recordsFor>[1]): unknown =>
    recordsFor('example.org', options).records.find(({ name }) => name === '_mta-sts.example.org')?.value
  assert.match(String(id({})), /^v=STSv1; id=[0-9a-f]{20}$/)
  assert.equal(id({}), id({ ttl: 5 }))
  assert.notEqual(id({}), id({ mtaSts: { mode: 'enforce' } }))
  assert.equal(id({ mtaSts: false }), undefined)
})

test('the TLSA record is the hash of the public key, whoever signed it (RFC 7672 §3.1.1)', () => {
  const { data, ...rest } = tlsaOf(certificate.cert)
  assert.deepEqual(rest, { usage: 3, selector: 1, matchingType: 1 })
  assert.equal(Buffer.from(data).toString('hex'), certificate.keyHash)
})

test('a server named like its domain has one SPF record (RFC 7208 §4.5), and what is no name or address is refused', () => {
  const texts = recordsFor('example.org', { host: 'example.org' }).records.filter(
    ({ name, type }) => type === 'TXT' && name === 'example.org',
  )
  assert.equal(texts.length, 1)
  for (const [domain, options] of [
    ['example org', {}],
    ['192.0.2.1', {}],
    ['', {}],
    ['example.org', { host: 'mail\n.example.org' }],
    ['example.org', { ipv4: ['2001:db8::1'] }],
    ['example.org', { ipv6: ['192.0.2.1'] }],
    ['example.org', { dkim: [{ selector: 'a"b', record: '' }] }],
    ['example.org', { alsoSends: ['a -all'] }],
  ] as const)
    assert.throws(() => recordsFor(domain, options), ConfigurationError, JSON.stringify([domain, options]))
})

test('mail clients find the server in the pages that they ask for (RFC 8314 §5.1)', () => {
  const [, thunderbird, outlook] = published.pages
  assert.equal(thunderbird?.url, 'https://autoconfig.example.org/mail/config-v1.1.xml')
  const parser = new XMLParser({ ignoreAttributes: false })
  const { clientConfig } = parser.parse(thunderbird?.text ?? '') as {
    clientConfig: { emailProvider: { '@_id': string; incomingServer: object[]; outgoingServer: object[] } }
  }
  assert.equal(clientConfig.emailProvider['@_id'], 'example.org')
  assert.deepEqual(clientConfig.emailProvider.incomingServer[0], {
    '@_type': 'imap',
    hostname: 'mail.example.org',
    port: 993,
    socketType: 'SSL',
    authentication: 'password-cleartext',
    username: '%EMAILADDRESS%',
  })
  assert.equal(clientConfig.emailProvider.outgoingServer.length, 2)
  const { Autodiscover } = parser.parse(outlook?.text ?? '') as { Autodiscover: { Response: { Account: { Protocol: object[] } } } }
  assert.deepEqual(Autodiscover.Response.Account.Protocol.length, 4)
})

test('the table tells people what to type, with long texts whole and without quotes', () => {
  const table = tableText(published)
  assert.ok(table.includes(rsa))
  assert.match(table, /^ {2}example\.org +MX +10 mail\.example\.org\.$/m)
  assert.match(table, /^Page https:\/\/mta-sts\.example\.org/m)
})

const zone = [
  'example.org. 3600 IN SOA ns.example.org. root.example.org. 1 3600 600 86400 300',
  'example.org. 3600 IN NS ns.example.org.',
  'ns.example.org. 3600 IN A 192.0.2.53',
  zoneText(published),
].join('\n')

test('what belongs to another zone is a comment in this one (RFC 1035 §5.2)', () => {
  const lines = zoneText(recordsFor('example.org', { host: 'mail.provider.net', ipv4: ['192.0.2.25'] })).split('\n')
  assert.ok(lines.includes('example.org. 3600 IN MX 10 mail.provider.net.'))
  for (const text of ['mail.provider.net. 3600 IN A 192.0.2.25', '25.2.0.192.in-addr.arpa. 3600 IN PTR mail.provider.net.']) {
    assert.ok(lines.includes(`; elsewhere: ${text}`), text)
    assert.ok(!lines.includes(text), text)
  }
})

function readBack(program: string, args: readonly string[]): string {
  const file = join(folder, 'example.org.zone')
  writeFileSync(file, zone)
  const { status, stdout, stderr } = spawnSync(program, [...args, file], { encoding: 'utf8' })
  assert.equal(status, 0, `${program}: ${stdout}${stderr}`)
  return stdout + stderr
}

test('ldns reads the zone fragment back as it was meant (RFC 1035 §5.1)', { skip: requireProgram('ldns-read-zone') }, () => {
  const lines = readBack('ldns-read-zone', []).split('\n')
  const read = (name: string, type: string): string[] =>
    lines.flatMap(line => {
      const [owner, , , of, ...rest] = line.split(/\s+/)
      return owner === `${name}.` && of === type ? [rest.join(' ')] : []
    })
  assert.deepEqual(read('example.org', 'MX'), ['10 mail.example.org.'])
  assert.deepEqual(read('example.org', 'TXT'), ['"v=spf1 mx include:spf.example.net -all"'])
  // Two strings, the first of 255 octets.
  assert.deepEqual(read('r1._domainkey.example.org', 'TXT'), [`"${rsa.slice(0, 255)}" "${rsa.slice(255)}"`])
  assert.match(read('e1._domainkey.example.org', 'TXT')[0] ?? '', /n=\\"quoted\\\\ \\195\\188\\""$/)
  assert.deepEqual(read('_25._tcp.mail.example.org', 'TLSA'), [`3 1 1 ${certificate.keyHash}`])
  assert.deepEqual(read('www.example.org', 'MX'), ['0 .'])
  const own = published.records.filter(({ purpose }) => purpose !== 'reverse')
  assert.equal(lines.filter(line => line.trim() !== '').length, own.length + 3)
})

test('named-checkzone finds nothing wrong with it (RFC 1035 §5.2)', { skip: requireProgram('named-checkzone') }, () => {
  assert.match(readBack('named-checkzone', ['-k', 'fail', '-n', 'fail', '-m', 'fail', 'example.org']), /^OK$/m)
})

test('nsd-checkzone finds nothing wrong with it (RFC 1035 §5.2)', { skip: requireProgram('nsd-checkzone') }, () => {
  assert.match(readBack('nsd-checkzone', ['example.org']), /zone example\.org is ok/)
})
