/** One pass over a message that has arrived: its summary for the store, and its longest line. */

import type { MessageSource } from '../contracts/message.ts'
import { rebased, SummaryBuilder } from '../mime/index.ts'
import { LineMeter } from './header-block.ts'

/** More than sources answer at once (256 KiB): a large message is read by promise, so that others are served between its slices. */
const SLICE = 327_680

/** What one pass over a message finds. */
export interface Survey {
  /** Made for `content` alone, without what is put in front of it. */
  readonly summary: Uint8Array
  readonly longestLine: number
}

/** Reads a message once, in slices. */
export async function survey(content: MessageSource): Promise<Survey> {
  const meter = new LineMeter()
  const builder = new SummaryBuilder()
  for (let at = 0; at < content.size; at += SLICE) {
    const octets = content.read(at, Math.min(content.size, at + SLICE))
    const slice = octets instanceof Uint8Array ? octets : await octets
    meter.push(slice)
    builder.push(slice)
  }
  return { summary: builder.finish(), longestLine: meter.longest }
}

/** The summary of a message after `prefix` was put in front of it. */
export function summaryWithPrefix(summary: Uint8Array, prefix: Uint8Array): Uint8Array {
  return prefix.length === 0 ? summary : rebased(summary, prefix.length)
}
