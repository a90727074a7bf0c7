/** `npm run torture -- --kills 1000`: SIGKILL under load, again and again, with a ledger of what was acknowledged. */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { torture } from './lib/torture.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '100' } } })
const kills = Number(values.kills)
if (!Number.isInteger(kills) || kills < 1) throw new Error('--kills takes a whole number of at least 1')
/** What the store itself finds wrong, every octet read. */
async function verify(folder: string): Promise<readonly string[]> {
  const store = sqliteStore({ path: join(folder, 'mail') })
  const problems: string[] = []
  for await (const problem of store.verify({ deep: true })) problems.push(JSON.stringify(problem))
  await store.close()
  return problems
}

const result = await torture({ kills, onProgress: line => console.error(line), verify })
console.log(
  `kills ${result.kills}, acknowledged ${result.acknowledged}, lost ${result.lost.length}, corrupt ${result.corrupt.length}, duplicate ${result.duplicate.length}, ` +
    `present though never acknowledged ${result.unacknowledged}, slowest restart ${result.slowestRestart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
)
for (const problem of result.problems) console.log(problem)
process.exitCode = result.lost.length + result.corrupt.length + result.duplicate.length + result.problems.length === 0 ? 0 : 1
