/** What a process tells of itself, some call of which to the disk failed. */

import { ConfigurationError, MailError, type MailboxId, type Uid } from 'mailwright/contracts'
import type { CallFault } from './nth-call.ts'

/** A message to an operator that says what to do. */
const WAY_OUT = /check|make room|restore|name (?:a|one|another)|wait|try|start again|run verify|raise|free |install/i

/** What follows from an earlier step that was refused: what it was to make is not there. */
const CONSEQUENCE = /no-such-|invalid/

/** What the store says once it takes nothing more. */
const STOPPED = /nothing more is written/

/** An error, as it was given to the caller. */
export interface ToldFault {
  /** `MailError` and its kind, `ConfigurationError` and its code, or what it was else. */
  readonly what: string
  readonly isOurs: boolean
  readonly message: string
  readonly stack: string
}

/** One try of a step. */
export interface Attempt {
  readonly name: string
  readonly attempt: number
  readonly isReading: boolean
  readonly fault?: ToldFault
}

/** A message that was acknowledged. */
export interface Kept {
  readonly account: string
  readonly mailbox: MailboxId
  readonly uid: Uid
  readonly name: string
  /** One of these. */
  flags: string[][]
  /** A step that was refused may have taken it away. */
  isUnsure?: boolean
}

/** Everything. */
export interface FaultReport {
  readonly attempts: Attempt[]
  readonly kept: Kept[]
  /** Acknowledged as gone. */
  readonly gone: Kept[]
  /** Names of messages that a refused step may have added. */
  readonly maybe: string[]
  readonly queued: { readonly id: string; readonly name: string; readonly settled: number[] }[]
  readonly boxes: Record<string, readonly MailboxId[]>
  /** What the backup holds, when one was made. */
  backup: readonly string[] | undefined
  /** Whether the process came to its end. */
  isOver: boolean
}

/** An error as it goes into the report. */
export function told(error: unknown): ToldFault {
  if (error instanceof MailError) return toldOf(`MailError ${error.kind}`, true, error)
  if (error instanceof ConfigurationError) return toldOf(`ConfigurationError ${error.code}`, true, error)
  return error instanceof Error ? toldOf(error.name, false, error) : toldOf(typeof error, false, new Error(String(error)))
}

function toldOf(what: string, isOurs: boolean, { message, stack = '' }: Error): ToldFault {
  return { what, isOurs, message, stack }
}

/** The same of a directory. */
export interface DirectoryReport {
  readonly attempts: Attempt[]
  /** Acknowledged accounts with their passwords. */
  readonly accounts: Record<string, string>
  readonly aliases: Record<string, readonly string[]>
  readonly gone: string[]
  /** What a step was about that was refused and may have been done. */
  readonly unsure: string[]
  isOver: boolean
}

/** What a process said at its end. */
export function lastWords(stderr: string): string {
  return stderr
    .trim()
    .split('\n')
    .filter(line => !line.startsWith('Node.js'))
    .slice(0, 12)
    .join(' | ')
}

/** What the errors that callers got are not. */
export function faultsOf(attempts: readonly Attempt[], fault: CallFault | undefined): readonly string[] {
  const problems: string[] = []
  let stopped = false
  let refused = false
  for (const { name, attempt, isReading, fault: told } of attempts) {
    if (told === undefined) {
      if (attempt === 0 && !/cannot be opened \(E|could not be read as a whole/.test(name)) problems.push(`verify, while it ran: ${name}`)
      continue
    }
    if (fault === undefined) problems.push(`${name}: ${told.stack}`)
    else if (!isClear(told) && !(refused && CONSEQUENCE.test(told.what)))
      problems.push(`${name} rejects with ${told.what}: ${told.message} ${told.isOurs ? '' : told.stack.split('\n')[1]?.trim()}`)
    refused = true
    stopped ||= STOPPED.test(told.message)
    if (attempt === 2 && fault?.lasting === false && (isReading || !stopped)) problems.push(`${name} fails again: ${told.message}`)
  }
  return [...new Set(problems)]
}

/** Whether an error is one of ours, and says what to do. */
export function isClear({ isOurs, message }: Pick<ToldFault, 'isOurs' | 'message'>): boolean {
  return isOurs && WAY_OUT.test(message)
}
