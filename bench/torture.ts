/**
 * `npm run torture -- --kills 1000`: SIGKILL under load, again and again, with a ledger of what was acknowledged. With `--queue`: the
 * queue of outgoing mail, shared by two processes, instead of a server that receives; with `--outbound`: a server that is submitted to, and
 * what reaches the next one.
 */

import { parseArgs } from 'node:util'
import { readArguments, wholeNumber } from '../tools/command-line.ts'
import { departures } from './lib/departures.ts'
import { queueTorture } from './lib/queue-torture.ts'
import { torture, verified } from './lib/torture.ts'

const help = `Usage: npm run torture -- [options]

Kills (SIGKILL) under load, again and again, and compares what is there with what was acknowledged. Exit code 1 when anything is lost or wrong.

  --kills N     how many (default 100)
  --queue       the queue of outgoing mail, shared by two processes, instead of a server that receives
  --outbound    a server that is submitted to, and what reaches the next one
  --help        this text
`

const { kills, queue, outbound } = readArguments(help, () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      queue: { type: 'boolean', default: false },
      outbound: { type: 'boolean', default: false },
    },
  })
  if (values.queue && values.outbound) throw new Error('--queue and --outbound exclude each other')
  return { ...values, kills: wholeNumber('--kills', values.kills, 1) }
})
if (queue) await tortureQueue()
else if (outbound) await tortureDepartures()
else await tortureServer()

async function tortureServer(): Promise<void> {
  const result = await torture({ kills, onProgress: line => console.error(line), verify: verified })
  console.log(
    `kills ${result.kills}, acknowledged ${result.acknowledged}, lost ${result.lost.length}, corrupt ${result.corrupt.length}, duplicate ${result.duplicate.length}, ` +
      `present though never acknowledged ${result.unacknowledged}, restart ${result.medianRestart.toFixed(0)} ms, the slowest ${result.slowestRestart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
  )
  for (const problem of result.problems) console.log(problem)
  process.exitCode = result.lost.length + result.corrupt.length + result.duplicate.length + result.problems.length === 0 ? 0 : 1
}

async function tortureQueue(): Promise<void> {
  const result = await queueTorture({ kills, onProgress: line => console.error(line) })
  const bad = [...result.lost, ...result.twice, ...result.wrong, ...result.problems]
  console.log(
    `kills ${result.kills}, messages acknowledged ${result.queued}, outcomes acknowledged ${result.settled}, lost ${result.lost.length}, twice though acknowledged ${result.twice.length}, ` +
      `handed over again ${result.again} of ${result.inFlight} leases in flight, wrong ${result.wrong.length}, slowest start to first lease ${result.slowestStart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
  )
  for (const line of bad.slice(0, 50)) console.log(line)
  process.exitCode = bad.length === 0 ? 0 : 1
}

async function tortureDepartures(): Promise<void> {
  const result = await departures({ kills, onProgress: line => console.error(line), verify: verified })
  console.log(
    `kills ${result.kills}, acknowledged ${result.acknowledged}, lost ${result.lost.length}, corrupt ${result.corrupt.length}, arrived again ${result.again} of ${result.inFlight} in flight at a kill, ` +
      `again though not in flight ${result.twice.length}, the slowest restart ${result.slowestRestart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
  )
  const bad = [...result.lost, ...result.corrupt, ...result.twice, ...result.problems]
  for (const line of bad.slice(0, 50)) console.log(line)
  process.exitCode = bad.length === 0 ? 0 : 1
}
