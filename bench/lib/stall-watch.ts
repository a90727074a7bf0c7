/** In the server's process: how long its event loop ever stood still, told on file descriptor 3 whenever SIGUSR2 asks. */

import { writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Milliseconds between two looks; what is told is beyond these. */
const RESOLUTION = 10

const delays = monitorEventLoopDelay({ resolution: RESOLUTION })
delays.enable()
process.on('SIGUSR2', () => {
  writeSync(3, `${Math.max(0, delays.max / 1e6 - RESOLUTION).toFixed(1)}\n`)
  delays.reset()
})
