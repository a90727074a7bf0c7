import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { recordsFor } from 'mailwright/dns'
import { personalFiles, personalServer } from 'mailwright/server'
import { SMTPServer } from 'smtp-server'
import { dkimKeys } from '../../src/outbound/signing/dkim-keys.ts'
import { testCertificate } from '../dns/certificate.ts'
import { dnsWorld, noDnsWorld } from '../dns/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'mailwright-patient-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the command line without waiting in this thread: the servers that it looks at live here. */
const mailwright = Object.assign((...words: readonly string[]) => ran('', words), {
  with: (input: string, ...words: readonly string[]) => ran(input, words),
})

async function ran(input: string, words: readonly string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  const child = spawn(process.execPath, ['--conditions=mailwright-source', main, ...words], { stdio: 'pipe' })
  child.stdin.end(input)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()))
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout, stderr }
}

/** A web server that has the page of MTA-STS. */
async function pageServer(cert: string, key: string, page: string) {
  const server = createServer({ cert, key }, (request, response) => {
    const isThere = request.url === '/.well-known/mta-sts.txt' && request.headers.host === 'mta-sts.good.test'
    response.writeHead(isThere ? 200 : 404, { 'content-type': 'text/plain' }).end(isThere ? page : '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: async () => void server.close() }
}

/** A server that takes everything for everybody, has no TLS, and calls itself something else. */
async function carelessServer() {
  const server = new SMTPServer({
    name: 'localhost.localdomain',
    disabledCommands: ['STARTTLS', 'AUTH'],
    authOptional: true,
    disableReverseLookup: true,
    onData: (stream, _session, done) => {
      stream.resume()
      stream.on('end', () => done())
    },
  })
  const listening = server.listen(0, '127.0.0.2')
  await once(listening, 'listening')
  return {
    port: (listening.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())),
  }
}

const jsonLines = (
  text: string,
): readonly { readonly check: string; readonly level: string; readonly found: string; readonly publish?: readonly string[] }[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { check: string; level: string; found: string })

test(
  'the doctor finds a good domain well and says of a broken one what to mend (RFC 5321 §5.1; RFC 7208 §4.6; RFC 7672 §3; RFC 8461 §3)',
  { skip: noDnsWorld, timeout: 120_000 },
  async t => {
    const data = join(folder, 'good')
    const certificate = testCertificate('mail.good.test', 'mta-sts.good.test')
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, certificate.cert)
    mkdirSync(personalFiles(data).tls, { recursive: true })
    writeFileSync(join(personalFiles(data).tls, 'good-cert.pem'), certificate.cert)
    await dkimKeys({ folder: join(data, 'dkim'), domains: ['good.test'] })

    const zone = await mailwright('dns', 'good.test', '--zone', '--ipv4', '127.0.0.1', '--mta-sts', 'enforce', '--data', data)
    assert.equal(zone.status, 0, zone.stderr)
    const [page] = recordsFor('good.test', { mtaSts: { mode: 'enforce' } }).pages

    await using personal = await personalServer({
      data,
      domain: 'good.test',
      user: 'ann@good.test',
      tls: { cert: certificate.cert, key: certificate.key },
      ports: { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 },
    })
    for (const role of ['postmaster', 'abuse']) await personal.directory.setAlias(`${role}@good.test`, [personal.user])
    await using web = await pageServer(certificate.cert, certificate.key, page?.text ?? '')
    await using careless = await carelessServer()
    await using world = await dnsWorld({
      'good.test': { signed: true, records: zone.stdout },
      'broken.test': {
        signed: true,
        records: [
          'broken.test. 300 IN MX 10 old.broken.test.',
          'broken.test. 300 IN MX 20 mail.broken.test.',
          'mail.broken.test. 300 IN A 127.0.0.2',
          'broken.test. 300 IN TXT "v=spf1 ip4:127.0.0.300 include:nowhere.broken.test +all"',
          '_dmarc.broken.test. 300 IN TXT "v=DMARC1; p=rejcet"',
          '_mta-sts.broken.test. 300 IN TXT "v=STSv1; id=1"',
          '_smtp._tls.broken.test. 300 IN TXT "v=TLSRPTv1; rua=postmaster@broken.test"',
          `_25._tcp.mail.broken.test. 300 IN TLSA 3 1 1 ${'ab'.repeat(32)}`,
          '_imaps._tcp.broken.test. 300 IN SRV 0 1 993 old.broken.test.',
        ].join('\n'),
      },
      '127.in-addr.arpa': {
        records: '1.0.0.127.in-addr.arpa. 300 IN PTR mail.good.test.\n2.0.0.127.in-addr.arpa. 300 IN PTR customer-2.provider.test.',
      },
    })
    const { ports } = personal.server
    const asked = ['--dns', world.resolver, '--allow-private-networks', '--ca', ca, '--https-port', String(web.port), '--data', data]
    const doors = ['smtp', 'submission', 'submissions', 'imaps', 'pop3s'] as const

    await t.test('all is well with the good one', async () => {
      const { status, stdout, stderr } = await mailwright(
        'doctor',
        'good.test',
        ...asked,
        ...doors.flatMap(door => [`--${door}-port`, String(ports[door])]),
      )
      t.diagnostic(`\n${stdout}`)
      assert.equal(status, 0, stdout + stderr)
      assert.doesNotMatch(stdout, /^(?:fault|warning|note)/m)
      assert.match(stdout, /^All is well\.$/m)
      for (const text of [
        /^ok +MX records of good\.test: mail goes to mail\.good\.test$/m,
        /^ok +reverse DNS of 127\.0\.0\.1: mail\.good\.test, and back again$/m,
        /^ok +SPF of good\.test: "v=spf1 mx -all", 1 of 10 questions, lets this server send$/m,
        /^ok +DKIM key \S+: published, and the one that we sign with \(ed25519\)$/m,
        /^ok +MTA-STS of good\.test: mode enforce, names mail\.good\.test$/m,
        /^ok +DANE of mail\.good\.test: 1 TLSA record, vouched for, and the certificate fits$/m,
        /^ok +mail for others, from strangers: 7 ways tried, all refused/m,
        /^ok +a test message to the server itself: it was in INBOX of ann@good\.test after \d+ ms$/m,
      ])
        assert.match(stdout, text)
    })

    await t.test('without the folder it looks for the test message over IMAP, and sends no password to a stranger', async () => {
      const there = [
        ...asked.slice(0, -1),
        join(folder, 'nowhere'),
        ...doors.flatMap(door => [`--${door}-port`, String(ports[door])]),
        '--json',
      ]
      const delivery = async (password: string, words: readonly string[]): Promise<string> => {
        const { stdout } = await mailwright.with(password, 'doctor', 'good.test', '--login', 'ann@good.test', ...words)
        const finding = jsonLines(stdout).find(({ check }) => check === 'delivery')
        return `${finding?.level}: ${finding?.found}`
      }
      assert.match(await delivery(personal.password ?? '', there), /^ok: it was in INBOX of ann@good\.test after/)
      assert.match(await delivery('wrong', there), /^note: could not be checked: IMAP refused the login of ann@good\.test$/)
      const without = there.filter((word, at) => word !== '--ca' && there[at - 1] !== '--ca')
      assert.match(
        await delivery(personal.password ?? '', without),
        /^note: could not be checked: the certificate for IMAP is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\), so the password was not sent$/,
      )
    })

    await t.test('every fault of the broken one is named, with the line to publish', async () => {
      const where = ['--smtp-port', String(careless.port), '--data', join(folder, 'nowhere')]
      const words = await mailwright('doctor', 'broken.test', ...asked.slice(0, -2), ...where)
      t.diagnostic(`\n${words.stdout}`)
      assert.equal(words.status, 1)
      assert.match(words.stdout, /^Not well: mail is lost, refused or unsafe until the faults above are mended\.$/m)

      const { status, stdout } = await mailwright('doctor', 'broken.test', '--json', ...asked.slice(0, -2), ...where)
      assert.equal(status, 1)
      const findings = jsonLines(stdout)
      const of = (check: string): readonly string[] =>
        findings.filter(finding => finding.check === check).map(({ level, found }) => `${level}: ${found}`)
      const has = (check: string, text: RegExp): void => assert.match(of(check).join('\n'), text)
      has('mx', /warning: mail goes to old\.broken\.test first/)
      has('reverse', /fault: the address is called customer-2\.provider\.test, but that name does not lead back/)
      has('greeting', /warning: it calls itself localhost\.localdomain/)
      has('port', /warning: no STARTTLS is offered/)
      has('port', /warning: no connection/)
      has('spf', /fault: the policy of broken\.test has "ip4:127\.0\.0\.300", which is no network/)
      has('spf', /fault: the policy of broken\.test includes nowhere\.broken\.test, which has no SPF record/)
      has('spf', /fault: it lets everybody send/)
      has('dkim', /note: no keys in this folder/)
      has('dmarc', /fault: it has no policy that receivers understand: "v=DMARC1; p=rejcet"/)
      has('mta-sts', /fault: there is a record, but its page cannot be had/)
      has('tls-rpt', /warning: it names no address for reports/)
      has('dane', /fault: TLSA records are published, but 127\.0\.0\.2 offers no TLS/)
      has('srv', /warning: _imaps\._tcp\.broken\.test sends clients to old\.broken\.test port 993/)
      has('open-relay', /fault: the server takes mail for anybody: <someone@example\.net> from <doctor@example\.com>/)
      has('delivery', /note: could not be checked: there is no mail in/)
      const dmarc = findings.find(({ check }) => check === 'dmarc')
      assert.deepEqual(dmarc?.publish, ['_dmarc.broken.test. 3600 IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@broken.test"'])
    })
  },
)

test('without a network every look says so, and none is a fault (RFC 2308 §7)', { timeout: 60_000 }, async () => {
  const { status, stdout } = await mailwright('doctor', 'good.test', '--dns', '127.0.0.1:1', '--json', '--data', join(folder, 'nowhere'))
  assert.equal(status, 0, stdout)
  const findings = jsonLines(stdout).filter(({ check }) => check !== 'summary' && check !== 'clock')
  assert.ok(findings.length > 10)
  for (const { found } of findings) assert.match(found, /^could not be checked: |^no keys in this folder/)
})
