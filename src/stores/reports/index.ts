/** Reports of other servers, kept in files. */

export { reportArchive } from './report-archive.ts'
export type { ReportArchiveOptions } from './report-archive.ts'
