/** Power loss, simulated: records a store at work, then examines what is left at every moment at which the power might go. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { serialize } from 'node:v8'
import type { Naming } from './disk.ts'
import type { Exploration, Explored } from './explore.ts'
import { PLAYS, record } from './recording.ts'
import type { Moment } from './trace.ts'

const EXPLORER = join(import.meta.dirname, 'explorer.ts')

/** Where states are put: in memory, where there is such a folder. */
export const MEMORY: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** How the states are shared out: most to the life of a store, and to the rules that promise least. */
const SHARES: readonly (readonly [play: keyof typeof PLAYS, naming: Naming, share: number])[] = [
  ['life', 'strict', 0.5],
  ['life', 'ordered', 0.25],
  ['kill', 'strict', 0.15],
  ['kill', 'ordered', 0.1],
]

/** What came of it. */
export interface PowerLossResult {
  readonly states: number
  readonly repeated: number
  /** Writes, syncs, names: what was recorded. */
  readonly changes: number
  readonly acknowledged: number
  readonly losses: readonly string[]
  readonly seconds: number
}

/** Options of {@link powerLoss}. */
export interface PowerLossOptions {
  /** Different states to examine. */
  readonly states: number
  readonly seed: number
  /** Processes that share the work. */
  readonly processes: number
  /** Called now and then with a line of progress. */
  readonly onProgress?: (line: string) => void
}

/** Records, and examines so many states. Needs strace. */
export async function powerLoss({ states, seed, processes, onProgress }: PowerLossOptions): Promise<PowerLossResult> {
  const start = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-power-loss-'))
  let [done, repeated, changes, acknowledged] = [0, 0, 0, 0]
  const losses: string[] = []
  const recorded = new Map<string, readonly Moment[]>()
  try {
    for (const [play, naming, share] of SHARES) {
      let moments = recorded.get(play)
      if (moments === undefined) {
        recorded.set(play, (moments = record(PLAYS[play] ?? [])))
        changes += moments.filter(({ kind }) => kind === 'begin').length
        acknowledged += moments.filter(moment => moment.kind === 'line' && moment.line.kind === 'answered').length
      }
      const running = Array.from({ length: processes }, () => 0)
      const tell = (): void => {
        const sum = done + running.reduce((sum, states) => sum + states, 0)
        const seconds = Math.round((performance.now() - start) / 1000)
        onProgress?.(`${sum} of ${states} states, ${losses.length} with a loss, ${seconds} s (${play}, ${naming} names)`)
      }
      const explored = await Promise.all(
        running.map((_, index) =>
          exploreApart(
            join(folder, `task-${index}`),
            {
              moments: moments ?? [],
              naming,
              seed,
              states: Math.ceil((states * share) / processes),
              part: { index, of: processes },
              memory: MEMORY,
            },
            states => {
              running[index] = states
              if (index === 0 && states % 1000 === 0) tell()
            },
          ),
        ),
      )
      for (const one of explored) {
        done += one.states
        repeated += one.repeated
        losses.push(...one.losses.map(loss => `${play}, ${naming} names, ${loss}`))
      }
    }
    return { states: done, repeated, changes, acknowledged, losses, seconds: (performance.now() - start) / 1000 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function exploreApart(file: string, task: Exploration, onStates: (states: number) => void): Promise<Explored> {
  writeFileSync(file, serialize(task))
  const child = spawn(process.execPath, ['--conditions=mailwright-source', EXPLORER, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let explored: Explored | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as { readonly states?: number; readonly explored?: Explored }
    explored = told.explored ?? explored
    if (told.states !== undefined) onStates(told.states)
  }
  const [code] = (await ended) as [number | null]
  if (explored === undefined) throw new Error(`a process that examines states ended with ${code}: what it said is on stderr`)
  return explored
}
