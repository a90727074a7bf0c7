import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { memoryState } from 'mailwright/stores/memory'
import { sqliteState } from 'mailwright/stores/sqlite'
import { stateTableSuite } from 'mailwright/testing'
import { longestTurn } from '../support/processor-time.ts'

const folder = mkdtempSync(join(tmpdir(), 'mailwright-state-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = (): string => join(folder, `state-${++files}.sqlite`)

for (const { name, run } of stateTableSuite({ make: async options => memoryState(options) })) test(`memory: ${name}`, run)

for (const { name, run } of stateTableSuite({ make: async options => sqliteState({ path: newPath(), ...options }) })) {
  test(`sqlite: ${name}`, run)
}

test('sqlite: rows outlive the process, in a file that only its owner can read', async () => {
  const path = newPath()
  const before = sqliteState({ path })
  await before.add('a', [{ key: 'x', first: 3 }])
  await before.close()
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const again = sqliteState({ path })
  assert.equal((await again.read('a', ['x'])).get('x')?.first, 3)
  await again.close()
})

test('sqlite: several processes count together', async () => {
  const path = newPath()
  const program = `
    import { sqliteState } from 'mailwright/stores/sqlite'
    const state = sqliteState({ path: ${JSON.stringify(path)} })
    for (let n = 0; n < 50; n++) await Promise.all([state.add('a', [{ key: 'x', first: 1 }]), state.add('a', [{ key: 'y' + n, second: 1 }])])
    await state.close()`
  const run = promisify(execFile)
  await Promise.all(
    [1, 2, 3].map(() =>
      run(process.execPath, ['--conditions=mailwright-source', '--input-type=module', '-e', program], { timeout: 60_000 }),
    ),
  )
  const state = sqliteState({ path })
  const rows = await state.read('a', ['x', 'y49'])
  assert.deepEqual([rows.get('x')?.first, rows.get('y49')?.second], [150, 3])
  await state.close()
})

test('sqlite: a file of another program, or of a later release, is left alone', async () => {
  const path = newPath()
  const text = 'this is no database, and long enough for one to be looked at: '.repeat(50)
  writeFileSync(path, text)
  assert.throws(() => sqliteState({ path }), { code: 'MW_STATE_FOREIGN' })
  assert.equal(readFileSync(path, 'utf8'), text)
  const other = new DatabaseSync(newPath())
  other.exec('CREATE TABLE mine (x); PRAGMA application_id = 7')
  const theirs = other.location() ?? ''
  other.close()
  assert.throws(() => sqliteState({ path: theirs }), { code: 'MW_STATE_FOREIGN' })
  const late = newPath()
  const state = sqliteState({ path: late })
  await state.add('a', [{ key: 'x', first: 1 }])
  await state.close()
  const raised = new DatabaseSync(late)
  raised.exec('PRAGMA user_version = 99')
  raised.close()
  assert.throws(() => sqliteState({ path: late }), { code: 'MW_STATE_NEWER' })
})

test('sqlite: a file that cannot be opened is unavailable, call by call', async () => {
  const state = sqliteState({ path: folder })
  await assert.rejects(state.read('a', ['x']), { name: 'MailError', kind: 'unavailable' })
  await assert.rejects(state.read('a', ['x']), { name: 'MailError', kind: 'unavailable' })
  await state.close()
})

test('sqlite: ten thousand rows are written while the event loop goes on', async () => {
  const state = sqliteState({ path: newPath() })
  await state.read('a', ['x'])
  const keys = Array.from({ length: 10_000 }, (_, n) => ({ key: `token ${n}`, first: 1 }))
  const { longest } = await longestTurn(async () => {
    for (let at = 0; at < keys.length; at += 500) await state.add('a', keys.slice(at, at + 500))
  })
  await state.close()
  assert.ok(longest < 50, `the longest stall was ${longest.toFixed(1)} ms`)
})
