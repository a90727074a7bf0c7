import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')

test('examples/filter-middleware.ts rejects, quarantines and rewrites, and says why', { timeout: 60_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--conditions=mailwright-source', 'examples/filter-middleware.ts'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 50_000,
  })
  assert.equal(status, 0, stderr)
  assert.equal(
    stdout,
    `"Dinner on Friday?"
  decided: accept
    message / outside-mark said accept: marked as from outside
    message / lotteries said accept
    message / no-executables said accept
  the sender reads: 250 2.6.0 Message accepted,
"You won the lottery"
  decided: quarantine
    message / lotteries said quarantine: subject "You won the lottery"
    message / no-executables said quarantine
  the sender reads: 250 2.6.0 Message accepted,
"Your invoice"
  decided: reject
    message / no-executables said reject: attachment invoice.exe, 5 octets
  the sender reads: 550 5.7.1 We do not take executable files
INBOX: 1
Junk: 1
`,
  )
})
