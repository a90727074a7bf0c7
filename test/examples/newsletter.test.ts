import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readerList, readersServer, sendIssue } from '../../examples/newsletter.ts'

test(
  'examples/newsletter.ts tells what came of every reader, and a second run sends to nobody again',
  { timeout: 60_000 },
  async context => {
    const data = mkdtempSync(join(tmpdir(), 'mailwright-news-'))
    context.after(() => rmSync(data, { recursive: true, force: true }))
    await using readers = await readersServer()
    let taken = 0
    readers.on('message', () => void taken++)
    const smarthost = { host: '127.0.0.1', port: readers.ports.smtp ?? 0 }
    const lines: string[] = []
    const first = await sendIssue({ readers: readerList(300), smarthost, data, issue: '7', progress: line => void lines.push(line) })
    assert.deepEqual([first.delivered, first.failed, taken], [297, 3, 297])
    assert.equal(
      [...first.domains.values()].reduce((sum, { failed }) => sum + failed, 0),
      3,
    )
    assert.ok(lines.includes('300 of 300 queued'))
    const again = await sendIssue({ readers: readerList(301), smarthost, data, issue: '7' })
    assert.deepEqual([again.delivered, again.failed, taken], [298, 3, 298])
  },
)
