import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { TlsaRecord } from 'mailwright/contracts'
import { tlsaOf } from 'mailwright/dns'
import { memoryStore } from 'mailwright/stores/memory'
import { storeLookout } from '../../src/cli/doctor/lookout.ts'
import { ADDRESS, examine, holds, imap, NOW, PEER, said, shows, smtp } from './patient.ts'
import type { Changes, Script } from './patient.ts'

const host = 'mail.example.org'
const at = (port: number): string => `${ADDRESS}:${port}`

const policy = (text: string): Changes => ({ page: { text } })
const body = (mode: string, mx = host): string => `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 86400\n`

test('MTA-STS and reports (RFC 8461 §3; RFC 8460 §3)', () =>
  holds([
    ['not used', { zone: { '_mta-sts.example.org': undefined, 'mta-sts.example.org': undefined } }, 'mta-sts', /^note: not used/],
    ['page without record', { zone: { '_mta-sts.example.org': undefined } }, 'mta-sts', /^warning: there is a page but no record/],
    [
      'record without page',
      { page: new MailError('unavailable', 'refused') },
      'mta-sts',
      /^fault: there is a record, but its page cannot be had: refused/,
    ],
    ['not found', { page: { status: 404 } }, 'mta-sts', /^fault: there is a record, but its page is answered 404/],
    ['moved', { page: { status: 301 } }, 'mta-sts', /^fault: .* 301/],
    ['no id', { zone: { '_mta-sts.example.org': { txt: ['v=STSv1; id=a-b'] } } }, 'mta-sts', /^fault: its record has no id/],
    [
      'other mx, enforced',
      policy(body('enforce', 'mx.provider.net')),
      'mta-sts',
      /^fault: its page names mx\.provider\.net, not mail\.example\.org: others refuse to deliver/,
    ],
    ['other mx, testing', policy(body('testing', 'mx.provider.net')), 'mta-sts', /^warning: /],
    ['a star', policy(body('enforce', '*.example.org')), 'mta-sts', /^ok: mode enforce/],
    ['a star is one label', policy(body('enforce', '*.org')), 'mta-sts', /^fault: its page names \*\.org/],
    ['testing', policy(body('testing')), 'mta-sts', /^note: in testing/],
    ['no version', policy(body('enforce').replace('STSv1', 'STSv2')), 'mta-sts', /^fault: its page cannot be used: its version/],
    ['no mode', policy(body('on')), 'mta-sts', /it has no mode/],
    ['max_age', policy(body('enforce').replace('86400', 'a week')), 'mta-sts', /max_age/],
    ['html', { page: { type: 'text/html' } }, 'mta-sts', /^warning: its page is sent as "text\/html"/],
    [
      'untrusted',
      { servers: { [at(25)]: { script: smtp, tls: shows([host], [-1, 60], 'DEPTH_ZERO_SELF_SIGNED_CERT') } } },
      'mta-sts',
      /^fault: the server's certificate is not trusted/,
    ],
    ['reports, none', { zone: { '_smtp._tls.example.org': undefined } }, 'tls-rpt', /^note: not used/],
    [
      'reports, nowhere',
      { zone: { '_smtp._tls.example.org': { txt: ['v=TLSRPTv1; rua=me@example.org'] } } },
      'tls-rpt',
      /^warning: it names no address/,
    ],
  ]))

const tlsa = (...records: readonly TlsaRecord[]): NonNullable<Changes['zone']> => ({ '_25._tcp.mail.example.org': { tlsa: records } })
const [der = new Uint8Array()] = PEER.chain
const right = tlsaOf(new X509Certificate(der).toString())
const wrong: TlsaRecord = { ...right, data: new Uint8Array(32) }

test('DANE: records that are vouched for and fit (RFC 6698 §2.1; RFC 7672 §3.1)', () =>
  holds([
    ['fits', { zone: tlsa(right) }, 'dane', /^ok: 1 TLSA record, vouched for, and the certificate fits$/],
    ['one of two', { zone: tlsa(wrong, right) }, 'dane', /^ok: 2 TLSA records/],
    ['whole certificate', { zone: tlsa({ usage: 3, selector: 0, matchingType: 0, data: der }) }, 'dane', /^ok: /],
    ['does not fit', { zone: tlsa(wrong) }, 'dane', /^fault: no TLSA record fits/],
    ['a usage that is not for mail', { zone: tlsa({ ...right, usage: 1 }) }, 'dane', /^fault: no TLSA record fits/],
    [
      'not vouched for',
      { zone: { '_25._tcp.mail.example.org': { tlsa: [right], authentic: false } } },
      'dane',
      /^warning: TLSA records are published, but the resolver does not vouch/,
    ],
    [
      'no TLS',
      { zone: tlsa(right), servers: { [at(25)]: { script: line => smtp(line)?.replace('250 STARTTLS', '250 SIZE') } } },
      'dane',
      /^fault: .* offers no TLS/,
    ],
  ]))

const port25 = (script: Script, tls = PEER): Changes => ({ servers: { [at(25)]: { script, tls } } })
const port993 = (tls: typeof PEER | undefined, script: Script = imap): Changes => ({
  servers: { [at(993)]: tls === undefined ? { script } : { script, tls } },
})

test('ports: reachable, encrypted, with a certificate for the name that lasts (RFC 8314 §4; RFC 9525 §6)', () =>
  holds([
    ['25 closed', { servers: { [at(25)]: { script: () => undefined } } }, 'port', /^fault: no connection: it said nothing for 1 s$/m],
    ['nobody there', { patient: { ports: { smtp: 26 } } }, 'port', /^fault: no connection: nobody listens there$/],
    [
      'something else',
      port25(line => (line === '' ? 'SSH-2.0-OpenSSH\n' : undefined)),
      'port',
      /^fault: no connection: it does not speak SMTP: "SSH-2\.0-OpenSSH"$/m,
    ],
    ['busy', port25(line => (line === '' ? '421 too many' : undefined)), 'port', /^fault: no connection: it greets with 421 too many$/m],
    [
      'no STARTTLS',
      port25(line => smtp(line)?.replace('250 STARTTLS', '250 SIZE')),
      'port',
      /^warning: no STARTTLS is offered: everybody/m,
    ],
    [
      'injected',
      port25(line => (line === 'STARTTLS' ? '220 go\r\n250 injected' : smtp(line))),
      'port',
      /^fault: TLS does not begin: it sent more in the clear behind/m,
    ],
    [
      'endless',
      port25(line => (line === '' ? '220 x' : Array.from({ length: 200 }, () => '250-more').join('\r\n'))),
      'port',
      /^fault: no connection: it does not stop talking/m,
    ],
    ['no TLS on 993', port993(undefined), 'port', /^fault: TLS does not begin/m],
    ['expired', port993(shows([host], [-100, -1])), 'port', /^fault: its certificate ended on 2026-11-23$/m],
    ['not yet', port993(shows([host], [1, 100])), 'port', /^fault: its certificate begins only on 2026-11-25$/m],
    ['soon', port993(shows([host], [-80, 10])), 'port', /^warning: its certificate ends on 2026-12-04$/m],
    [
      'other name',
      port993(shows(['www.example.org'])),
      'port',
      /^fault: its certificate is for www\.example\.org, not for mail\.example\.org$/m,
    ],
    [
      'a star',
      port993(shows(['*.example.org'])),
      'port',
      /^ok: answers, with TLSv1\.3; certificate for mail\.example\.org, until 2027-01-23$/m,
    ],
    [
      'self-signed',
      port993(shows([host], [-1, 60], 'DEPTH_ZERO_SELF_SIGNED_CERT')),
      'port',
      /^warning: its certificate signs itself: clients warn/m,
    ],
    [
      'no way',
      {
        patient: { ports: { smtp: 2525 } },
        servers: {
          [at(2525)]: {
            get script(): Script {
              throw new Error('connect ENETUNREACH')
            },
          },
        },
      },
      'port',
      /^note: could not be checked: connect ENETUNREACH$/,
    ],
    ['no address', { records: { ipv4: [] }, zone: { [host]: undefined } }, 'port', /^note: could not be checked: there is no address/],
  ]))

test('clients find the server (RFC 6186 §3)', () =>
  holds([
    ['missing', { zone: { '_imaps._tcp.example.org': undefined } }, 'srv', /^note: 1 of 6 are missing/],
    [
      'elsewhere',
      { zone: { '_imaps._tcp.example.org': { srv: [{ priority: 0, weight: 0, port: 993, target: 'old.example.org' }] } } },
      'srv',
      /^warning: _imaps\._tcp\.example\.org sends clients to old\.example\.org port 993/,
    ],
    ['no page', { zone: { 'autoconfig.example.org': undefined } }, 'client-setup', /^note: there is none/],
  ]))

const taking = (pattern: RegExp): Changes => port25(line => (line.startsWith('RCPT') && pattern.test(line) ? '250 ok' : smtp(line)))
const listed = (more: Changes['zone']): Changes => ({
  patient: { blocklists: ['bl.example'] },
  zone: { '2.0.0.127.bl.example': { a: ['127.0.0.2'] }, ...more },
})

test('misuse and lists (RFC 5321 §7.9; RFC 5782 §2.1, §5)', () =>
  holds([
    ['open', taking(/example\.net>/), 'open-relay', /^fault: the server takes mail for anybody: <someone@example\.net> from/],
    ['source route', taking(/<@/), 'open-relay', /^fault: .*<@example\.org:someone@example\.net>/],
    ['catch-all', taking(/@example\.org>/), 'open-relay', /^warning: strange recipients of the domain are taken/],
    ['listed', listed({ '25.4.8.8.bl.example': { a: ['127.0.0.4'] } }), 'blocklist', /^fault: listed \(127\.0\.0\.4\)/],
    ['not listed', listed({}), 'blocklist', /^ok: not listed$/],
    [
      'refused to answer',
      listed({ '2.0.0.127.bl.example': { a: ['127.255.255.254'] } }),
      'blocklist',
      /^note: could not be checked: the list does not answer this resolver/,
    ],
    ['not asked', {}, 'blocklist', /^$/],
    [
      'no postmaster',
      port25(line => (line === 'RCPT TO:<postmaster@example.org>' ? '550 5.1.1 who?' : smtp(line))),
      'roles',
      /^warning: postmaster@example\.org is refused \(550 5\.1\.1 who\?\), so reports and complaints are lost$/,
    ],
  ]))

const gmail = { 'far.example': { mx: ['mx.far.example'] }, 'mx.far.example': { a: ['9.9.9.9'] } }

test('the way out, where it is asked for (RFC 5321 §4.5.4.2)', () =>
  holds([
    ['not asked for', {}, 'reach', /^$/],
    [
      'open',
      { patient: { reach: 'far.example' }, zone: gmail, servers: { '9.9.9.9:25': { script: smtp } } },
      'reach',
      /^ok: mx\.far\.example \(9\.9\.9\.9\) answers$/,
    ],
    [
      'closed',
      { patient: { reach: 'far.example' }, zone: gmail },
      'reach',
      /^fault: mx\.far\.example \(9\.9\.9\.9\) does not answer, so mail cannot leave: .*REFUSED/,
    ],
    [
      'private',
      { patient: { reach: 'far.example' }, zone: { ...gmail, 'mx.far.example': { a: ['10.0.0.1'] } } },
      'reach',
      /^note: could not be checked: far\.example has no mail server/,
    ],
  ]))

test('the clock (RFC 5322 §3.3)', () =>
  holds([
    ['right', {}, 'clock', /^ok: .* the web server agrees$/],
    ['ahead', { page: { date: NOW - 600_000 } }, 'clock', /^warning: it is 600 s ahead of the web server's$/],
    ['nothing to compare', { page: new Error('down') }, 'clock', /^ok: .*nothing to compare it with/],
  ]))

test('the test message is awaited in the mailbox, and greylisting is told apart (RFC 5321 §4.1.1.4)', async () => {
  const store = memoryStore()
  const mailbox = {
    to: 'ann@example.org',
    lookout: () => ({ ...storeLookout(store, 'ann'), [Symbol.asyncDispose]: async () => undefined }),
  }
  const arrives = (answer: string): Changes => {
    const lines: string[] = []
    let isData = false
    return {
      patient: { mailbox },
      ...port25(line => {
        if (line === 'DATA') isData = true
        if (isData && line !== 'DATA') lines.push(line)
        if (isData && line === '.') {
          isData = false
          const content = Buffer.from(lines.join('\r\n'))
          void deliver(store, content)
          return '250 taken'
        }
        if (isData) return line === 'DATA' ? '354 go' : undefined
        return line.startsWith('RCPT TO:<ann@') ? answer : smtp(line)
      }),
    }
  }
  assert.match(said(await examine(arrives('250 ok')), 'delivery'), /^ok: it was in INBOX of ann@example\.org after \d+ ms$/)
  assert.match(
    said(await examine(arrives('451 4.7.1 greylisted')), 'delivery'),
    /^note: for now the server refuses the recipient with 451 4\.7\.1 greylisted$/,
  )
  assert.match(
    said(await examine(arrives('550 5.1.1 who?')), 'delivery'),
    /^fault: the server refuses the recipient with 550 5\.1\.1 who\?$/,
  )
})

async function deliver(store: ReturnType<typeof memoryStore>, content: Uint8Array): Promise<void> {
  const account = await store.open('ann')
  const [inbox] = await account.mailboxes()
  if (inbox === undefined) throw new Error('no inbox')
  const source = { size: content.length, read: (start: number, end: number) => content.subarray(start, end) }
  await account.mailbox(inbox.id).append([{ content: source, flags: [], internalDate: 0, summary: new Uint8Array() }])
}
