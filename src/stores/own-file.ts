/** Names of files that a process needs for a moment, so that what a process that is gone left behind is known by its name. */

import { randomUUID } from 'node:crypto'
import { codeOf } from './spool-faults.ts'

/** Tells this process's files from those of one that had the same number before: in a container it is the same every time. */
const TOKEN = randomUUID().slice(0, 8)

/** A name of this process, which ends so. */
export function ownName(ending: string): string {
  return `${process.pid}-${TOKEN}-${ending}`
}

/** Whether the file belongs to a process that is gone; never so for a name that {@link ownName} did not make. */
export function isLeftBehind(name: string): boolean {
  const [, pid, token] = /^([1-9]\d{0,9})-([0-9a-f]{8})-/.exec(name) ?? []
  if (pid === undefined) return false
  return Number(pid) === process.pid ? token !== TOKEN : !isRunning(Number(pid))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
