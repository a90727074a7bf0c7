/** Goes through a recording, takes the power away at every moment in many ways, and examines what is left. */

import { Disk, type Naming } from './disk.ts'
import { Bench } from './examine.ts'
import { Owed } from './owed.ts'
import { byChance, diceOf, type Fate, plain, stateOf, systematic } from './states.ts'
import type { Moment } from './trace.ts'

/** What to look at. */
export interface Exploration {
  readonly moments: readonly Moment[]
  readonly naming: Naming
  readonly seed: number
  /** Different states to examine, at most. */
  readonly states: number
  /** Rounds after which it ends although there were fewer states. */
  readonly rounds?: number
  /** Moments before this one are passed over. */
  readonly from?: number
  /** For few states: spread over all moments and ways by chance, instead of way by way at every moment. Default: false. */
  readonly sparse?: boolean
  /** This one of so many that share the work. */
  readonly part?: { readonly index: number; readonly of: number }
  /** Every so-and-so-manieth state is examined by the doors and threads of an application. Default: 500. */
  readonly wholeEvery?: number
  /** Where states are put: a file system in memory. */
  readonly memory: string
  /** Ends after so many states with a loss. Default: 20. */
  readonly most?: number
  /** Called now and then with the states examined so far. */
  readonly onProgress?: (states: number, losses: number) => void
}

/** What came of it. */
export interface Explored {
  readonly states: number
  /** States that had been examined before under the same debts. */
  readonly repeated: number
  readonly losses: readonly string[]
}

/** Does it. */
export async function explore(exploration: Exploration): Promise<Explored> {
  const {
    moments,
    naming,
    seed,
    states,
    rounds = 1000,
    part = { index: 0, of: 1 },
    wholeEvery = 500,
    most = 20,
    sparse = false,
    from = 0,
  } = exploration
  const owed = new Owed(moments)
  const bench = new Bench(exploration.memory)
  const seen = new Set<string>()
  const losses: string[] = []
  let examined = 0
  let repeated = 0
  const full = (): boolean => examined >= states || losses.length >= most
  try {
    for (let round = 0; round < rounds && !full(); round++) {
      const disk = new Disk(naming)
      const dice = diceOf(seed * 1_000_003 + round * 8191 + part.index)
      for (const [at, moment] of moments.entries()) {
        if (moment.kind === 'begin') disk.begin(moment.id, moment.change)
        else if (moment.kind === 'end') disk.end(moment.id)
        if (at < from || at % part.of !== part.index || full()) continue
        if (sparse && dice() * (moments.length - from) > states) continue
        const fate = fateOf(sparse ? Math.max(0, Math.floor(dice() * 8) - 2) : round, disk, naming, dice)
        if (fate === undefined) continue
        const state = stateOf(disk, fate)
        const key = `${owed.stage(at)}\n${state.key}`
        if (seen.has(key)) {
          repeated++
          continue
        }
        seen.add(key)
        examined++
        const problems = await bench.problems(state, owed, at, examined % wholeEvery === 0)
        if (problems.length > 0)
          losses.push(`moment ${at} of ${moments.length}, round ${round}, ${fate.text}: ${problems.slice(0, 5).join('; ')}`)
        if (examined % 100 === 0) exploration.onProgress?.(examined, losses.length)
      }
    }
  } finally {
    bench.close()
  }
  return { states: examined, repeated, losses }
}

/** First nothing that was not synced at every moment, then everything; then by turns one of the many particular ways, and by chance. */
function fateOf(round: number, disk: Disk, naming: Naming, dice: () => number): Fate | undefined {
  if (round === 0) return plain('nothing unsynced', false)
  if (disk.names.length === 0 && [...disk.files()].every(({ pending }) => pending.length === 0)) return undefined
  if (round === 1) return plain('everything', true)
  if (round % 2 === 0) return byChance(dice, naming, disk.names.length)
  const fates = systematic(disk, naming)
  return fates[2 + Math.floor(dice() * (fates.length - 2))]?.()
}
