/** Rates of connections, messages and recipients. RFC 5321 §7.8; S34. */

export { rateLimit } from './rate-limit.ts'
export type { Rate, RateLimitOptions } from './rate-limit.ts'
