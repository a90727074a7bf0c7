/**
 * `npm run torture -- --kills 1000`: SIGKILL under load, again and again, with a ledger of what was acknowledged. With `--queue`: the
 * queue of outgoing mail, shared by two processes, instead of a server that receives; with `--outbound`: a server that is submitted to, and
 * what reaches the next one. `npm run torture -- --faults`: no kills, but calls to the disk that fail, each once; with
 * `--power-loss`: the states in which the power may leave the disk.
 */

import { parseArgs } from 'node:util'
import { readArguments, wholeNumber } from '../tools/command-line.ts'
import { departures } from './lib/departures.ts'
import { type SubjectName, SUBJECTS } from './lib/fault-subjects.ts'
import { faultLoop } from './lib/faults.ts'
import { powerLoss } from './lib/power-loss/power-loss.ts'
import { queueTorture } from './lib/queue-torture.ts'
import { torture, verified } from './lib/torture.ts'

const help = `Usage: npm run torture -- [options]

Kills (SIGKILL) under load, again and again, and compares what is there with what was acknowledged. Exit code 1 when anything is lost or wrong.

  --kills N     how many (default 100)
  --queue       the queue of outgoing mail, shared by two processes, instead of a server that receives
  --outbound    a server that is submitted to, and what reaches the next one
  --faults      instead of kills: fails each call to the disk once, and from then on, under a store, a directory and a first start. With
                --kills N: N runs of each kind of call and error, spread evenly; without: all of them, some thousands
  --of NAME     with --faults: store, directory or start alone
  --power-loss N
                instead of kills: the store alone, recorded at work, and N states in which the power may leave its disk (needs strace)
  --seed N      with --power-loss: another choice of states (default 1)
  --help        this text
`

const { kills, queue, outbound, faults, of, states, seed } = readArguments(help, () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      queue: { type: 'boolean', default: false },
      outbound: { type: 'boolean', default: false },
      faults: { type: 'boolean', default: false },
      of: { type: 'string' },
      'power-loss': { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  })
  const loops = [values.queue, values.outbound, values.faults, values['power-loss'] !== undefined].filter(Boolean)
  if (loops.length > 1) throw new Error('--queue, --outbound, --faults and --power-loss exclude each other')
  if (values.of !== undefined && (!values.faults || !isSubject(values.of)))
    throw new Error('--of is for --faults: store, directory or start')
  const count = (option: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : wholeNumber(option, text, 1)
  return {
    ...values,
    of: subjectsOf(values.of),
    kills: count('--kills', values.kills),
    states: count('--power-loss', values['power-loss']),
    seed: wholeNumber('--seed', values.seed, 0),
  }
})
if (states !== undefined) await torturePower(states)
else if (faults) await tortureDisk()
else if (queue) await tortureQueue()
else if (outbound) await tortureDepartures()
else await tortureServer()

function isSubject(name: string): name is SubjectName {
  return Object.hasOwn(SUBJECTS, name)
}

function subjectsOf(name: string | undefined): readonly SubjectName[] {
  return Object.keys(SUBJECTS)
    .filter(isSubject)
    .filter(one => name === undefined || one === name)
}

async function tortureDisk(): Promise<void> {
  for (const subject of of) {
    const { runs, calls, problems } = await faultLoop({
      subject,
      onProgress: line => console.error(line),
      ...(kills !== undefined && { runsOfEach: kills }),
    })
    const told = Object.entries(calls).map(([call, count]) => `${count} ${call}`)
    console.log(`${subject}: calls ${told.join(', ')}; runs with a call that failed ${runs}, problems ${problems.length}`)
    for (const problem of problems) console.log(problem)
    if (problems.length > 0) process.exitCode = 1
  }
}

async function tortureServer(): Promise<void> {
  const result = await torture({ kills: kills ?? 100, onProgress: line => console.error(line), verify: verified })
  console.log(
    `kills ${result.kills}, acknowledged ${result.acknowledged}, lost ${result.lost.length}, corrupt ${result.corrupt.length}, duplicate ${result.duplicate.length}, ` +
      `present though never acknowledged ${result.unacknowledged}, restart ${result.medianRestart.toFixed(0)} ms, the slowest ${result.slowestRestart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
  )
  for (const problem of result.problems) console.log(problem)
  process.exitCode = result.lost.length + result.corrupt.length + result.duplicate.length + result.problems.length === 0 ? 0 : 1
}

async function tortureQueue(): Promise<void> {
  const result = await queueTorture({ kills: kills ?? 100, onProgress: line => console.error(line) })
  const bad = [...result.lost, ...result.twice, ...result.wrong, ...result.problems]
  console.log(
    `kills ${result.kills}, messages acknowledged ${result.queued}, outcomes acknowledged ${result.settled}, lost ${result.lost.length}, twice though acknowledged ${result.twice.length}, ` +
      `handed over again ${result.again} of ${result.inFlight} leases in flight, wrong ${result.wrong.length}, slowest start to first lease ${result.slowestStart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
  )
  for (const line of bad.slice(0, 50)) console.log(line)
  process.exitCode = bad.length === 0 ? 0 : 1
}

async function tortureDepartures(): Promise<void> {
  const result = await departures({ kills: kills ?? 100, onProgress: line => console.error(line), verify: verified })
  console.log(
    `kills ${result.kills}, acknowledged ${result.acknowledged}, lost ${result.lost.length}, corrupt ${result.corrupt.length}, arrived again ${result.again} of ${result.inFlight} in flight at a kill, ` +
      `again though not in flight ${result.twice.length}, the slowest restart ${result.slowestRestart.toFixed(0)} ms, verify() problems ${result.problems.length}`,
  )
  const bad = [...result.lost, ...result.corrupt, ...result.twice, ...result.problems]
  for (const line of bad.slice(0, 50)) console.log(line)
  process.exitCode = bad.length === 0 ? 0 : 1
}

async function torturePower(states: number): Promise<void> {
  const result = await powerLoss({ states, seed, processes: 2, onProgress: line => console.error(line) })
  console.log(
    `recorded ${result.changes} changes of files and folders and ${result.acknowledged} acknowledgements, states ${result.states} (seed ${seed}, ${result.repeated} met again), ` +
      `with a loss ${result.losses.length}, ${result.seconds.toFixed(0)} s`,
  )
  for (const line of result.losses.slice(0, 50)) console.log(line)
  process.exitCode = result.losses.length === 0 ? 0 : 1
}
