/** Our aggregate reports, once a day: collected, kept over a restart, and sent some hours after midnight. RFC 9990 §3, §4. */

import type { Clock, Random } from '../../../contracts/index.ts'
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

const DAY = 86_400_000
/** So many hours after midnight reports leave at the latest, lest everybody's come at once. */
const SPREAD = 4 * 3_600_000
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
  #untick: (() => void) | undefined
  #running: Promise<void> | undefined
  #dueAt: number
  #saved = -1
  #isLoaded = false
  #isStopped = false

  constructor(options: DailyDmarcReportsOptions) {
    this.#options = options
    this.#collector = new DmarcReportCollector(options)
    this.#dueAt = this.#today() + this.#spread()
  }

  /** Counts one message. */
  get add(): DmarcReportCollector['add'] {
    return this.#collector.add
  }

  /** Begins. */
  start(): void {
    if (this.#isStopped || this.#untick !== undefined) return
    this.#run()
    this.#tick()
  }

  /** Lets what runs end, and keeps what is not sent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#untick?.()
    await this.#running
    // Never begun: what lies in the ledger was not read, and must not be replaced.
    if (this.#isLoaded) await this.#save().catch((error: unknown) => this.#options.onError?.(error))
  }

  /** Resolves when nothing runs. */
  get idle(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  #tick(): void {
    this.#untick = this.#options.clock.after(TICK, () => {
      this.#tick()
      if (this.#running === undefined) this.#run()
    })
  }

  #run(): void {
    this.#running = this.#work()
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => (this.#running = undefined))
  }

  async #work(): Promise<void> {
    const { clock, ledger } = this.#options
    if (!this.#isLoaded) {
      this.#collector.restore((await ledger?.read()) ?? [])
      this.#isLoaded = true
    }
    try {
      if (clock.now() >= this.#dueAt) {
        this.#dueAt = this.#today() + DAY + this.#spread()
        await this.#collector.send(clock.now(), this.#today())
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

  /** The midnight before now, of UTC. */
  #today(): number {
    return Math.floor(this.#options.clock.now() / DAY) * DAY
  }

  #spread(): number {
    const [high = 0, low = 0] = this.#options.random.bytes(2)
    return Math.floor((((high << 8) | low) / 65_536) * SPREAD)
  }
}
