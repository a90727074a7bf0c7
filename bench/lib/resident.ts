/** The resident set of a process, as Linux tells it. */

import { readFileSync } from 'node:fs'

/** In octets. */
export function residentOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096
}
