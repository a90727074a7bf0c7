/** Records the workload under strace: what became of the files of a store, and what was acknowledged when. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CALLS, type Moment, TraceReader } from './trace.ts'

const WORKLOAD = join(import.meta.dirname, 'workload.ts')

/** The number of the first operation of a second act. */
export const SECOND_ACT = 10_001

/** A run of the workload, and a sync at which it is killed. */
export interface Act {
  readonly name: 'small' | 'large' | 'killed' | 'seen'
  /** Killed when it begins its so-and-so-manieth fsync: before the kernel does it. */
  readonly killedAtSync?: number
}

/** What is recorded: a life of a store; and one that is killed, looked at by the next process, and loses its power then. */
export const PLAYS: Readonly<Record<string, readonly Act[]>> = {
  life: [{ name: 'small' }, { name: 'large' }],
  kill: [{ name: 'killed', killedAtSync: 30 }, { name: 'seen' }],
}

/** Records acts, one after the other, on one folder. Throws where strace may not trace. */
export function record(acts: readonly Act[]): readonly Moment[] {
  const root = mkdtempSync(join(tmpdir(), 'mailwright-power-'))
  const moments: Moment[] = []
  try {
    // Beside the folder that is recorded, except the store and its ledger.
    const recorded = join(root, 'disk')
    mkdirSync(recorded)
    let ids = 1
    for (const [at, { name, killedAtSync }] of acts.entries()) {
      const trace = join(root, `trace-${at}`)
      const run = spawnSync(
        'strace',
        [
          '-f',
          '-qq',
          '-xx',
          ['-s', '100000000'],
          ['-e', 'signal=none'],
          ['-o', trace],
          ['-e', `trace=${CALLS}`],
          killedAtSync === undefined ? [] : ['-e', `inject=fsync:signal=KILL:error=EIO:when=${killedAtSync}`],
          [process.execPath, '--conditions=mailwright-source', WORKLOAD],
          [name, join(recorded, 'data', 'mail'), join(recorded, 'ledger'), String(at * (SECOND_ACT - 1) + 1)],
        ].flat(),
        // What libuv asks through a ring is no call that strace sees.
        { env: { ...process.env, UV_USE_IO_URING: '0' }, encoding: 'utf8' },
      )
      if (run.error !== undefined) throw run.error
      if (killedAtSync === undefined && run.status !== 0) throw new Error(`the workload ended with ${run.status}: ${run.stderr}`)
      const reader = new TraceReader(recorded, 'ledger', ids)
      reader.read(readFileSync(trace, 'latin1'))
      ids = reader.nextId
      for (const moment of reader.moments) moments.push(moment)
    }
    return moments
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
