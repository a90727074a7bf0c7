/**
 * In the server's process, told on file descriptor 3 whenever SIGUSR2 asks: how long its event loop ever stood still, and the most
 * processor time that it spent in one turn. The second is what a test may limit: the first grows with all that the machine does besides.
 */

import { writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** Milliseconds between two looks; what is told is beyond these. */
const RESOLUTION = 10

const delays = monitorEventLoopDelay({ resolution: RESOLUTION })
let last = process.threadCpuUsage()
let turn = 0

function look(): void {
  const { user, system } = process.threadCpuUsage(last)
  last = process.threadCpuUsage()
  turn = Math.max(turn, (user + system) / 1000)
}

// What runs before a process runs before each of its threads too.
if (isMainThread) {
  delays.enable()
  setInterval(look, RESOLUTION).unref()
  process.on('SIGUSR2', () => {
    look()
    const stall = Math.max(0, delays.max / 1e6 - RESOLUTION)
    writeSync(3, `${stall.toFixed(1)} ${Math.max(0, turn - RESOLUTION).toFixed(1)}\n`)
    delays.reset()
    turn = 0
  })
}
