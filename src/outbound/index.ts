/** What leaves: queue, routes, the SMTP client, policies of TLS, signatures and notifications. RFC 5321 §3.6, §4.5.4, §6.1. */

export { DEFAULT_RETRIES, retryDelay } from './retry-schedule.ts'
export type { RetrySchedule } from './retry-schedule.ts'
