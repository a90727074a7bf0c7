import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import {
  DmarcReportCollector,
  dmarcReports,
  readDmarcReport,
  readTlsReport,
  senderAuth,
  writeDmarcReport,
} from 'mailwright/filters/sender-auth'
import type { DmarcReport, OutgoingReport, TlsReport } from 'mailwright/filters/sender-auth'
import { fakeResolver } from 'mailwright/testing'
import { address, connectionOf, houseOf, spooled } from '../pipeline/house.ts'
import { PLAIN } from './sender-auth-house.ts'
import { zip } from './archives.ts'
import { processorTime } from '../support/processor-time.ts'

const REPORT: DmarcReport = {
  organisation: 'Example & <Sons>',
  email: 'dmarc@example.net',
  id: '1.2.example.org',
  begin: 1_700_000_000,
  end: 1_700_086_400,
  policy: { domain: 'example.org', p: 'reject', sp: 'quarantine', np: 'reject', adkim: 'r', aspf: 's', testing: false },
  records: [
    {
      ip: '203.0.113.7',
      count: 3,
      disposition: 'reject',
      dkim: 'fail',
      spf: 'fail',
      reasons: ['local_policy'],
      headerFrom: 'example.org',
      envelopeFrom: 'evil.example',
      dkimResults: [{ domain: 'evil.example', selector: 's', result: 'pass' }],
      spfResults: [{ domain: 'evil.example', result: 'pass' }],
    },
  ],
}

test('a report that was written is read as it was: plain, gzip, zip (RFC 9990 §3.1)', () => {
  const xml = new TextEncoder().encode(writeDmarcReport(REPORT))
  for (const octets of [xml, gzipSync(xml), zip([{ name: 'r.xml', content: xml }])]) assert.deepEqual(readDmarcReport(octets), REPORT)
})

test('bombs, entities, nests and crowds are no reports (M5)', () => {
  const xml = writeDmarcReport(REPORT)
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '))
  const began = processorTime()
  assert.equal(readDmarcReport(bomb), undefined)
  assert.equal(readDmarcReport(zip([{ name: 'a', content: Buffer.alloc(20 * 1024 * 1024) }])), undefined)
  const one = { name: 'a', content: Buffer.from(xml) }
  assert.equal(readDmarcReport(zip([one, { ...one, name: 'b' }])), undefined)
  assert.equal(readDmarcReport(Buffer.from(xml.replace('?>', '?><!DOCTYPE a [<!ENTITY x "y">]>'))), undefined)
  assert.equal(readDmarcReport(Buffer.from('<a>'.repeat(100_000))), undefined)
  for (const octets of [
    Buffer.from('PK\u0003\u0004'),
    gzipSync('x').subarray(0, 12),
    new Uint8Array(0),
    deflateRawSync('x'),
    Buffer.from('<feedback/>'),
  ])
    assert.equal(readDmarcReport(octets), undefined)
  assert.ok(processorTime() - began < 10_000)
})

test('what was examined is counted, and reported where the domain’s own addresses, or those that agreed, want it (RFC 9990 §4)', async () => {
  const resolver = fakeResolver({
    'evil.example': { txt: ['v=spf1 ip4:203.0.113.66 -all'] },
    '_dmarc.example.org': {
      txt: ['v=DMARC1; p=reject; rua=mailto:dmarc@example.org,mailto:a@yes.example,mailto:a@no.example,mailto:a@moved.example'],
    },
    // An address of somebody else is not taken from there, one of its own is.
    'example.org._report._dmarc.yes.example': { txt: ['v=DMARC1; rua=mailto:victim@elsewhere.example'] },
    'example.org._report._dmarc.moved.example': { txt: ['v=DMARC1; rua=mailto:b@moved.example'] },
  })
  const sent: OutgoingReport[] = []
  const reports = new DmarcReportCollector({
    organisation: 'Mx',
    email: 'reports@mx.example.net',
    resolver,
    send: async report => void sent.push(report),
  })
  const house = houseOf({ middleware: [senderAuth({ resolver, hostname: 'mx.example.net', onExamined: reports.add })] })
  for (let n = 0; n < 3; n++) {
    const connection = connectionOf('smtp', { remote: { address: '203.0.113.66', port: 1 } })
    const { reception } = await house.host.receive(connection, { sender: address('x@evil.example') })
    await reception.recipient(address('ann@example.org'))
    await reception.message(spooled(PLAIN))
  }
  assert.equal(await reports.send(Date.now()), 3)
  assert.deepEqual(
    sent.map(({ to }) => to),
    ['dmarc@example.org', 'a@yes.example', 'b@moved.example'],
  )
  const [row] = sent[0]?.report.records ?? []
  assert.deepEqual(
    [row?.count, row?.disposition, row?.spf, row?.headerFrom, row?.envelopeFrom],
    [3, 'reject', 'fail', 'example.org', 'evil.example'],
  )
  const text = new TextDecoder().decode(sent[0]?.message)
  const id = sent[0]?.report.id ?? ''
  assert.ok(text.includes(`\r\n Report-ID: <${id}>\r\n`), text.slice(0, 500))
  assert.match(id, /^[\w.-]+(?:@[\w.-]+)?$/)
  const body = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'base64')
  assert.match(gunzipSync(body).toString(), /<count>3<\/count>/)
  assert.equal(await reports.send(Date.now()), 0)

  // And the other side: the same message, received by the domain, is read again.
  const read: DmarcReport[] = []
  const other = houseOf({ middleware: [dmarcReports({ addresses: ['ann@example.org'], onReport: report => void read.push(report) })] })
  const { reception } = await other.host.receive(connectionOf(), { sender: address('reports@mx.example.net') })
  await reception.recipient(address('ann@example.org'))
  await reception.message(spooled(text.replaceAll('\r\n', '\n')))
  assert.deepEqual(read, [sent[0]?.report])
})

test('a report on TLS is read out of its mail (RFC 8460 §4, §5.3)', async () => {
  const json = JSON.stringify({
    'organization-name': 'Company-X',
    'date-range': { 'start-datetime': '2016-04-01T00:00:00Z', 'end-datetime': '2016-04-01T23:59:59Z' },
    'contact-info': 'sts-reporting@company-x.example',
    'report-id': '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
    policies: [
      {
        policy: { 'policy-type': 'sts', 'policy-string': ['version: STSv1'], 'policy-domain': 'example.org', 'mx-host': '*.example.org' },
        summary: { 'total-successful-session-count': 5326, 'total-failure-session-count': 303 },
        'failure-details': [
          {
            'result-type': 'certificate-expired',
            'sending-mta-ip': '2001:db8:abcd:0012::1',
            'receiving-mx-hostname': 'mx1.example.org',
            'failed-session-count': 100,
          },
        ],
      },
    ],
  })
  const told: TlsReport[] = []
  const filter = dmarcReports({
    addresses: ['ann@example.org'],
    onReport: () => assert.fail('not of DMARC'),
    onTlsReport: report => void told.push(report),
  })
  const { host } = houseOf({ middleware: [filter] })
  const { reception } = await host.receive(connectionOf(), { sender: address('reports@company-x.example') })
  await reception.recipient(address('ann@example.org'))
  const lines =
    gzipSync(json)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  const head = 'From: r@company-x.example\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=tlsrpt; boundary=b\n\n--b\n\nx\n'
  const part = `--b\nContent-Type: application/tlsrpt+gzip\nContent-Disposition: attachment; filename=r.json.gz\nContent-Transfer-Encoding: base64\n\n`
  await reception.message(spooled(`${head}${part}${lines.join('\n')}\n--b--\n`))
  const [report] = told
  assert.deepEqual([report?.organisation, report?.policies[0]?.domain, report?.policies[0]?.failures], ['Company-X', 'example.org', 303])
  assert.deepEqual(report?.policies[0]?.details[0]?.type, 'certificate-expired')
  for (const text of ['', '{}', '[]', 'null', '{"policies":[]}', '['.repeat(100_000)])
    assert.equal(readTlsReport(Buffer.from(text)), undefined)
})
