/** One look through a message, while it arrives or after: its summary for the store, and its longest line. */

import type { Clock } from '../contracts/clock.ts'
import type { LineCount, Survey, SurveyOptions } from '../contracts/host.ts'
import type { MessageSource } from '../contracts/message.ts'
import { nextTurn } from '../contracts/next-turn.ts'
import { rebased, SummaryBuilder } from '../mime/index.ts'

/** More than sources answer at once (256 KiB): a large message is read by promise, so that others are served between its slices. */
const SLICE = 327_680

/** Octets looked through between two looks at the clock, and milliseconds of a turn. */
const STEP = 16_384
const TURN = 4

/** What one pass over a message finds. */
export interface Findings {
  /** Made for `content` alone, without what is put in front of it. */
  readonly summary: Uint8Array
  readonly longestLine: number
}

/** Looks at octets as they pass. */
export class MessageSurvey implements Survey {
  readonly #builder: SummaryBuilder
  readonly #linesTold: boolean
  #lines: LineCount | undefined
  #octets = 0

  constructor({ linesTold = false }: SurveyOptions = {}) {
    this.#builder = new SummaryBuilder({}, linesTold)
    this.#linesTold = linesTold
  }

  push(octets: Uint8Array): void {
    this.#octets += octets.length
    this.#builder.push(octets)
  }

  lines(count: LineCount): void {
    this.#lines = count
  }

  /** Whether it knows all of a message of that size. */
  isWhole(size: number): boolean {
    return this.#octets === size && (!this.#linesTold || this.#lines !== undefined)
  }

  /** No more octets. */
  finish(): Findings {
    return { summary: this.#builder.finish(this.#lines), longestLine: this.#builder.longestLine }
  }
}

/**
 * What a survey found that was made while the message arrived; without one that saw it all, the message is read once, in slices. With a
 * clock others have their turns meanwhile.
 */
export async function findingsOf(
  content: MessageSource,
  { survey, clock }: { survey?: Survey | undefined; clock?: Clock },
): Promise<Findings> {
  if (survey instanceof MessageSurvey && survey.isWhole(content.size)) return survey.finish()
  const own = new MessageSurvey()
  let began = clock?.monotonic() ?? 0
  for (let at = 0; at < content.size; at += SLICE) {
    const read = content.read(at, Math.min(content.size, at + SLICE))
    const octets = read instanceof Uint8Array ? read : await read
    for (let from = 0; from < octets.length; from += STEP) {
      own.push(octets.subarray(from, from + STEP))
      if (clock === undefined || clock.monotonic() - began < TURN) continue
      await nextTurn(clock)
      began = clock.monotonic()
    }
  }
  return own.finish()
}

/** The summary of a message after `prefix` was put in front of it. */
export function summaryWithPrefix(summary: Uint8Array, prefix: Uint8Array): Uint8Array {
  return prefix.length === 0 ? summary : rebased(summary, prefix.length)
}
