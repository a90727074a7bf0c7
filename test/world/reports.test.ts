import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateKey } from 'mailwright/dkim'
import { dkimSigner, fileTlsReportLedger, memoryQueue, readTlsReport } from 'mailwright/outbound'
import { fakeClock } from 'mailwright/testing'
import { passUntil, world } from './world.ts'

const DAY = 86_400_000

test('a day of TLS becomes a signed report in the inbox of who asked for it, also when the server was started anew in between (RFC 8460 §4.1, §5.3)', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'reports-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await using earth = world()
  // Noon.
  const today = Math.floor(Date.now() / DAY)
  const clock = fakeClock(today * DAY + DAY / 2)
  const { privateKey } = await generateKey('ed25519')
  const file = join(folder, 'tls-reports.json')
  const outbound = () => ({
    queue: memoryQueue({ clock }),
    sign: dkimSigner({ keys: [{ domain: 'near.example', selector: 's', privateKey }], clock }),
    tlsReports: { from: 'postmaster@near.example', organisation: 'Near & Co', ledger: fileTlsReportLedger(file) },
  })
  const far = await earth.citizen('far.example', { accounts: ['zoe', 'tls'] })
  await earth.citizen('quiet.example', { accounts: ['zoe'] })
  earth.resolver.set('_smtp._tls.far.example', { txt: ['v=TLSRPTv1; rua=mailto:tls@far.example'] })

  const first = await earth.citizen('near.example', { clock, outbound: outbound() })
  for (const to of ['zoe@far.example', 'zoe@quiet.example']) {
    const sent = await first.server.send({ from: 'ann@near.example', to, subject: 'Hello', text: 'Hello' })
    await sent.outcome()
  }
  await first.server.close()
  assert.match(readFileSync(file, 'utf8'), /"domain":"far\.example"/)

  const second = await earth.citizen('near.example', { clock, outbound: outbound() })
  let sentAt = 0
  second.server.on('sent', () => (sentAt = clock.now()))
  await passUntil(clock, () => sentAt > 0)
  assert.ok(sentAt >= (today + 1) * DAY && sentAt <= (today + 1) * DAY + DAY / 6 + 600_000, new Date(sentAt).toISOString())
  const [mail = ''] = await far.inbox('tls', 1)
  assert.match(mail, /^Return-Path: <>\n/)
  assert.match(mail, /\nFrom: <postmaster@near\.example>\n/)
  assert.match(mail, /\nDKIM-Signature: v=1; a=ed25519-sha256;[^]*?d=near\.example;/)
  assert.match(mail, /\nTLS-Report-Domain: far\.example\n/)
  const [, base64 = ''] = /base64\n.*?\n\n([A-Za-z0-9+/=\n]+)--tlsrpt/s.exec(mail) ?? []
  const report = await readTlsReport(Buffer.from(base64, 'base64'))
  assert.deepEqual([report.organisation, report.begin, report.end], ['Near & Co', today * DAY, (today + 1) * DAY - 1000])
  assert.deepEqual(
    report.policies.map(({ type, domain, succeeded, failed }) => [type, domain, succeeded, failed]),
    [['no-policy-found', 'far.example', 1, 0]],
  )
  // The session that brought the report is counted for the next one; of the day before nothing is left.
  await passUntil(clock, () => clock.now() > sentAt + 1_200_000)
  await second.server.close()
  assert.doesNotMatch(readFileSync(file, 'utf8'), new RegExp(`"day":${today},`))
  assert.equal((await far.inbox('tls', 1)).length, 1)
  assert.deepEqual([...first.errors, ...second.errors, ...far.errors], [])
})
