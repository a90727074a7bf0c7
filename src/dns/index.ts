/** Resolvers: the system's, and a cache in front of any. RFC 1035; RFC 5321 §5.1. */

export { cachingResolver } from './caching.ts'
export type { CachingResolverOptions } from './caching.ts'
export { systemResolver } from './system.ts'
export type { SystemResolverOptions } from './system.ts'
