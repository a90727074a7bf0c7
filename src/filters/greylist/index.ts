/** Strangers are asked to come back. RFC 6647. */

export { greylist } from './greylist.ts'
export type { GreylistOptions } from './greylist.ts'
