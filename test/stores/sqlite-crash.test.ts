/** Whatever was acknowledged survives a kill at every step of a delivery, and at any other moment. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { FAILPOINTS } from '../../src/stores/sqlite/failpoints.ts'
import { folderOf, inboxOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'
import { crowding } from '../support/crowding.ts'

const [, , role, folder = '', ledger = '', run = ''] = process.argv

if (role === 'deliver') await deliverUntilKilled()
else if (role === undefined) defineTests()

/** The child: delivers from eight sides at once, and writes down every message that it was told is safe. */
async function deliverUntilKilled(): Promise<void> {
  const store = sqliteStore({ path: folder, segmentSize: 200_000 })
  const book = openSync(ledger, 'a')
  const account = await store.open('ann')
  const inbox = account.mailbox(await inboxOf(store))
  await Promise.all(
    Array.from({ length: 8 }, async (_, side) => {
      for (let at = 0; ; at++) {
        const name = `${run}-${side}-${at}`
        const octets = octetsOf(name, 500 + 3000 * (at % 3))
        // Every tenth is large, and goes by a file.
        const sized = at % 10 === 9 ? octetsOf(name, 300_000) : octets
        if (side % 2 === 0) await store.deliver([{ account: 'ann', message: message(sized) }])
        else await inbox.append([message(sized)])
        writeSync(book, `${name}\n`)
        fsyncSync(book)
        // Removal and compaction at work too: what goes is not in the ledger.
        if (side === 7 && at % 4 === 3) {
          const going = Array.from({ length: 12 }, (_, n) => message(octetsOf(`gone-${name}-${n}`, 20_000)))
          const { uids } = await inbox.append(going)
          for (const uid of uids) await inbox.expunge([{ first: uid, last: uid }])
          await store.compact({ grace: 0 })
        }
      }
    }),
  )
  closeSync(book)
}

function lengthOf(book: string): number {
  return existsSync(book) ? statSync(book).size : 0
}

async function killed(path: string, book: string, name: string, after: number | undefined, failpoint?: string): Promise<string | null> {
  const before = lengthOf(book)
  const child = spawn(process.execPath, ['--conditions=mailwright-source', import.meta.filename, 'deliver', path, book, name], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MAILWRIGHT_FAILPOINT: failpoint ?? '' },
  })
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  // Counted from the first acknowledgement, so that a slow start does not leave nothing to lose.
  while (after !== undefined && lengthOf(book) === before && child.exitCode === null && child.signalCode === null) await sleep(5)
  // Another signal than the failpoint's own: a place that is never passed must show.
  const timer = setTimeout(() => child.kill(after === undefined ? 'SIGTERM' : 'SIGKILL'), after ?? 120_000)
  const [, signal] = await ended
  clearTimeout(timer)
  return signal
}

function defineTests(): void {
  const checkLedger = async (t: Parameters<typeof folderOf>[0], path: string, book: string): Promise<number> => {
    const acknowledged = existsSync(book) ? readFileSync(book, 'utf8').split('\n').filter(Boolean) : []
    const began = performance.now()
    const store = storeIn(t, path)
    const names = await namesIn(store)
    const took = performance.now() - began
    assert.ok(took < 2000 * crowding(), `open and readable after ${took.toFixed(0)} ms`)
    const there = new Set(names)
    assert.deepEqual(
      acknowledged.filter(name => !there.has(name)),
      [],
      'nothing acknowledged is lost',
    )
    assert.equal(there.size, names.length, 'nothing is there twice')
    assert.deepEqual(
      (await problemsOf(store)).filter(({ kind }) => kind !== 'stray-file'),
      [],
    )
    await store.close()
    return acknowledged.length
  }

  for (const point of FAILPOINTS) {
    test(`a kill at "${point}" loses nothing that was acknowledged`, async t => {
      const path = folderOf(t)
      const book = join(path, 'ledger')
      const passes = point.startsWith('compact') || point === 'after-segment-create' ? 2 : 30
      assert.equal(await killed(path, book, point, undefined, `${point}:${passes}`), 'SIGKILL')
      await checkLedger(t, path, book)
    })
  }

  test('kills at random moments, one after the other on the same folder, lose nothing that was acknowledged', async t => {
    const path = folderOf(t)
    const book = join(path, 'ledger')
    let acknowledged = 0
    for (let at = 0; at < 8; at++) {
      await killed(path, book, `kill${at}`, 60 + ((at * 97) % 400))
      acknowledged = await checkLedger(t, path, book)
    }
    t.diagnostic(`${acknowledged} messages acknowledged in 8 kills, none lost`)
    assert.ok(acknowledged > 50)
  })
}
