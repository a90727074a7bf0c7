/** Gives what filters put aside a mailbox of its own instead of Junk, which its owner sees like any other. RFC 6154 §2. */

import type { DeliveryContext, MessageContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { ConfigurationError, quarantine } from '../../contracts/index.ts'

/** Options of {@link quarantineMailbox}. */
export interface QuarantineOptions {
  /** Its name; made where it is not there. Default `Quarantine`. */
  readonly mailbox?: string
}

/** What is put aside in when nothing is said. */
export const QUARANTINE = 'Quarantine'

/**
 * Put it outside of the filters whose verdicts it shall lead elsewhere. A filter that named a mailbox itself keeps it; refusals are
 * refusals. Owners let mail out by moving it, hosts by `releaseMessage`; `junkTeacher` learns from both when it is told the name.
 *
 * Throws `ConfigurationError` (`MW_QUARANTINE_MAILBOX`) for a name that is none.
 *
 * @example
 * ```ts
 * import { quarantineMailbox } from 'mailwright/filters/quarantine'
 * import { score } from 'mailwright/filters/score'
 *
 * const chain = [quarantineMailbox({ mailbox: 'Held back' }), score()]
 * ```
 */
export function quarantineMailbox(options: QuarantineOptions = {}): Middleware {
  return new QuarantineMailbox(options.mailbox ?? QUARANTINE)
}

class QuarantineMailbox implements Middleware {
  readonly name = 'quarantine'
  readonly #mailbox: string

  constructor(mailbox: string) {
    if (mailbox === '' || mailbox.toUpperCase() === 'INBOX')
      throw new ConfigurationError('MW_QUARANTINE_MAILBOX', `${JSON.stringify(mailbox)} is no mailbox to put mail aside in`)
    this.#mailbox = mailbox
  }

  async message(_context: MessageContext, next: Next): Promise<Verdict> {
    return this.#led(await next())
  }

  async deliver(_context: DeliveryContext, next: Next): Promise<Verdict> {
    return this.#led(await next())
  }

  #led(verdict: Verdict): Verdict {
    return verdict.kind === 'quarantine' && verdict.mailbox === undefined ? quarantine(verdict.reason, this.#mailbox) : verdict
  }
}
