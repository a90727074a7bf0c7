/** Takes a message in as it arrives: into the spool, with back-pressure, held to its size. RFC 1870 §6.3; RFC 5321 §2.3.8. */

import type { DataFaults } from '../bytes/index.ts'
import type { Host, LineCount, SpooledMessage, SpoolWriter, Survey } from '../contracts/index.ts'
import { MailError } from '../contracts/index.ts'
import { replies } from './replies.ts'
import type { Reply } from './replies.ts'

const NO_SPACE: Reply = Object.freeze({ code: 452, enhanced: '4.3.1', text: 'Not enough storage at present, please try again later' })

/** What came of the octets: a message, or why there is none. */
export type Arrival =
  | { readonly ok: true; readonly message: SpooledMessage; readonly survey: Survey }
  | { readonly ok: false; readonly refusal: Reply }

/** What must not be in a message. */
type Faults = Pick<DataFaults, 'bareCr' | 'bareLf' | 'nul'>

/** One message arriving. */
export class Intake {
  readonly #host: Host
  readonly #maxSize: number
  readonly #survey: Survey
  #writer: SpoolWriter | undefined
  #refusal: Reply | undefined
  /** Octets so far. */
  octets = 0

  /** `linesTold`: {@link Intake.finish} is told of the lines. */
  constructor(host: Host, maxSize: number, linesTold: boolean) {
    this.#host = host
    this.#maxSize = maxSize
    this.#survey = host.survey({ linesTold })
    try {
      this.#writer = host.spool.begin()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Why the message is refused already, if it is: nothing is kept any more, its octets are read to their end. */
  get refusal(): Reply | undefined {
    return this.#refusal
  }

  /** The client sends far more than it may: reading on to the end is not owed any longer. */
  get isHopeless(): boolean {
    return this.octets > this.#maxSize * 2 + 1_048_576
  }

  /**
   * Takes the next octets; a promise means: wait before giving more. Never rejects. `owner`: who else refers to their buffer, where
   * they fill one.
   */
  write(octets: Uint8Array, owner: 'nobody' | 'somebody' = 'somebody'): Promise<void> | undefined {
    this.octets += octets.length
    if (this.#refusal !== undefined || this.#writer === undefined) return undefined
    if (this.octets > this.#maxSize) {
      this.#refuse(replies.tooBig)
      return undefined
    }
    try {
      // Before the spool: what it is given is its own.
      this.#survey.push(octets)
      const isOwned = owner === 'nobody' && octets.byteLength === octets.buffer.byteLength
      const writer = this.#writer
      const pause = isOwned && writer.writeOwned !== undefined ? writer.writeOwned(octets) : writer.write(octets)
      return pause?.catch((error: unknown) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  /** The data has ended. `mayNormalise`: bare CR and LF were turned into CRLF on the way. */
  async finish(faults: Faults, mayNormalise: boolean, lines?: LineCount): Promise<Arrival> {
    // Stricter than RFC 5321 §2.3.8, which only says that a bare LF is no line end: what two servers read differently is
    // how messages are smuggled, so we refuse it, after the one true end of data.
    const isBad = faults.nul > 0 || (!mayNormalise && (faults.bareCr > 0 || faults.bareLf > 0))
    if (isBad && this.#refusal === undefined) this.#refuse(replies.badOctets)
    const writer = this.#writer
    this.#writer = undefined
    if (this.#refusal !== undefined || writer === undefined) return { ok: false, refusal: this.#refusal ?? replies.problem }
    if (lines !== undefined) this.#survey.lines(lines)
    try {
      return { ok: true, message: await writer.finish(), survey: this.#survey }
    } catch (error) {
      this.#fail(error)
      return { ok: false, refusal: this.#refusal ?? replies.problem }
    }
  }

  /** The client left: nothing stays behind. */
  abort(): void {
    this.#writer?.discard()
    this.#writer = undefined
  }

  #refuse(refusal: Reply): void {
    this.#refusal ??= refusal
    this.abort()
  }

  #fail(error: unknown): void {
    if (!(error instanceof MailError) || error.kind !== 'no-space') this.#host.report(error, 'spool')
    this.#refuse(error instanceof MailError && error.kind === 'no-space' ? NO_SPACE : replies.problem)
  }
}
