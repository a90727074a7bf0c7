import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADDRESS, examine, holds, KEY, PEER, smtp } from './patient.ts'
import type { Changes } from './patient.ts'

const at = (port: number): string => `${ADDRESS}:${port}`
const host = 'mail.example.org'

test('of a domain that is well nothing is said but ok (RFC 5321 §5.1)', async () => {
  const findings = await examine()
  const others = findings.filter(({ level }) => level !== 'ok').map(({ check, found }) => `${check}: ${found}`)
  assert.deepEqual(others, ['dane: not used, though the zone is signed', 'delivery: could not be checked: no mailbox in this test'])
  assert.ok(findings.length > 15)
  for (const { looked, found } of findings) assert.ok(looked !== '' && found !== '')
})

test('the way of mail: exchangers (RFC 5321 §5.1; RFC 7505 §3)', () =>
  holds([
    [
      'no such domain',
      { zone: { 'example.org': undefined, ...Object.fromEntries(below) } },
      'mx',
      /^fault: example\.org does not exist in DNS$/,
    ],
    ['no exchanger', { zone: { 'example.org': { txt: ['v=spf1 mx -all'] } } }, 'mx', /^fault: there are none/],
    ['null MX', { zone: { 'example.org': { mx: [''] } } }, 'mx', /^fault: example\.org says that it takes no mail at all/],
    [
      'elsewhere',
      { zone: { 'example.org': { mx: ['mx.provider.net'] } } },
      'mx',
      /^fault: mail goes to mx\.provider\.net, not to mail\.example\.org$/,
    ],
    [
      'others too',
      { zone: { 'example.org': { mx: [host, { preference: 20, exchange: 'b.net' }] } } },
      'mx',
      /^note: mail also goes to b\.net/,
    ],
    [
      'others first',
      { zone: { 'example.org': { mx: [host, { preference: 5, exchange: 'b.net' }] } } },
      'mx',
      /^warning: mail goes to b\.net first/,
    ],
    [
      'alias',
      { zone: { [host]: { cname: 'x.example.org' }, 'x.example.org': { a: [ADDRESS] } } },
      'mx',
      /warning: mail\.example\.org is an alias of x\.example\.org/,
    ],
    ['no answer', { zone: { 'example.org': { fails: true } } }, 'mx', /^note: could not be checked: no answer/],
  ]))

/** Everything below the domain, gone. */
const below = [host, '_dmarc', '_mta-sts', 'mta-sts', '_smtp._tls', 'autoconfig', 'k1._domainkey', '_autodiscover._tcp']
  .concat(['submissions', 'submission', 'imaps', 'imap', 'pop3s', 'pop3'].map(name => `_${name}._tcp`))
  .map((name): [string, undefined] => [name === host ? host : `${name}.example.org`, undefined])

test('the way of mail: addresses and their names (RFC 1035 §3.5)', () =>
  holds([
    ['no address', { zone: { [host]: undefined } }, 'address', /^fault: there are none/],
    [
      'private',
      { records: { ipv4: [] }, zone: { [host]: { a: ['10.0.0.5'] } } },
      'address',
      /^fault: 10\.0\.0\.5 cannot be reached from the Internet$/,
    ],
    [
      'another',
      { zone: { [host]: { a: ['8.8.8.8'] } } },
      'address',
      /^fault: 8\.8\.4\.25 is not among them\nwarning: 8\.8\.8\.8 is published too/,
    ],
    [
      'IPv6 written otherwise',
      { records: { ipv6: ['2001:4860:0:0:0:0:0:8'] }, zone: { [host]: { a: [ADDRESS], aaaa: ['2001:4860::8'] } } },
      'address',
      /^ok: /,
    ],
    ['half an answer', { zone: { [host]: { a: [ADDRESS], fails: ['aaaa'] } } }, 'address', /^note: could not be checked/],
    ['no name', { zone: { [ADDRESS]: undefined } }, 'reverse', /^fault: the address has no name/],
    [
      'a name of its own',
      { zone: { [ADDRESS]: { ptr: ['x.provider.net'] }, 'x.provider.net': { a: [ADDRESS] } } },
      'reverse',
      /^warning: the address is called x\.provider\.net, which leads back/,
    ],
    [
      'a lie',
      { zone: { [ADDRESS]: { ptr: ['google.com'] }, 'google.com': { a: ['8.8.8.8'] } } },
      'reverse',
      /^fault: the address is called google\.com, but that name does not lead back/,
    ],
    [
      'greeting',
      { servers: { [at(25)]: { script: line => smtp(line)?.replaceAll(host, 'localhost'), tls: PEER } } },
      'greeting',
      /^warning: it calls itself localhost/,
    ],
  ]))

test('what the reverse of an address should be is said as a line (RFC 1035 §3.5)', async () => {
  const findings = await examine({ zone: { [ADDRESS]: undefined } })
  assert.deepEqual(findings.find(({ check }) => check === 'reverse')?.publish, ['25.4.8.8.in-addr.arpa. 3600 IN PTR mail.example.org.'])
})

const spf = (...txt: readonly string[]): Changes => ({ zone: { 'example.org': { mx: [host], txt } } })

test('SPF: one record, that can be read, with ten questions at most, that lets us send (RFC 7208 §4.5, §4.6)', () =>
  holds([
    ['none', spf('something else', 'v=spf10 -all'), 'spf', /^fault: there is none/],
    ['two', spf('v=spf1 mx -all', 'v=spf1 -all'), 'spf', /^fault: there are 2 records/],
    [
      'unknown mechanism',
      spf('v=spf1 mx ipv4:8.8.8.8 -all'),
      'spf',
      /^fault: the policy of example\.org has "ipv4:8\.8\.8\.8", which SPF does not know$/,
    ],
    ['bad network', spf('v=spf1 mx ip4:8.8.8.0/33 -all'), 'spf', /which is no network/],
    ['not us', spf('v=spf1 ip4:8.8.8.0/24 -all'), 'spf', /^fault: it does not let 8\.8\.4\.25 send, which is this server: "fail"/],
    ['us by network', spf('v=spf1 ip4:8.8.0.0/16 ~all'), 'spf', /^ok: /],
    ['us by address of the host', spf(`v=spf1 a:${host}/30 -all`), 'spf', /^ok: /],
    ['everybody', spf('v=spf1 mx +all'), 'spf', /^fault: it lets everybody send/],
    ['nobody said', spf('v=spf1 mx'), 'spf', /^warning: it says nothing of strangers/],
    ['exception first', spf('v=spf1 -ip4:8.8.4.25 mx -all'), 'spf', /"fail"/],
    [
      'include',
      { zone: { ...spf('v=spf1 include:_spf.p.net -all').zone, '_spf.p.net': { txt: ['v=spf1 ip4:8.8.4.0/24 -all'] } } },
      'spf',
      /^ok: .* 1 of 10 questions/,
    ],
    [
      'include that fails is no match',
      { zone: { ...spf('v=spf1 include:_spf.p.net mx -all').zone, '_spf.p.net': { txt: ['v=spf1 -all'] } } },
      'spf',
      /^ok: /,
    ],
    [
      'redirect',
      { zone: { ...spf('v=spf1 redirect=_spf.p.net').zone, '_spf.p.net': { txt: ['v=spf1 ip4:8.8.4.0/24 -all'] } } },
      'spf',
      /^ok: /,
    ],
    [
      'circle',
      { zone: { ...spf('v=spf1 mx include:a.net -all').zone, 'a.net': { txt: ['v=spf1 include:example.org -all'] } } },
      'spf',
      /leads back to example\.org/,
    ],
    [
      'too many',
      spf(`v=spf1 mx ${Array.from({ length: 10 }, () => `a:${host}`).join(' ')} -all`),
      'spf',
      /^fault: it takes 11 questions to read/,
    ],
    ['too many void', spf('v=spf1 mx a:x1.net a:x2.net a:x3.net -all'), 'spf', /^fault: 3 of its names do not exist/],
    [
      'endless',
      spf(`v=spf1 ${Array.from({ length: 500 }, (_, i) => `a:x${i}.net`).join(' ')} mx -all`),
      'spf',
      /^fault: it takes 501 questions/,
    ],
    ['behind all nothing counts', spf('v=spf1 mx -all nonsense:'), 'spf', /^ok: /],
    ['bounces', { zone: { [host]: { a: [ADDRESS], txt: ['v=spf1 -all'] } } }, 'spf-host', /^warning: it does not let 8\.8\.4\.25 send/],
    ['bounces, none', { zone: { [host]: { a: [ADDRESS] } } }, 'spf-host', /^note: there is none/],
  ]))

const key = (...txt: readonly string[]): Changes => ({ zone: { 'k1._domainkey.example.org': { txt } } })
const dmarc = (...txt: readonly string[]): Changes => ({ zone: { '_dmarc.example.org': { txt } } })

test('DKIM and DMARC: what is published is what we sign with, and a policy (RFC 6376 §3.6.1; RFC 9989 §4.7)', () =>
  holds([
    ['not published', key(), 'dkim', /^fault: it is not published/],
    ['another key', key(KEY.replace('11q', '22q')), 'dkim', /^fault: another key is published/],
    ['the same key, written otherwise', key(KEY.replace('k=ed25519; ', 'k=ed25519;t=s; ')), 'dkim', /^ok: published/],
    ['revoked', key('v=DKIM1; k=ed25519; p='), 'dkim', /^fault: it cannot be used: the key is revoked/],
    ['cut off', key(KEY.slice(0, -10)), 'dkim', /^fault: it cannot be used: it is not written as a key record is/],
    ['a test', key(`${KEY}; t=y`), 'dkim', /^warning: it is marked as a test/],
    ['twice', key(KEY, KEY), 'dkim', /^fault: several texts are published there/],
    ['no keys', { records: { dkim: [] } }, 'dkim', /^note: no keys in this folder/],
    ['a damaged folder', { patient: { unfitKeys: ['k1'] } }, 'dkim', /^fault: the record in the folder does not belong to the private key/],
    ['no policy', dmarc(), 'dmarc', /^warning: there is none/],
    ['two policies', dmarc('v=DMARC1; p=none', 'v=DMARC1; p=reject'), 'dmarc', /^fault: there are 2 records/],
    ['watching', dmarc('v=DMARC1; p=none'), 'dmarc', /^note: it only watches/],
    ['nothing but reports', dmarc('v=DMARC1; rua=mailto:me@example.org'), 'dmarc', /^note: it only watches/],
    ['nothing at all', dmarc('v=DMARC1'), 'dmarc', /^fault: it has no policy/],
    [
      'reports to a stranger',
      dmarc('v=DMARC1; p=reject; rua=mailto:me@far.example'),
      'dmarc',
      /^warning: its reports go to another domain, which does not say/,
    ],
    [
      'reports to a friend',
      {
        zone: {
          ...dmarc('v=DMARC1; p=reject; rua=mailto:me@far.example,mailto:me@example.org').zone,
          'example.org._report._dmarc.far.example': { txt: ['v=DMARC1'] },
        },
      },
      'dmarc',
      /^ok: /,
    ],
    ['misspelt', dmarc('v=DMARC1; p=rejekt'), 'dmarc', /^fault: it has no policy that receivers understand/],
    ['strict', dmarc('v=DMARC1;p=reject;adkim=s'), 'dmarc', /^ok: /],
  ]))
