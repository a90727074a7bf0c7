/** CPU seconds of a whole family of processes, as the kernel counts them: control groups, version 1 or 2, or /proc where neither can be had. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

/** A group of processes; what they fork belongs to it too. */
export interface CpuGroup {
  /** Shell words that put the shell into the group before it becomes the server. */
  readonly enter: string
  /** User and system seconds so far. */
  seconds(): number
  /** Sum of the resident sets of all living members, in octets. */
  resident(): number
  remove(): void
}

let count = 0

/** Makes a group; throws where the kernel gives none (then run as root, or on a machine with cgroups). */
export function cpuGroup(): CpuGroup {
  const v1 = '/sys/fs/cgroup/cpuacct'
  const root = existsSync(join(v1, 'cpuacct.usage')) ? v1 : '/sys/fs/cgroup'
  const folder = join(root, `mailwright-bench-${process.pid}-${count++}`)
  mkdirSync(folder)
  const procs = join(folder, 'cgroup.procs')
  const members = (): number[] => readFileSync(procs, 'latin1').split('\n').filter(Boolean).map(Number)
  return {
    enter: `echo $$ > ${procs}`,
    seconds() {
      if (root === v1) return Number(readFileSync(join(folder, 'cpuacct.usage'), 'latin1')) / 1e9
      const line = /usage_usec (\d+)/.exec(readFileSync(join(folder, 'cpu.stat'), 'latin1'))
      return Number(line?.[1] ?? 0) / 1e6
    },
    resident() {
      let octets = 0
      for (const pid of members()) {
        try {
          octets += Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096
        } catch {
          // It ended while we looked.
        }
      }
      return octets
    },
    remove() {
      for (let round = 0; round < 50; round++) {
        for (const pid of members()) {
          try {
            process.kill(pid, 'SIGKILL')
          } catch {
            // It ended by itself.
          }
        }
        try {
          rmdirSync(folder)
          return
        } catch {
          execFileSync('sleep', ['0.1'])
        }
      }
    },
  }
}
