/** POP3: an engine of our own, without sockets or clocks. RFC 1939; RFC 2449; RFC 2595 §4; RFC 6856. */

export { pop3Engine } from './engine.ts'
export type { Pop3Options } from './options.ts'
export type { Bandwidth, OctetBudget } from '../engine/bandwidth.ts'
