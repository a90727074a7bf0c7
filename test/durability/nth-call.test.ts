/**
 * The N-th call to the disk fails, under a store and a directory: a sample of what `npm run torture -- --faults` does for every N (D7).
 * Whoever asked hears what to do, what was acknowledged is there afterwards, and a fault that passed leaves nobody refused for good.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SubjectName } from '../../bench/lib/fault-subjects.ts'
import { runOnce } from '../../bench/lib/faults.ts'
import { type Call, type CallError, compileNthCall } from '../../bench/lib/nth-call.ts'
import { requireProgram } from '../support/programs.ts'

type Sample = readonly [subject: SubjectName, call: Call, error: CallError, at: number, lasting: boolean]

const SAMPLES: readonly Sample[] = [
  // The writer's own connection, which SQLite would open for reading only.
  ['store', 'open', 'EMFILE', 10, false],
  ['store', 'open', 'EIO', 30, true],
  // The number of the first segment, and the folder that it lies in.
  ['store', 'sync', 'EIO', 21, false],
  ['store', 'sync', 'ENOSPC', 22, false],
  ['store', 'unlink', 'EIO', 4, true],
  ['store', 'write', 'ENOSPC', 320, true],
  ['store', 'rename', 'EIO', 1, false],
  ['store', 'read', 'EIO', 350, false],
  // In the midst of verify.
  ['store', 'read', 'EIO', 470, false],
  ['directory', 'open', 'EIO', 5, false],
  ['directory', 'sync', 'EIO', 8, true],
]

test('whichever call fails, once or from then on, nothing acknowledged is lost', { skip: requireProgram('cc') }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-nth-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const library = compileNthCall(folder)
  const waiting = [...SAMPLES]
  async function worker(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [subject, call, error, at, lasting] = next
      const { hits, problems } = await runOnce(subject, join(folder, `${subject}-${call}-${at}`), library, { call, error, at, lasting })
      assert.ok(hits.length > 0, `the fixed use makes ${at} calls of ${call}`)
      assert.deepEqual(problems, [], `${subject}: ${call} number ${at}, ${error}`)
    }
  }
  await Promise.all([worker(), worker()])
})
