import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { DmarcReport, ReceivedReport, TlsReport } from 'mailwright/contracts'
import { reportArchive } from 'mailwright/stores/reports'

const folder = mkdtempSync(join(tmpdir(), 'mailwright-reports-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const DAY = 86_400_000
const START = Date.UTC(2026, 10, 1, 12)

function dmarc(id: string, domain: string, at: number): ReceivedReport {
  const report: DmarcReport = {
    organisation: 'Far',
    email: 'd@far.example',
    id,
    begin: 1,
    end: 2,
    policy: { domain, p: 'none' },
    records: [],
  }
  return { kind: 'dmarc', at, sender: 'd@far.example', report }
}

function tls(id: string, domain: string, at: number): ReceivedReport {
  const policies = [{ type: 'sts', domain, successes: 1, failures: 0, details: [] }]
  const report: TlsReport = { organisation: 'Far', contact: 't@far.example', id, begin: 1, end: 2, policies }
  return { kind: 'tls', at, sender: 't@far.example', report }
}

test('reports are found by kind, domain and age, the newest first, across restarts; old ones leave', async () => {
  let now = START
  const open = (): ReturnType<typeof reportArchive> => reportArchive({ folder, keepDays: 2, now: () => now })
  const first = open()
  first.keep(dmarc('1', 'a.example', now))
  first.keep(tls('2', 'a.example', now))
  await first.close()
  now += DAY
  const second = open()
  second.keep(dmarc('3', 'b.example', now))
  second.keep(dmarc('4', 'a.example', now))
  const ids = (reports: readonly ReceivedReport[]): readonly string[] => reports.map(({ report }) => report.id)
  assert.deepEqual(ids(await second.list()), ['4', '3', '2', '1'])
  assert.deepEqual(ids(await second.list({ kind: 'tls' })), ['2'])
  assert.deepEqual(ids(await second.list({ domain: 'a.example' })), ['4', '2', '1'])
  assert.deepEqual(ids(await second.list({ since: now })), ['4', '3'])
  assert.deepEqual(ids(await second.list({ limit: 3 })), ['4', '3', '2'])
  assert.deepEqual((await second.list({ kind: 'tls' }))[0], tls('2', 'a.example', START))
  // A crash in the middle of a line loses that line only.
  appendFileSync(join(folder, '2026-11-02.jsonl'), '{"kind":"dmarc","at":1,')
  assert.deepEqual(ids(await second.list({ limit: 1 })), ['4'])
  await second.close()
  now += DAY
  const third = open()
  third.keep(dmarc('5', 'a.example', now))
  await third.close()
  assert.deepEqual(readdirSync(folder).toSorted(), ['2026-11-02.jsonl', '2026-11-03.jsonl'])
  assert.equal(statSync(join(folder, '2026-11-03.jsonl')).mode & 0o077, 0)
})

test('a day has a bound: strangers cannot fill the disk with reports', async () => {
  const limited = mkdtempSync(join(folder, 'limited-'))
  const archive = reportArchive({ folder: limited, dayLimit: 2000 })
  for (let n = 0; n < 100; n++) {
    archive.keep(dmarc(String(n), 'a.example', START))
    await archive.close()
  }
  const { length } = await archive.list({ limit: 1000 })
  assert.ok(length > 5 && length < 12, String(length))
})
