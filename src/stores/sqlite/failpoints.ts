/** Named places at which a test can make the process die, as if the power had gone there. Off unless asked for. */

/** The places, in the order in which a delivery passes them, then those of the work in the background. */
export const FAILPOINTS = [
  'after-receive',
  'after-segment-create',
  'before-segment-write',
  'after-segment-write',
  'after-segment-sync',
  'after-begin',
  'after-rows',
  'after-commit',
  'after-answer',
  'compact-after-look',
  'compact-after-copy',
  'compact-after-commit',
  'compact-before-unlink',
  'compact-before-strays',
] as const

/** The name of a place. */
export type Failpoint = (typeof FAILPOINTS)[number]

let armed: string | undefined
let passes = 0
let act: () => void = die

/**
 * Arms one place on this thread: `name`, or `name:3` for the third time that it is passed. `undefined` disarms. What is done there is to
 * die, or `then`: what another process might do at that moment.
 */
export function armFailpoint(spec: string | undefined, then: () => void = die): void {
  act = then
  const [name, count = '1'] = (spec ?? '').split(':')
  armed = name === '' ? undefined : name
  passes = Number(count)
}

/** Does here what this place is armed with. */
export function failpoint(name: Failpoint): void {
  if (name !== armed || --passes > 0) return
  armed = undefined
  act()
}

/** Without any clean-up. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
  // The signal may take a moment to arrive; nothing may happen in between.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
