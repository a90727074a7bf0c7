/** Work that keeps a store in order: inspection, sweeping and compaction, summaries made again, backup. */

import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { MailError, type MailErrorKind } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type { CaretakerReport, CaretakerTask } from './caretaker-worker.ts'
import { StoredSource } from './content-reader.ts'
import { mailErrorOf } from './faults.ts'
import { failpoint } from './failpoints.ts'
import type { House } from './house.ts'
import type { InspectionProgress, StoreProblem } from './inspection.ts'
import type { Marks } from './marking.ts'
import { HEADER, segmentPath } from './segment-format.ts'

/** Rows in one step of background work: a few milliseconds of the writer's time. */
const STEP = 200

/** Octets moved in one step. */
const STEP_OCTETS = 4 * 1024 * 1024

/** A segment with less of it in use than this part is worth moving together. */
const HOLLOW = 0.5

/** Seconds for which a retired segment stays, for who has a source of it open. */
const GRACE = 600

/** Options of `verify`. */
export interface VerifyOptions {
  /** Reads every octet and compares it with its sums. Default: false. */
  readonly deep?: boolean
  /** Told how far it is. */
  readonly onProgress?: (progress: InspectionProgress) => void
  readonly signal?: AbortSignal
}

/** Looks for damage; answers problems as they are found. */
export async function* verify(house: House, options: VerifyOptions = {}): AsyncGenerator<StoreProblem> {
  house.checkOpen()
  for await (const report of ask(house, { kind: 'inspect', deep: options.deep ?? false }, options.signal)) {
    if (report.kind !== 'findings') continue
    for (const finding of report.findings) {
      if (finding.kind === 'problem') yield finding.problem
      else options.onProgress?.(finding.progress)
    }
  }
}

type Asked = { readonly kind: 'inspect'; readonly deep: boolean } | { readonly kind: 'mark' }

async function* ask(house: House, asked: Asked, signal?: AbortSignal): AsyncGenerator<CaretakerReport> {
  signal?.throwIfAborted()
  const task: CaretakerTask = { folder: house.folder, busyTimeout: house.busyTimeout, ...asked }
  const worker = new Worker(new URL(`./caretaker-worker${import.meta.url.slice(-3)}`, import.meta.url), {
    workerData: task,
    name: 'mailwright caretaker',
    execArgv: [],
  })
  const reports: CaretakerReport[] = []
  let fault: unknown
  let over = false
  let wake: () => void = () => undefined
  const end = (error?: unknown): void => {
    fault ??= error
    over = true
    wake()
  }
  worker.on('message', (report: CaretakerReport) => {
    reports.push(report)
    wake()
  })
  worker.on('error', end)
  worker.on('exit', () => end())
  const abort = (): void => end(signal?.reason)
  signal?.addEventListener('abort', abort)
  try {
    while (!over || reports.length > 0) {
      for (const report of reports.splice(0)) {
        if (report.kind === 'failed') throw new MailError(report.error.kind as MailErrorKind, report.error.message)
        yield report
      }
      if (over) continue
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    if (fault === undefined) return
    signal?.throwIfAborted()
    throw mailErrorOf(fault)
  } finally {
    signal?.removeEventListener('abort', abort)
    await worker.terminate()
  }
}

/** What `compact` did. */
export interface CompactResult {
  /** Messages and contents that nothing referred to, and that are gone now. */
  readonly swept: number
  /** Contents moved out of hollow segments. */
  readonly moved: number
  /** Segment files removed. */
  readonly removed: number
}

/** Options of `compact`. */
export interface CompactOptions {
  /** Seconds for which a segment that was emptied stays, for who is reading from it. Default: 600. */
  readonly grace?: number
  readonly signal?: AbortSignal
}

/** Sweeps and moves together, in small steps between deliveries. */
export async function compact(house: House, options: CompactOptions = {}): Promise<CompactResult> {
  const marks = await marksOf(house, options.signal)
  let swept = 0
  const { signal } = options
  for (const messages of parts(marks.messages, signal))
    swept += await house.write<number>({ kind: 'sweep', messages, contents: [], doom: [] })
  for (const doom of parts(marks.doom, signal)) await house.write({ kind: 'sweep', messages: [], contents: [], doom })
  for (const contents of parts(marks.contents, signal))
    swept += await house.write<number>({ kind: 'sweep', messages: [], contents, doom: [] })
  const hollow = marks.segments.filter(({ id, octets, contents }) => isHollow(house.folder, id, octets + contents * HEADER))
  let moved = 0
  let damage: MailError | undefined
  for (const { id } of hollow) {
    try {
      moved += await empty(house, id, signal)
    } catch (error) {
      if (!(error instanceof MailError) || error.kind !== 'corrupt') throw error
      // What is damaged stays as it is and is told of; the others do not wait for its mending.
      damage ??= error
    }
  }
  const removed = await removeRetired(house, options.grace ?? GRACE)
  if (damage !== undefined) throw damage
  return { swept, moved, removed }
}

/** Moves what is left in a segment elsewhere, and retires it. Answers how many contents were moved. */
async function empty(house: House, id: number, signal: AbortSignal | undefined): Promise<number> {
  let moved = 0
  for (;;) {
    signal?.throwIfAborted()
    const contents = nextToMove(house, id)
    if (contents.length === 0) break
    const now = await house.write<number>({ kind: 'move-contents', contents })
    // The writer leaves alone what lies where it appends, and what another process moved meanwhile.
    if (now === 0) break
    moved += now
    failpoint('compact-after-copy')
  }
  await house.write({ kind: 'retire', segments: [id] })
  failpoint('compact-after-commit')
  return moved
}

/** So many that moving them keeps deliveries waiting for some milliseconds only. */
function nextToMove({ sql }: House, segment: number): readonly number[] {
  const chosen: number[] = []
  let octets = 0
  for (const [id, size] of sql.rows<[number, number]>('SELECT id, size FROM content WHERE segment = ? ORDER BY start LIMIT 200', segment)) {
    if (chosen.length > 0 && octets + size > STEP_OCTETS) break
    chosen.push(id)
    octets += size
  }
  return chosen
}

function isHollow(folder: string, segment: number, used: number): boolean {
  try {
    return used < statSync(segmentPath(folder, segment)).size * HOLLOW || used < 1_048_576
  } catch {
    // No file, as after a crash right after its row was made: nothing can be in it.
    return used === 0
  }
}

async function removeRetired(house: House, grace: number): Promise<number> {
  const retired = house.sql.rows<[number]>('SELECT id FROM segment WHERE retired IS NOT NULL AND retired <= unixepoch() - ?', grace)
  let removed = 0
  for (const [segment] of retired) {
    if (!(await house.write<boolean>({ kind: 'forget-segment', segment }))) continue
    failpoint('compact-before-unlink')
    rmSync(segmentPath(house.folder, segment), { force: true })
    removed++
  }
  return removed + removeStray(house, grace)
}

/** Files whose rows were forgotten just before the process died. A number is never given again, so no new segment has it. */
function removeStray({ folder, sql }: House, grace: number): number {
  // The newest first: a segment that another process begins after this look has a greater number.
  const last = sql.number("SELECT seq FROM sqlite_sequence WHERE name = 'segment'")
  failpoint('compact-before-strays')
  const known = new Set(sql.rows<[number]>('SELECT id FROM segment').map(([id]) => id))
  let removed = 0
  for (const name of readdirSync(join(folder, 'segments'))) {
    const segment = Number(/^(\d+)\.seg$/.exec(name)?.[1] ?? Infinity)
    if (segment > last || known.has(segment)) continue
    const path = segmentPath(folder, segment)
    const found = statSync(path, { throwIfNoEntry: false })
    // Another process may be at the same work.
    if (found === undefined || Date.now() - found.mtimeMs < grace * 1000) continue
    rmSync(path, { force: true })
    removed++
  }
  return removed
}

async function marksOf(house: House, signal?: AbortSignal): Promise<Marks> {
  for await (const report of ask(house, { kind: 'mark' }, signal)) if (report.kind === 'marks') return report.marks
  throw new MailError('unavailable', 'the look for unused mail ended early')
}

function* parts(ids: readonly number[], signal: AbortSignal | undefined): Iterable<readonly number[]> {
  for (let at = 0; at < ids.length; at += STEP) {
    signal?.throwIfAborted()
    yield ids.slice(at, at + STEP)
  }
}

/** Options of `rebuild`. */
export interface RebuildOptions {
  /** Makes the summary of a message from its octets. */
  readonly summarise: (source: MessageSource) => Uint8Array | Promise<Uint8Array>
  /** Told after each step. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  readonly signal?: AbortSignal
}

/** Makes all summaries again from the octets, in steps that others run between. Answers how many were replaced. */
export async function rebuild(house: House, { summarise, onProgress, signal }: RebuildOptions): Promise<number> {
  const total = house.sql.number('SELECT count(*) FROM message')
  let last = 0
  let done = 0
  for (;;) {
    signal?.throwIfAborted()
    const rows = house.sql.rows<[number, Uint8Array | null, number, number, number, number, Uint8Array]>(
      `SELECT m.id, m.prefix, c.id, c.segment, c.start, c.size, c.sums FROM message AS m CROSS JOIN content AS c ON c.id = m.content
       WHERE m.id > ? ORDER BY m.id LIMIT 100`,
      last,
    )
    if (rows.length === 0) return done
    const summaries: (readonly [number, Uint8Array])[] = []
    for (const [message, prefix, id, segment, start, size, sums] of rows) {
      const source = new StoredSource(house.reader, { id, segment, start, size, sums }, prefix ?? undefined)
      summaries.push([message, await summarise(source)])
      last = message
      await new Promise(setImmediate)
    }
    done += await house.write<number>({ kind: 'set-summaries', summaries })
    onProgress?.({ done, total })
  }
}
