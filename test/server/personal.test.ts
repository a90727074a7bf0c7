import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { personalFiles, personalServer } from 'mailwright/server'
import type { PersonalServer } from 'mailwright/server'
import { writeDmarcReport } from 'mailwright/filters/sender-auth'
import type { ReceivedReport } from 'mailwright/contracts'
import nodemailer from 'nodemailer'
import { gzipSync } from 'node:zlib'

const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }

async function aliasesOf({ directory }: PersonalServer): Promise<readonly string[]> {
  return (await directory.aliases()).map(({ address, targets }) => `${address} > ${targets.join(', ')}`)
}

test('postmaster and abuse lead to the first account, unless they lead elsewhere already (RFC 2142 §2, §4)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  {
    await using personal = await personalServer({ data, domain: 'home.test', user: 'ann@home.test', ports })
    assert.deepEqual(await aliasesOf(personal), ['abuse@home.test > ann@home.test', 'postmaster@home.test > ann@home.test'])
    await personal.directory.setAlias('abuse@home.test', ['desk@far.example'])
    await personal.directory.removeAlias('postmaster@home.test')
    await personal.directory.addAccount({ address: 'postmaster@home.test', password: 'correct horse' })
    await personal.directory.addDomain('other.test')
  }
  {
    await using personal = await personalServer({ data, ports })
    assert.deepEqual(await aliasesOf(personal), ['abuse@home.test > desk@far.example'])
  }
})

test('a first start that fails leaves no account behind whose password nobody was told', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  await assert.rejects(personalServer({ data, ports: { ...ports, pop3s: port } }), { kind: 'in-use' })
  await assert.rejects(personalServer({ data, user: 'ann@home.test', password: 'correct horse', ports: { ...ports, pop3s: port } }))

  await using personal = await personalServer({ data, user: 'me@home.test', ports })
  assert.equal(personal.firstStart, true)
  assert.ok(personal.password !== undefined && personal.guide.includes(personal.password))
  const addresses = (await personal.directory.accounts()).map(({ address }) => address)
  assert.deepEqual(addresses.toSorted(), ['ann@home.test', 'me@home.test'], 'an account whose password was given stays')
})

test('a server keeps its name and its account when a domain and an account are added that come first in the alphabet', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  const certificate = (): Buffer => readFileSync(join(personalFiles(data).tls, 'development-cert.pem'))
  const plain = { ports, filters: false, outbound: false } as const
  {
    await using personal = await personalServer({ data, domain: 'home.test', ...plain })
    await personal.directory.addDomain('a.test')
    for (const address of ['ann@a.test', 'ann@home.test']) await personal.directory.addAccount({ address, password: 'correct horse' })
  }
  const before = certificate()
  {
    await using personal = await personalServer({ data, ...plain })
    assert.deepEqual([personal.domain, personal.user], ['home.test', 'me@home.test'])
    assert.deepEqual(certificate(), before, 'clients that trust it are not asked again')
  }
  {
    await using personal = await personalServer({ data, user: 'ann@a.test', ...plain })
    assert.deepEqual([personal.domain, personal.user], ['a.test', 'ann@a.test'])
  }
  await using personal = await personalServer({ data, ...plain })
  assert.deepEqual([personal.domain, personal.user], ['a.test', 'ann@a.test'], 'that of the last start')
})

test('a start that was mistyped leaves no domain behind', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  await assert.rejects(personalServer({ data, user: 'ann@home.test', domain: 'hmoe.test', ports }), { code: 'MW_USER_ELSEWHERE' })
  await using personal = await personalServer({ data, ports, filters: false, outbound: false })
  assert.deepEqual(await personal.directory.domains(), ['home.test'])
})

test('a domain in letters of its own is served under an A-label as host name (RFC 5890 §2.3.2.1)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  await using personal = await personalServer({ data, domain: 'bücher.example', ports })
  const client = connect(personal.server.ports.smtp ?? 0, '127.0.0.1').setEncoding('utf8')
  t.after(() => client.destroy())
  const [greeting] = await once(client, 'data')
  assert.match(String(greeting), /^220 mail\.xn--bcher-kva\.example /)
})

test('a catch-all takes mail for the postmaster too (RFC 5321 §4.5.1)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  {
    await using personal = await personalServer({ data, domain: 'home.test', ports })
    for (const role of ['abuse', 'postmaster']) await personal.directory.removeAlias(`${role}@home.test`)
    await personal.directory.setAlias('@home.test', ['me@home.test'])
  }
  {
    await using personal = await personalServer({ data, ports })
    assert.deepEqual(await aliasesOf(personal), ['@home.test > me@home.test'])
  }
  assert.ok(existsSync(personalFiles(data).tlsReports), 'what TLS came to is kept for the daily reports')
})

test('a report on DMARC that comes for the postmaster is mail, an event, and a record that outlives a restart (RFC 9990 §3)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  const row = { ip: '203.0.113.7', count: 3, disposition: 'reject', dkim: 'fail', spf: 'fail', headerFrom: 'home.test' } as const
  const content = gzipSync(
    writeDmarcReport({
      organisation: 'Far',
      email: 'd@far.example',
      id: '17',
      begin: 1_700_000_000,
      end: 1_700_086_400,
      policy: { domain: 'home.test', p: 'reject' },
      records: [{ ...row, reasons: [], envelopeFrom: undefined, dkimResults: [], spfResults: [] }],
    }),
  )
  const events: ReceivedReport[] = []
  let delivered = 0
  {
    await using personal = await personalServer({ data, domain: 'home.test', user: 'ann@home.test', ports, filters: false })
    personal.server.on('report', report => void events.push(report))
    personal.server.on('delivered', ({ recipient }) => void (delivered += recipient.local === 'postmaster' ? 1 : 0))
    const sender = nodemailer.createTransport({
      host: '127.0.0.1',
      port: personal.server.ports.smtp ?? 0,
      tls: { rejectUnauthorized: false },
    })
    await sender.sendMail({
      from: 'd@far.example',
      to: 'postmaster@home.test',
      subject: 'Report Domain: home.test',
      attachments: [{ filename: 'far!home.test!1700000000!1700086400.xml.gz', content, contentType: 'application/gzip' }],
    })
    sender.close()
  }
  {
    await using personal = await personalServer({ data, ports })
    const [report] = await personal.server.reports({ domain: 'home.test' })
    assert.ok(report?.kind === 'dmarc')
    assert.deepEqual(JSON.parse(JSON.stringify(events)), [report])
    assert.equal(delivered, 1)
    assert.deepEqual([report.sender, report.report.id, report.report.records[0]?.count], ['d@far.example', '17', 3])
  }
})
