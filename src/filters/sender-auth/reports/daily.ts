/** Our aggregate reports, once a day: collected, kept over a restart, and sent some hours after midnight. RFC 9990 §3, §4. */

import type { Clock, Random } from '../../../contracts/index.ts'
import { DAY, Rounds, soonAfterMidnight, startOfDay } from '../../../engine/rounds.ts'
import { DmarcReportCollector } from './collector.ts'
import type { DmarcReportCollectorOptions } from './collector.ts'
import type { DmarcReportLedger } from './ledger.ts'

/** Options of {@link DailyDmarcReports}. */
export interface DailyDmarcReportsOptions extends DmarcReportCollectorOptions {
  readonly clock: Clock
  readonly random: Random
  /** Keeps what is not reported yet when the process ends. Default: it is lost then. */
  readonly ledger?: DmarcReportLedger
  /** Told of what could not be kept or sent. Default: nobody is. */
  readonly onError?: (error: unknown) => void
}

/** Between two looks at the clock; what was counted since the last one is what a crash can lose. */
const TICK = 600_000

/**
 * Collects and sends. Give its `add` to `senderAuth` as `onExamined`.
 *
 * @example
 * ```ts
 * import type { MailServer } from 'mailwright'
 * import { DailyDmarcReports, fileDmarcReportLedger, senderAuth } from 'mailwright/filters/sender-auth'
 * import { systemResolver } from 'mailwright/dns'
 * import { systemClock, systemRandom } from 'mailwright/net'
 *
 * function reporting(server: MailServer): DailyDmarcReports {
 *   const resolver = systemResolver()
 *   const daily = new DailyDmarcReports({
 *     organisation: 'Example',
 *     email: 'postmaster@example.org',
 *     resolver,
 *     clock: systemClock,
 *     random: systemRandom,
 *     ledger: fileDmarcReportLedger('./data/dmarc-reports.json'),
 *     send: async ({ to, message, key }) => {
 *       await server.send({ raw: message, envelope: { from: '', to }, origin: 'notification', idempotencyKey: key })
 *     },
 *   })
 *   server.use(senderAuth({ resolver, hostname: 'mx.example.org', onExamined: daily.add }))
 *   daily.start()
 *   return daily
 * }
 * ```
 */
export class DailyDmarcReports {
  readonly #options: DailyDmarcReportsOptions
  readonly #collector: DmarcReportCollector
  readonly #rounds: Rounds
  #dueAt: number
  #saved = -1
  #isLoaded = false

  constructor(options: DailyDmarcReportsOptions) {
    this.#options = options
    this.#collector = new DmarcReportCollector(options)
    const { clock, random, onError = () => undefined } = options
    this.#dueAt = soonAfterMidnight(clock.now(), random)
    this.#rounds = new Rounds({ clock, every: TICK, work: () => this.#work(), report: onError })
  }

  /** Counts one message. */
  get add(): DmarcReportCollector['add'] {
    return this.#collector.add
  }

  /** Begins. */
  start(): void {
    this.#rounds.start()
  }

  /** Lets what runs end, and keeps what is not sent. */
  async stop(): Promise<void> {
    await this.#rounds.stop()
    // Never begun: what lies in the ledger was not read, and must not be replaced.
    if (this.#isLoaded) await this.#save().catch((error: unknown) => this.#options.onError?.(error))
  }

  /** Resolves when nothing runs. */
  get idle(): Promise<void> {
    return this.#rounds.idle
  }

  async #work(): Promise<void> {
    const { clock, random, ledger } = this.#options
    if (!this.#isLoaded) {
      this.#collector.restore((await ledger?.read()) ?? [])
      this.#isLoaded = true
    }
    try {
      const now = clock.now()
      if (now >= this.#dueAt) {
        this.#dueAt = soonAfterMidnight(now + DAY, random)
        await this.#collector.send(now, startOfDay(now))
      }
    } finally {
      await this.#save()
    }
  }

  async #save(): Promise<void> {
    const { revision } = this.#collector
    if (this.#options.ledger === undefined || revision === this.#saved) return
    await this.#options.ledger.write(this.#collector.collected())
    this.#saved = revision
  }
}
