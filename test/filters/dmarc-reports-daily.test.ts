import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { MailError } from 'mailwright/contracts'
import type { ReportedRow } from 'mailwright/contracts'
import { DailyDmarcReports, fileDmarcReportLedger, senderAuth } from 'mailwright/filters/sender-auth'
import type { CollectedReports, OutgoingReport } from 'mailwright/filters/sender-auth'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import { address, connectionOf, houseOf, spooled } from '../pipeline/house.ts'
import { PLAIN } from './sender-auth-house.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const TODAY = 20_000

const folder = mkdtempSync(join(tmpdir(), 'mailwright-dmarc-reports-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Stage {
  readonly daily: DailyDmarcReports
  readonly sent: OutgoingReport[]
  readonly errors: unknown[]
  /** One message in the name of example.org, from elsewhere. */
  readonly arrive: () => Promise<void>
  readonly pass: (hours: number) => Promise<void>
}

function stage(path: string, clock = fakeClock(TODAY * DAY + 20 * HOUR), fails: () => boolean = () => false): Stage {
  const resolver = fakeResolver({
    'evil.example': { txt: ['v=spf1 ip4:203.0.113.66 -all'] },
    '_dmarc.example.org': { txt: ['v=DMARC1; p=reject; rua=mailto:dmarc@example.org'] },
  })
  const sent: OutgoingReport[] = []
  const errors: unknown[] = []
  const daily = new DailyDmarcReports({
    organisation: 'Us',
    email: 'postmaster@us.example',
    resolver,
    clock,
    // Half of the four hours after midnight.
    random: { bytes: length => new Uint8Array(length).fill(127) },
    ledger: fileDmarcReportLedger(path),
    onError: error => void errors.push(error),
    send: report => {
      if (fails()) return Promise.reject(new MailError('no-space', 'the disk is full'))
      sent.push(report)
      return Promise.resolve()
    },
  })
  const house = houseOf({ middleware: [senderAuth({ resolver, hostname: 'mx.us.example', onExamined: daily.add, clock })] })
  return {
    daily,
    sent,
    errors,
    async arrive() {
      const connection = connectionOf('smtp', { remote: { address: '203.0.113.66', port: 1 } })
      const { reception } = await house.host.receive(connection, { sender: address('x@evil.example') })
      await reception.recipient(address('ann@example.org'))
      await reception.message(spooled(PLAIN))
    },
    async pass(hours) {
      for (let passed = 0; passed < hours * HOUR; passed += 600_000) {
        clock.advance(600_000)
        // The ledger is a file: written on another thread.
        for (let turn = 0; turn < 50; turn++) await setImmediate()
        await daily.idle
      }
    },
  }
}

test('a day is reported some hours after midnight, once, and what came after midnight the day after (RFC 9990 §3.1)', async () => {
  const { daily, sent, errors, arrive, pass } = stage(join(folder, 'once.json'))
  daily.start()
  await arrive()
  await arrive()
  await pass(5)
  assert.equal(sent.length, 0)
  await pass(1)
  assert.deepEqual(
    sent.map(({ to, report }) => [to, report.records[0]?.count, report.begin, report.end]),
    [['dmarc@example.org', 2, (TODAY * DAY + 20 * HOUR) / 1000, ((TODAY + 1) * DAY + 2 * HOUR) / 1000]],
  )
  await arrive()
  await pass(23)
  assert.equal(sent.length, 1)
  await pass(1)
  assert.equal(sent.length, 2)
  await pass(48)
  assert.equal(sent.length, 2)
  assert.deepEqual(errors, [])
  await daily.stop()
})

test('a restart loses no counts, whether the server was stopped or killed, and sends no report twice', async () => {
  const path = join(folder, 'restart.json')
  const clock = fakeClock(TODAY * DAY + 20 * HOUR)
  const first = stage(path, clock)
  first.daily.start()
  await first.arrive()
  await first.daily.stop()
  assert.equal(statSync(path).mode & 0o077, 0)

  // Killed: nothing is called any more. What the last look at the clock wrote is there.
  const second = stage(path, clock)
  second.daily.start()
  await second.daily.idle
  await second.arrive()
  await second.pass(1)

  const third = stage(path, clock)
  third.daily.start()
  await third.pass(5)
  assert.deepEqual(
    third.sent.map(({ key, report }) => [key, report.records[0]?.count]),
    [[`dmarc example.org ${(TODAY * DAY + 20 * HOUR) / 1000} dmarc@example.org`, 2]],
  )
  await third.daily.stop()

  const fourth = stage(path, clock)
  fourth.daily.start()
  await fourth.pass(30)
  assert.equal(fourth.sent.length, 0)
  await fourth.daily.stop()
})

test('a report that the queue did not take goes into the next one', async () => {
  let isFull = true
  const { daily, sent, errors, arrive, pass } = stage(join(folder, 'full.json'), undefined, () => isFull)
  daily.start()
  await arrive()
  await pass(7)
  assert.equal(errors.length, 1)
  await arrive()
  isFull = false
  await pass(24)
  assert.deepEqual(
    sent.map(({ report }) => report.records.map(({ count }) => count)),
    [[2]],
  )
  await daily.stop()
})

test('a ledger that nobody can read counts as empty; one that was never read is not replaced', async () => {
  const path = join(folder, 'broken.json')
  for (const text of ['', '{', '[]', '{"version":2,"collected":[]}', '{"version":1}']) {
    writeFileSync(path, text)
    assert.deepEqual(await fileDmarcReportLedger(path).read(), [])
  }
  const row: ReportedRow = {
    ip: '192.0.2.1',
    count: 1,
    disposition: 'none',
    dkim: 'fail',
    spf: 'fail',
    reasons: [],
    headerFrom: 'example.org',
    envelopeFrom: undefined,
    dkimResults: [],
    spfResults: [],
  }
  const { daily } = stage(path)
  const kept: CollectedReports = [
    {
      record: {
        p: 'none',
        sp: undefined,
        np: undefined,
        isStrictDkim: false,
        isStrictSpf: false,
        psd: 'u',
        isTesting: false,
        rua: ['mailto:dmarc@example.org'],
        ruf: [],
        text: 'v=DMARC1; p=none',
      },
      policyDomain: 'example.org',
      begin: 1,
      rows: [row],
    },
  ]
  await fileDmarcReportLedger(path).write(kept)
  await daily.stop()
  const [again] = await fileDmarcReportLedger(path).read()
  assert.equal(again?.rows[0]?.ip, '192.0.2.1')
})
