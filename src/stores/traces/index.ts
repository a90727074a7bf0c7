/** Traces of decisions, kept in files. */

export { traceJournal } from './trace-journal.ts'
export type { TraceJournalOptions } from './trace-journal.ts'
