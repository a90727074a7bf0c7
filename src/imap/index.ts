/** IMAP4rev2 and IMAP4rev1: an engine without sockets, clocks or disks. RFC 9051; RFC 3501. */

export { imapEngine } from './engine.ts'
export type { ImapOptions } from './options.ts'
export type { Bandwidth, OctetBudget } from '../engine/bandwidth.ts'
