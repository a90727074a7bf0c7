/** Resolvers: the system's, one that asks servers itself, and a cache in front of any. RFC 1035; RFC 5321 §5.1. */

export { cachingResolver } from './caching.ts'
export type { CachingResolverOptions } from './caching.ts'
export { stubResolver } from './stub.ts'
export type { StubResolverOptions } from './stub.ts'
export { systemResolver } from './system.ts'
export type { SystemResolverOptions } from './system.ts'
