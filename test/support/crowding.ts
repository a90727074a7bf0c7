/** Limits of time that hold on a machine that others use as well. */

/** Milliseconds of processor time that it takes to find out. */
const WORK = 150

/**
 * How many times longer work takes at this moment than the processor needs for it: 1 on a machine that is ours alone, 3 where three want one
 * core. Measured, after what is judged, by work that does nothing; a limit of time is multiplied by it, so that a test tells a slow
 * program from a crowded machine.
 */
export function crowding(): number {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  for (;;) {
    const { user, system } = process.cpuUsage(cpu)
    const used = (user + system) / 1000
    if (used >= WORK) return Math.max(1, (performance.now() - began) / used)
  }
}
