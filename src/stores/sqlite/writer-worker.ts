/** The thread of the writer: takes requests from the port, groups them, answers. Blocking here blocks no session. */

import { receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { armFailpoint, failpoint } from './failpoints.ts'
import type { Request, WriterCommand, WriterCounters, WriterOptions, WriterReport } from './operation.ts'
import { failureOf, Writer } from './writer.ts'

/** Operations in one durable step, at most. */
const MOST_OPERATIONS = 1000

/** Octets of contents in one durable step, about: one more may pass them. */
const MOST_OCTETS = 32 * 1024 * 1024

/** Milliseconds for which a group may wait to become larger, and how long it waits for the next operation: a sync costs as much as three messages. */
const GATHER = 1
const GATHER_STEP = 0.5

/** Milliseconds whose operations are worth waiting for. */
const WORTH = 1.5

/** Milliseconds without work after which the log may be moved into the database. */
const IDLE_AFTER = 200

const { port, options } = workerData as { readonly port: MessagePort; readonly options: WriterOptions }
armFailpoint(options.failpoint)
let opened: Writer | undefined
const counters: WriterCounters = { groups: 0, operations: 0, segmentSyncs: 0 }
const queue: Request[] = []
let closing = false
let told = false
let idle: NodeJS.Timeout | undefined

function take(command: WriterCommand): void {
  if (command.kind === 'close') closing = true
  else queue.push(...command.requests)
}

function drain(): void {
  for (;;) {
    const next = receiveMessageOnPort(port)
    if (next === undefined) return
    take(next.message as WriterCommand)
  }
}

function octetsOf({ operation }: Request): number {
  if (operation.kind !== 'append' && operation.kind !== 'deliver' && operation.kind !== 'queue') return 0
  let octets = 0
  for (const content of operation.contents) octets += content.size
  return octets
}

function nextGroup(): readonly Request[] {
  let octets = 0
  let count = 0
  for (const request of queue) {
    if (count === MOST_OPERATIONS || octets >= MOST_OCTETS) break
    octets += octetsOf(request)
    count++
  }
  return queue.splice(0, count)
}

/** Operations in a millisecond, as of late. */
let pace = 0
let lastEnd = 0
/** Operations in the last group. */
let lastGroup = 0
const nothing = new Int32Array(new SharedArrayBuffer(4))

/** Waits for more where they come fast, as long as they do. Who is alone, one operation after another, is never kept waiting. */
function gather(): void {
  if (queue.length < 2 && lastGroup < 2) return
  const wanted = Math.min(MOST_OPERATIONS, pace * WORTH)
  for (let waited = 0; queue.length < wanted && waited < GATHER; waited += GATHER_STEP) {
    const before = queue.length
    Atomics.wait(nothing, 0, 0, GATHER_STEP)
    drain()
    if (queue.length === before) return
  }
}

function measure(operations: number): void {
  const now = performance.now()
  pace += (operations / Math.max(0.1, now - lastEnd) - pace) * 0.2
  lastEnd = now
  lastGroup = operations
}

function report(message: WriterReport): void {
  port.postMessage(message)
}

/** Nothing was written where the database cannot be opened: who asked is refused, and the next one may have more luck. */
function openWriter(): Writer | undefined {
  try {
    return (opened ??= new Writer(options, counters))
  } catch (error) {
    const failure = failureOf(error)
    const answers = nextGroup().map(({ id }) => ({ id, changes: [], outcome: { ok: false, failure } as const }))
    report({ kind: 'answers', answers, counters })
    drain()
    return undefined
  }
}

function work(): void {
  drain()
  while (queue.length > 0) {
    gather()
    const writer = openWriter()
    if (writer === undefined) continue
    const answers = writer.run(nextGroup())
    measure(answers.length)
    report({ kind: 'answers', answers, counters })
    failpoint('after-answer')
    if (writer.stopped !== undefined && !told) {
      told = true
      report({ kind: 'stopped', failure: writer.stopped })
    }
    if (writer.isUseless) {
      opened = undefined
      writer.close()
    } else writer.checkpoint(false)
    drain()
  }
  if (closing) {
    clearTimeout(idle)
    opened?.close()
    report({ kind: 'closed' })
    port.close()
    return
  }
  if (idle === undefined) idle = setTimeout(rest, IDLE_AFTER)
  else idle.refresh()
}

function rest(): void {
  opened?.checkpoint(true)
}

port.on('message', (command: WriterCommand) => {
  take(command)
  work()
})
