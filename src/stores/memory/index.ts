/** A store that keeps mail in memory: for tests, and as the specification of every other store in code. */

export { memoryStore, type MemoryStoreOptions } from './memory-store.ts'
export { memoryState, type MemoryStateOptions } from './state-table.ts'
