/** Processor time of this thread: what others do on the machine, and the disk, is none of it, so a limit on it holds wherever a test runs. */

/** Milliseconds of processor time that this thread has had. */
export function processorTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Milliseconds of it that something takes. */
export function processorTimeOf(work: () => void): number {
  const began = processorTime()
  work()
  return processorTime() - began
}

/** Does something; what came of it, and how many milliseconds of it one turn of the event loop took meanwhile at most. */
export async function longestTurn<Result>(work: () => Promise<Result>): Promise<{ readonly result: Result; readonly longest: number }> {
  await new Promise(resolve => void setImmediate(resolve))
  let last = processorTime()
  let longest = 0
  const look = (): void => {
    const now = processorTime()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(look, 1)
  try {
    const result = await work()
    look()
    return { result, longest }
  } finally {
    clearInterval(timer)
  }
}
