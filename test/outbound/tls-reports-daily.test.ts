import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { MailError } from 'mailwright/contracts'
import { fileTlsReportLedger, TlsReports } from 'mailwright/outbound'
import type { TlsReportLedger, TlsReportRow, TlsReportSent } from 'mailwright/outbound'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import { DailyTlsReports } from '../../src/outbound/tls-policy/report-daily.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const TODAY = 20_000

function countedOn(day: number, ...domains: readonly string[]): TlsReports {
  const reports = new TlsReports()
  for (const domain of domains) reports.record({ at: day * DAY, policy: { type: 'no-policy-found', domain, strings: [], mxHosts: [] } })
  return reports
}

function stage(reports: TlsReports, options: { readonly fails?: () => boolean; readonly ledger?: TlsReportLedger } = {}) {
  const clock = fakeClock(TODAY * DAY + 23 * HOUR)
  const resolver = fakeResolver({
    '_smtp._tls.a.example': { txt: ['v=TLSRPTv1; rua=mailto:tls@a.example'] },
    '_smtp._tls.b.example': { txt: ['v=TLSRPTv1; rua=mailto:tls@b.example'] },
    'c.example': {},
  })
  const mails: string[] = []
  const told: TlsReportSent[] = []
  const errors: unknown[] = []
  const daily = new DailyTlsReports(
    {
      from: 'postmaster@us.example',
      organisation: 'Us',
      told: report => void told.push(report),
      ...(options.ledger === undefined ? {} : { ledger: options.ledger }),
    },
    {
      reports,
      resolver,
      clock,
      random: { bytes: length => new Uint8Array(length).fill(128) },
      events: { emit: (_name, event) => void errors.push(event) },
      mail: (to, _message, key) => {
        if (to.endsWith('@b.example') && options.fails?.() === true) return Promise.reject(new MailError('no-space', 'the disk is full'))
        mails.push(`${Math.floor((clock.now() - TODAY * DAY) / HOUR)} h: ${to} ${key}`)
        return Promise.resolve()
      },
    },
  )
  return {
    daily,
    mails,
    told,
    errors,
    pass: async (hours: number): Promise<void> => {
      for (let passed = 0; passed < hours * HOUR; passed += 600_000) {
        clock.advance(600_000)
        // Compression happens on another thread.
        for (let turn = 0; turn < 200; turn++) await setImmediate()
        await daily.idle
      }
    },
  }
}

test('reports leave some hours after midnight, one for each domain that asks, and are forgotten (RFC 8460 §4.1)', async () => {
  const reports = countedOn(TODAY, 'a.example', 'b.example', 'c.example')
  const { daily, mails, told, errors, pass } = stage(reports)
  daily.start()
  await pass(2)
  assert.deepEqual(mails, [])
  await pass(3)
  assert.deepEqual(mails, [
    `26 h: tls@a.example tlsrpt ${TODAY} a.example tls@a.example`,
    `26 h: tls@b.example tlsrpt ${TODAY} b.example tls@b.example`,
  ])
  assert.deepEqual(
    told.map(({ domain, sent }) => [domain, ...sent]),
    [
      ['a.example', 'mailto:tls@a.example'],
      ['b.example', 'mailto:tls@b.example'],
    ],
  )
  assert.deepEqual(reports.rows(), [])
  await pass(26)
  assert.equal(mails.length, 2)
  await daily.stop()
  assert.deepEqual(errors, [])
})

test('what cannot be handed over is tried again at growing distances, and given up after a day (RFC 8460 §5.5)', async () => {
  const reports = countedOn(TODAY, 'a.example', 'b.example')
  let refusals = 0
  const { daily, mails, pass } = stage(reports, { fails: () => ++refusals < 3 })
  daily.start()
  await pass(10)
  assert.deepEqual(
    mails.map(line => line.slice(0, 19)),
    ['26 h: tls@a.example', '29 h: tls@b.example'],
  )
  assert.deepEqual(reports.rows(), [])

  reports.add(countedOn(TODAY + 1, 'b.example').rows())
  refusals = -100
  await pass(70)
  assert.deepEqual(reports.rows(), [])
  assert.equal(mails.length, 2)
  assert.ok(refusals > -98 && refusals < -90, `${refusals + 100} tries`)
  await daily.stop()
})

test('rows outlive the process, in a file that may be missing or broken (RFC 8460 §4.1)', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rows.json')
  const ledger = fileTlsReportLedger(file)
  assert.deepEqual(await ledger.read(), [])
  const before = stage(countedOn(TODAY, 'a.example'), { ledger })
  before.daily.start()
  await before.daily.idle
  await before.daily.stop()
  assert.equal((await ledger.read()).length, 1)

  const rows: readonly TlsReportRow[] = countedOn(TODAY, 'a.example').rows()
  await ledger.write(rows)
  assert.deepEqual(await fileTlsReportLedger(file).read(), rows)
  const reports = new TlsReports()
  const after = stage(reports, { ledger })
  after.daily.start()
  await after.pass(5)
  assert.equal(after.mails.length, 1)
  await after.daily.stop()
  assert.deepEqual(await ledger.read(), [])

  for (const text of ['', '{}', '[1,null,{"day":1}]', `[${JSON.stringify({ ...rows[0], failures: [{ sessions: 'many' }] })}]`]) {
    writeFileSync(file, text)
    assert.deepEqual(await ledger.read(), [], text)
  }
})
