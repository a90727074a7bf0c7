/** What a queue keeps to unless it is told otherwise. RFC 5321 §4.5.4.1. */

import type { QueueLimits } from '../../contracts/queue.ts'
import { ConfigurationError } from '../../contracts/mail-error.ts'

const DAY = 86_400_000

/** RFC 5321 §4.5.4.1: "the give-up time generally needs to be at least 4-5 days". */
export const DEFAULT_QUEUE_LIMITS: QueueLimits = Object.freeze({ lifetimeMs: 5 * DAY, rememberMs: 7 * DAY, maxMessages: 1_000_000 })

/** The limits with defaults for those left out. Throws `MW_QUEUE_LIMITS` for numbers that cannot be meant. */
export function queueLimits(limits: Partial<QueueLimits> = {}): QueueLimits {
  const whole: QueueLimits = Object.freeze({ ...DEFAULT_QUEUE_LIMITS, ...limits })
  for (const [name, value] of Object.entries(whole) as readonly [string, unknown][]) {
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) continue
    throw new ConfigurationError('MW_QUEUE_LIMITS', `the queue's ${name} is ${String(value)}: give a number of at least 0`)
  }
  return whole
}
