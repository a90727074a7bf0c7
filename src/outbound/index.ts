/** What leaves: queue, routes, the SMTP client, policies of TLS, signatures and notifications. RFC 5321 §3.6, §4.5.4, §6.1. */

export { DEFAULT_RETRIES, retryDelay } from './retry-schedule.ts'
export type { RetrySchedule } from './retry-schedule.ts'
export { DEFAULT_QUEUE_LIMITS } from './queue/limits.ts'
export { memoryQueue } from './queue/memory-queue.ts'
export type { MemoryQueueOptions } from './queue/memory-queue.ts'
export { memorySuppressions } from './queue/memory-suppressions.ts'
export * from './client/index.ts'
export { opportunistic, pkixFailure } from './tls-policy/requirement.ts'
export type { TlsFailure, TlsLevel, TlsOutcome, TlsPolicySource, TlsRequirement, TlsResultType } from './tls-policy/requirement.ts'
