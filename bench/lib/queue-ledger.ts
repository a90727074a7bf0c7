/** What those who use a queue wrote down, synced, about what it acknowledged. One file for each process, one line for each fact. */

import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Writes facts down before anything else happens. */
export class QueueLedger {
  readonly #file: number

  constructor(folder: string, name: string) {
    this.#file = openSync(join(folder, name), 'a')
  }

  /** The lines are on the disk when this returns. */
  write(lines: readonly string[]): void {
    if (lines.length === 0) return
    writeSync(this.#file, `${lines.join('\n')}\n`)
    fdatasyncSync(this.#file)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** All facts of all processes. */
export interface QueueFacts {
  /** `queued KEY ID`: the queue said that it has the message. */
  readonly queued: ReadonlyMap<string, string>
  /** `took KEY PLACE TOKEN`: the server at the other end took it for this recipient; TOKENs in order. */
  readonly took: ReadonlyMap<string, readonly string[]>
  /** `settled KEY PLACE TOKEN STATE`: the queue said that it knows; states by recipient. */
  readonly settled: ReadonlyMap<string, readonly (readonly [token: string, state: string])[]>
  /** `started MS`: from the start of a process to its first lease. */
  readonly starts: readonly number[]
  /** `wrong TEXT`: what must never be. */
  readonly wrong: readonly string[]
}

/** Reads the ledgers of a folder. A last line that was cut by the kill was not a fact yet. */
export function readFacts(folder: string): QueueFacts {
  const queued = new Map<string, string>()
  const took = new Map<string, string[]>()
  const settled = new Map<string, (readonly [string, string])[]>()
  const starts: number[] = []
  const wrong: string[] = []
  for (const name of readdirSync(folder)) {
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)) {
      const [kind, key = '', place = '', token = '', state = ''] = line.split(' ')
      if (kind === 'queued') queued.set(key, place)
      else if (kind === 'took') put(took, `${key} ${place}`, token)
      else if (kind === 'settled') put(settled, `${key} ${place}`, [token, state])
      else if (kind === 'started') starts.push(Number(key))
      else wrong.push(line)
    }
  }
  // Tokens ascend, whichever process had them.
  for (const tokens of took.values()) tokens.sort((one, other) => Number(one) - Number(other))
  return { queued, took, settled, starts, wrong }
}

function put<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
