/** `npm run torture -- --kills 1000`: SIGKILL under load, again and again, with a ledger of what was acknowledged. */

import { parseArgs } from 'node:util'
import { torture, verified } from './lib/torture.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '100' } } })
const kills = Number(values.kills)
if (!Number.isInteger(kills) || kills < 1) throw new Error('--kills takes a whole number of at least 1')
const result = await torture({ kills, onProgress: line => console.error(line), verify: verified })
console.log(
  `kills ${result.kills}, acknowledged ${result.acknowledged}, lost ${result.lost.length}, corrupt ${result.corrupt.length}, duplicate ${result.duplicate.length}, ` +
    `present though never acknowledged ${result.unacknowledged}, slowest restart ${result.slowestRestart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
)
for (const problem of result.problems) console.log(problem)
process.exitCode = result.lost.length + result.corrupt.length + result.duplicate.length + result.problems.length === 0 ? 0 : 1
