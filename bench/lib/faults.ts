/** Makes the N-th call to the disk fail, for every N, and looks each time at what was acknowledged. The way SQLite tests its own I/O errors. */

import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultSubject, type SubjectName, SUBJECTS } from './fault-subjects.ts'
import { type Call, type CallError, CALLS, type CallFault, compileNthCall, withFault } from './nth-call.ts'

/** Milliseconds that one run may take. */
const PATIENCE = 60_000

/**
 * Locks are left out unless asked for: no local disk refuses to unlock, and where one did, SQLite takes the lock for held until the process
 * ends, so that others wait for it in vain.
 */
const OF_THE_DISK: readonly Call[] = CALLS.filter(call => call !== 'lock')

/** What the calls of a kind can fail with. */
const ERRORS: Readonly<Record<Call, readonly CallError[]>> = {
  open: ['EIO', 'EMFILE', 'ENOSPC'],
  write: ['EIO', 'ENOSPC'],
  sync: ['EIO', 'ENOSPC'],
  truncate: ['EIO', 'ENOSPC'],
  rename: ['EIO', 'ENOSPC'],
  unlink: ['EIO'],
  mkdir: ['EIO', 'ENOSPC'],
  read: ['EIO'],
  close: ['EIO'],
  map: ['EIO'],
  lock: ['EIO'],
}

/** Options of {@link faultLoop}. */
export interface FaultLoopOptions {
  /** What is tried. Default: the store. */
  readonly subject?: SubjectName
  /** Default: all but locks. */
  readonly calls?: readonly Call[]
  readonly errors?: readonly CallError[]
  readonly lasting?: readonly boolean[]
  /** Runs of each kind of call and error, spread evenly over the calls that there are. Default: one for each call. */
  readonly runsOfEach?: number
  /** Runs at a time. Default 2. */
  readonly atOnce?: number
  readonly onProgress?: (line: string) => void
}

/** What came of it. */
export interface FaultLoopResult {
  readonly runs: number
  /** Calls of each kind that a run without faults makes. */
  readonly calls: Readonly<Partial<Record<Call, number>>>
  readonly problems: readonly string[]
}

/** Runs the loop in a folder of its own. */
export async function faultLoop(options: FaultLoopOptions = {}): Promise<FaultLoopResult> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-faults-'))
  try {
    return await loop(folder, options)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function loop(folder: string, options: FaultLoopOptions): Promise<FaultLoopResult> {
  const { subject = 'store' } = options
  const { calls = OF_THE_DISK, lasting = [false, true], runsOfEach, atOnce = 2, onProgress } = options
  const library = compileNthCall(folder)
  const problems: string[] = []
  let runs = 0
  const sound = await runOnce(subject, join(folder, 'sound'), library)
  for (const problem of sound.problems) problems.push(`without a fault: ${problem}`)
  const made: Partial<Record<Call, number>> = {}
  for (const hit of sound.hits) {
    const call = hit.split(' ')[0] as Call
    made[call] = (made[call] ?? 0) + 1
  }
  for (const call of calls) {
    for (const error of options.errors?.filter(one => ERRORS[call].includes(one)) ?? ERRORS[call]) {
      for (const isLasting of lasting) {
        const name = `${call} ${error}${isLasting ? ' from then on' : ''}`
        const step = runsOfEach === undefined ? 1 : Math.max(1, (made[call] ?? 1) / runsOfEach)
        let next = 1
        let isOver = false
        const worker = async (): Promise<void> => {
          while (!isOver) {
            const fault: CallFault = { call, at: Math.floor(next), error, lasting: isLasting }
            next += step
            const result = await runOnce(subject, join(folder, `${call}-${error}-${fault.at}`), library, fault)
            if (result.hits.length === 0) isOver = true
            else runs++
            for (const problem of result.problems) {
              problems.push(`${name}, call ${fault.at} (${result.hits[0]?.replace(/^\S+ .*\/data\//, '') ?? 'none'}): ${problem}`)
              onProgress?.(problems.at(-1) ?? '')
            }
          }
        }
        await Promise.all(Array.from({ length: atOnce }, worker))
        onProgress?.(`${name}: ${made[call] ?? 0} calls, ${runs} runs so far, ${problems.length} problems`)
      }
    }
  }
  return { runs, calls: made, problems }
}

/** One run, in a folder that is removed. */
export async function runOnce(
  subject: SubjectName,
  folder: string,
  library: string,
  fault?: CallFault,
): Promise<{ readonly hits: readonly string[]; readonly problems: readonly string[] }> {
  const data = join(folder, 'data')
  mkdirSync(data, { recursive: true })
  const report = join(folder, 'report.json')
  const { words, judge, endAtLine = false }: FaultSubject = SUBJECTS[subject]
  const options = { library, folder: data, log: join(folder, 'log'), patience: PATIENCE, endAtLine, ...(fault !== undefined && { fault }) }
  const ending = await withFault(words(data, report), options)
  const problems = await judge({ data, report: read(report), ending, fault, options })
  rmSync(folder, { recursive: true, force: true })
  return { hits: ending.hits, problems }
}

function read(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
