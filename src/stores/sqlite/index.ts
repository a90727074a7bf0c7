/** A durable store in a folder: SQLite for what is looked up, append-only segment files for octets. */

export { fileSpool, type FileSpoolOptions } from '../spool.ts'
export type { BackupOptions, BackupProgress, BackupResult } from './backup.ts'
export type { CompactOptions, CompactResult, RebuildOptions, VerifyOptions } from './caretaker.ts'
export type { InspectionProgress, StoreProblem } from './inspection.ts'
export type { SqliteQueueOptions } from './queue-doors.ts'
export { sqliteStore, type SqliteStore, type SqliteStoreCounters, type SqliteStoreOptions } from './sqlite-store.ts'
export { sqliteState, type SqliteStateOptions } from './state-table.ts'
