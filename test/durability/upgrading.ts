/**
 * A process that opens a store or a directory. It may be told to die before the n-th statement that changes the database, or to stop there
 * with the lock in its hand; it tells the statements up to that one.
 */

import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const [, , what = '', folder = '', place = '', then = ''] = process.argv
reach(Number(place), then === 'die' ? () => process.kill(process.pid, 'SIGKILL') : () => undefined)
// One of them is loaded: there are many such processes.
if (what === 'store') (await import('../../src/stores/sqlite/database.ts')).prepareDatabase(folder, 10_000)
else (await import('mailwright/directories/sqlite')).sqliteDirectory({ path: join(folder, 'directory.db') }).close()

function reach(place: number, act: () => void): void {
  const exec = Reflect.get(DatabaseSync.prototype, 'exec')
  const close = Reflect.get(DatabaseSync.prototype, 'close')
  let at = -1
  const texts: string[] = []
  const pass = (text: string): void => {
    texts.push(text)
    if (++at !== place) return
    writeSync(1, JSON.stringify(texts))
    act()
    // The signal may take a moment to arrive; nothing may happen in between.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  DatabaseSync.prototype.exec = function (text) {
    pass(text)
    exec.call(this, text)
    // As in a store that is larger than memory: pages of a step that is not committed are in the log already.
    if (at === 0) exec.call(this, 'PRAGMA cache_size = 1')
  }
  DatabaseSync.prototype.close = function () {
    pass('close')
    close.call(this)
  }
}
