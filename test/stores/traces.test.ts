import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { accept } from 'mailwright/contracts'
import type { TraceRecord } from 'mailwright/contracts'
import { traceJournal } from 'mailwright/stores/traces'

const folder = mkdtempSync(join(tmpdir(), 'mailwright-traces-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const record = (id: string, at: number): TraceRecord => ({
  id,
  at,
  connection: { id: 'c1', protocol: 'smtp', address: '192.0.2.7' },
  sender: 'zoe@far.example',
  recipients: ['ann@example.org'],
  size: 100,
  verdict: accept(),
  trace: [{ phase: 'message', middleware: 'm', verdict: accept(), ms: 1, evidence: ['said "{}"\n'] }],
})

test('records are found by their id and by their age, across days and restarts, and leave after a while', async () => {
  let now = Date.UTC(2026, 10, 1, 12)
  const open = (): ReturnType<typeof traceJournal> => traceJournal({ folder, keepDays: 2, now: () => now })
  const first = open()
  for (let at = 0; at < 300; at++) first.keep(record(`a${at}`, now))
  await first.close()
  now += 86_400_000
  const second = open()
  second.keep(record('b1', now))
  assert.deepEqual(await second.find('a17'), record('a17', now - 86_400_000))
  assert.equal(await second.find('a'), undefined)
  assert.deepEqual(
    (await second.recent(3)).map(({ id }) => id),
    ['b1', 'a299', 'a298'],
  )
  // A crash in the middle of a line loses that line only.
  appendFileSync(join(folder, '2026-11-02.jsonl'), '{"id":"cut","at":1,"conn')
  assert.deepEqual(
    (await second.recent(2)).map(({ id }) => id),
    ['b1', 'a299'],
  )
  await second.close()
  now += 86_400_000
  const third = open()
  third.keep(record('c1', now))
  await third.close()
  assert.deepEqual(readdirSync(folder).toSorted(), ['2026-11-02.jsonl', '2026-11-03.jsonl'])
  assert.equal(statSync(join(folder, '2026-11-03.jsonl')).mode & 0o077, 0)
})

test('a day has a bound, and a record without one of its own', async () => {
  const limited = mkdtempSync(join(folder, 'limited-'))
  const traces = traceJournal({ folder: limited, dayLimit: 4000 })
  for (let at = 0; at < 5; at++) {
    traces.keep({
      ...record(`l${at}`, Date.now()),
      recipients: Array.from({ length: 10_000 }, (_, n) => `very-long-name-${n}@example.org`),
    })
    await traces.recent(1)
  }
  await traces.close()
  const [name = ''] = readdirSync(limited)
  assert.ok(statSync(join(limited, name)).size <= 4000)
})
