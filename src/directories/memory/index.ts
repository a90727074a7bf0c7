/** A directory in memory. RFC 5321 §3.6; RFC 5233 §1. */

export type { DirectoryRules, FullDirectory } from '../core/directory.ts'
export type { HashCost } from '../core/password-hash.ts'
export { memoryDirectory } from './memory-directory.ts'
export type { MemoryDirectory, MemoryDirectoryOptions } from './memory-directory.ts'
