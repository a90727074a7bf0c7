/** The thread of a table of counters: whatever waits is answered in one transaction. */

import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { ConfigurationError, type MailError } from '../../contracts/mail-error.ts'
import { stateErrorOf } from './state-faults.ts'
import { type StateFileOptions, type StateRequest, StateRows } from './state-rows.ts'

/** What is sent to the thread. */
export type StateCommand = { readonly id: number; readonly now: number; readonly request: StateRequest } | 'close'

/** What the thread answers. */
export interface StateReport {
  readonly id: number
  readonly value?: unknown
  readonly failure?:
    | { readonly kind: MailError['kind']; readonly message: string }
    | { readonly code: `MW_${string}`; readonly message: string }
}

/** Requests of one transaction: more would keep other processes waiting. */
const MOST_AT_ONCE = 64

const { port, options } = workerData as { readonly port: MessagePort; readonly options: StateFileOptions }
let rows: StateRows | undefined
let closing = false
const waiting: Exclude<StateCommand, 'close'>[] = []

function take(command: StateCommand): void {
  if (command === 'close') closing = true
  else waiting.push(command)
}

function answer(): void {
  const group = waiting.splice(0, MOST_AT_ONCE)
  try {
    rows ??= new StateRows(options)
    const values = rows.run(group)
    for (const [index, { id }] of group.entries()) port.postMessage({ id, value: values[index] } satisfies StateReport)
  } catch (error) {
    const failure = failureOf(error)
    for (const { id } of group) port.postMessage({ id, failure } satisfies StateReport)
  }
}

function failureOf(error: unknown): NonNullable<StateReport['failure']> {
  if (error instanceof ConfigurationError) return { code: error.code, message: error.message }
  const { kind, message } = stateErrorOf(error)
  return { kind, message }
}

port.on('message', (command: StateCommand) => {
  take(command)
  do {
    for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port)) take(more.message as StateCommand)
    if (waiting.length > 0) answer()
  } while (waiting.length > 0)
  if (!closing) return
  rows?.close()
  port.close()
})
