/** When a recipient that failed for now is tried again. RFC 5321 §4.5.4.1. */

import type { Random } from '../contracts/clock.ts'

/** Milliseconds to wait after the first, second, third ... failure; the last one stands for all further ones. */
export type RetrySchedule = readonly number[]

const MINUTE = 60_000

/**
 * 5, 15 and 30 minutes, then hourly steps up to four hours: two quick tries for what passes by itself (greylisting), then
 * patience. RFC 5321 §4.5.4.1 asks for at least 30 minutes between tries in the long run, and for two tries in the first hour.
 */
export const DEFAULT_RETRIES: RetrySchedule = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 120 * MINUTE, 240 * MINUTE]

/**
 * Milliseconds until the next try after `failures` failures (at least 1). Spread by up to a tenth either way, so that what
 * failed together does not come back together.
 */
export function retryDelay(failures: number, random: Random, schedule: RetrySchedule = DEFAULT_RETRIES): number {
  const step = schedule[Math.min(Math.max(failures, 1), schedule.length) - 1] ?? 60 * MINUTE
  const [high = 0, low = 0] = random.bytes(2)
  const spread = (high * 256 + low) / 65_535 - 0.5
  return Math.round(step * (1 + spread / 5))
}
