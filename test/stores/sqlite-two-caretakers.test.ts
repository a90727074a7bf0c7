/** Two processes that put one store in order at once: what the one took away between two steps of the other is no fault. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { SqliteStore } from 'mailwright/stores/sqlite'
import { type ContentPlace, ContentReader } from '../../src/stores/sqlite/content-reader.ts'
import { armFailpoint, type Failpoint } from '../../src/stores/sqlite/failpoints.ts'
import { connect } from '../../src/stores/sqlite/database.ts'
import { inspect, type StoreProblem } from '../../src/stores/sqlite/inspection.ts'
import type { Operation } from '../../src/stores/sqlite/operation.ts'
import { segmentPath, sumsOf } from '../../src/stores/sqlite/segment-format.ts'
import { Writer } from '../../src/stores/sqlite/writer.ts'
import { folderOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'

/** Another process on the same folder, as far as the folder can tell. On this thread, so that it acts between two steps of somebody else. */
function neighbour(t: TestContext, folder: string): (operation: Operation) => unknown {
  const writer = new Writer({ folder, busyTimeout: 1000, segmentSize: 1_000_000, history: 100, minimumFree: 0, failpoint: undefined })
  t.after(() => writer.close())
  return operation => {
    const [answer] = writer.run([{ id: 1, operation }])
    assert.ok(answer?.outcome.ok, JSON.stringify(answer))
    return answer.outcome.value
  }
}

/** Once, at this place of whoever passes it on this thread. */
function when(t: TestContext, place: Failpoint, then: () => void): () => number {
  let times = 0
  armFailpoint(place, () => {
    times++
    then()
  })
  t.after(() => armFailpoint(undefined))
  return () => times
}

/** Everything that a caretaker does to a segment, up to the end of its file. */
function takeAway(other: (operation: Operation) => unknown, folder: string, contents: readonly number[], segment: number): void {
  assert.equal(other({ kind: 'move-contents', contents }), contents.length)
  assert.deepEqual(other({ kind: 'retire', segments: [segment] }), [segment])
  assert.equal(other({ kind: 'forget-segment', segment }), true)
  rmSync(segmentPath(folder, segment))
}

async function fill(store: SqliteStore, names: readonly string[]): Promise<void> {
  for (const name of names) await store.deliver([{ account: 'ann', message: message(octetsOf(name)) }])
}

test('contents that another process moved since somebody looked where they are need no moving any more', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await fill(store, ['one', 'two', 'three'])
  const contents = [1, 2, 3]
  const here = neighbour(t, folder)
  const there = neighbour(t, folder)
  const times = when(t, 'compact-after-look', () => takeAway(there, folder, contents, 1))
  assert.equal(here({ kind: 'move-contents', contents }), 0, 'nothing was left to be moved')
  assert.equal(times(), 1)
  assert.deepEqual(await namesIn(store), ['one', 'two', 'three'])
  assert.deepEqual(await problemsOf(store), [])
})

test('contents whose file is missing are told of as lost, not as moved', async t => {
  const folder = folderOf(t)
  await fill(storeIn(t, folder), ['one'])
  rmSync(segmentPath(folder, 1))
  assert.throws(() => neighbour(t, folder)({ kind: 'move-contents', contents: [1] }), {
    message: /"kind":"corrupt","message":"[^"]*00000001\.seg is missing: restore it from a backup"/,
  })
})

test('a segment that ends early is told of, and keeps nobody from putting the others in order', async t => {
  const folder = folderOf(t)
  for (const names of [
    ['one', 'two'],
    ['three', 'four'],
  ]) {
    const store = storeIn(t, folder)
    await fill(store, names)
    await store.close()
  }
  truncateSync(segmentPath(folder, 1), 100)
  const store = storeIn(t, folder)
  await assert.rejects(store.compact({ grace: 0 }), { kind: 'corrupt', message: /00000001\.seg ended after/ })
  assert.deepEqual(
    [1, 2].map(segment => existsSync(segmentPath(folder, segment))),
    [true, false],
    'the second was emptied',
  )
  const found = await problemsOf(store)
  assert.deepEqual([...new Set(found.map(({ kind }) => kind))], ['short-file'])
})

test('a message is read though it was moved again while it was looked for', t => {
  const folder = folderOf(t)
  mkdirSync(join(folder, 'segments'))
  const octets = octetsOf('one')
  const at = (segment: number): ContentPlace => ({ id: 1, segment, start: 0, size: octets.length, sums: sumsOf([octets], octets.length) })
  writeFileSync(segmentPath(folder, 3), octets)
  const places = [at(2), at(3)]
  const reader = new ContentReader(folder, () => places.shift())
  t.after(() => reader.close())
  assert.deepEqual(reader.readNow(at(1), 0, octets.length), octets)
  assert.deepEqual(places, [])
})

test('a message whose segment is missing is told of as damage at once', t => {
  const place: ContentPlace = { id: 1, segment: 1, start: 0, size: 10, sums: new Uint8Array(4) }
  const reader = new ContentReader(folderOf(t), () => place)
  assert.throws(() => reader.readNow(place, 0, 10), { kind: 'corrupt', message: /00000001\.seg is missing/ })
})

test('a segment that another process begins while strays are looked for is none', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await fill(store, ['one'])
  const other = neighbour(t, folder)
  let begun = 0
  const times = when(t, 'compact-before-strays', () => {
    other({ kind: 'move-contents', contents: [1] })
    begun++
  })
  await store.compact({ grace: 0 })
  assert.deepEqual([times(), begun], [1, 1])
  assert.deepEqual(await namesIn(store), ['one'])
  assert.deepEqual(await problemsOf(store), [])
})

test('a stray that somebody else removed meanwhile is no fault', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await fill(store, ['one'])
  takeAway(neighbour(t, folder), folder, [1], 1)
  // There for who lists the folder, not there for who looks at it.
  symlinkSync('nowhere', segmentPath(folder, 1))
  await store.compact({ grace: 0 })
  assert.deepEqual(await namesIn(store), ['one'])
})

test('a file that another process took away while damage is looked for is no damage, one that is lost is', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await fill(store, ['one', 'two'])
  const other = neighbour(t, folder)
  const sql = connect(folder, { busyTimeout: 1000, writable: false })
  t.after(() => sql.close())
  const inspected = (meanwhile: () => void): readonly StoreProblem[] => {
    const problems: StoreProblem[] = []
    let isDone = false
    for (const finding of inspect(sql, folder, true)) {
      if (finding.kind === 'problem') problems.push(finding.problem)
      // The look at the tables is over, and the files come next.
      else if (finding.progress.phase === 'references' && !isDone) {
        isDone = true
        meanwhile()
      }
    }
    return problems
  }
  assert.deepEqual(
    inspected(() => takeAway(other, folder, [1, 2], 1)),
    [],
  )
  assert.deepEqual(
    inspected(() => rmSync(segmentPath(folder, 2))).map(({ kind, text }) => [
      kind,
      / 2 contents are lost unless it is restored/.test(text),
    ]),
    [['missing-file', true]],
  )
})
