/** Reports about TLS, once a day: what was counted the day before goes to every domain that asks for it. RFC 8460 §4.1, §5.5. */

import type { Clock, EventSink, Random, Resolver } from '../../contracts/index.ts'
import { DAY, Rounds, soonAfterMidnight, startOfDay } from '../../engine/rounds.ts'
import type { TlsReportLedger } from './report-ledger.ts'
import { TlsReports } from './report-rows.ts'
import { sendTlsReports } from './report-send.ts'
import type { ReportPost, TlsReportSent } from './report-send.ts'
import type { TlsReporter } from './report-write.ts'

/** Who reports, and how. */
export interface DailyTlsReportsOptions {
  /** Address that reports are sent from, `local@domain`; RFC 8460 §5.3 wants its domain in the DKIM signature. */
  readonly from: string
  /** Address for those who have questions about a report. Default: `from`. */
  readonly contact?: string
  /** Who sends the mail that is reported about, in a word or two. */
  readonly organisation: string
  /** Sends to targets over https. Default: they are passed over; a server made by `createMailServer` has one. */
  readonly post?: ReportPost
  /** Keeps what is not reported yet when the server stops. Default: it is lost then. */
  readonly ledger?: TlsReportLedger
  /** Hears what became of each report. */
  readonly told?: (report: TlsReportSent) => void
}

/** What the sending needs of the way out around it. */
export interface DailyTlsReportsWorld {
  readonly reports: TlsReports
  readonly resolver: Resolver
  /** Queues a message from nobody; the same `key` again queues nothing. */
  readonly mail: (to: string, message: Uint8Array, key: string) => Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
}

const HOUR = 3_600_000
/** Between two looks at the clock; what was counted since the last one is what a crash can lose. */
const TICK = 600_000

/** The daily sending. Rows whose report could not be handed over are kept, and tried again for a day. */
export class DailyTlsReports {
  readonly #options: DailyTlsReportsOptions
  readonly #world: DailyTlsReportsWorld
  readonly #reporter: TlsReporter
  readonly #abort: AbortController = new AbortController()
  readonly #rounds: Rounds
  #saved = -1
  #isLoaded = false
  #dueAt: number
  #pause = HOUR

  constructor(options: DailyTlsReportsOptions, world: DailyTlsReportsWorld) {
    const { from, contact = from, organisation } = options
    this.#options = options
    this.#world = world
    this.#reporter = { organisation, contact, from, domain: from.slice(from.lastIndexOf('@') + 1) }
    this.#dueAt = soonAfterMidnight(world.clock.now(), world.random)
    this.#rounds = new Rounds({
      clock: world.clock,
      every: TICK,
      work: () => this.#work(),
      report: error => {
        if (!this.#abort.signal.aborted) this.#report(error)
      },
    })
  }

  /** Begins. */
  start(): void {
    this.#rounds.start()
  }

  /** Ends what runs, and keeps what is not sent. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the server stops'))
    await this.#rounds.stop()
    // Never begun: what lies in the ledger was not read, and must not be replaced.
    if (this.#isLoaded) await this.#save().catch((error: unknown) => this.#report(error))
  }

  /** Resolves when nothing runs. */
  get idle(): Promise<void> {
    return this.#rounds.idle
  }

  async #work(): Promise<void> {
    const { clock, random, reports } = this.#world
    if (!this.#isLoaded) {
      reports.add((await this.#options.ledger?.read()) ?? [])
      this.#isLoaded = true
    }
    if (clock.now() >= this.#dueAt) {
      const isDone = await this.#send(startOfDay(clock.now()) / DAY)
      // RFC 8460 §5.5: tried again for 24 hours, at growing distances.
      this.#dueAt = isDone ? soonAfterMidnight(clock.now() + DAY, random) : clock.now() + this.#pause
      this.#pause = isDone ? HOUR : this.#pause * 2
    }
    await this.#save()
  }

  /** Every day before today; `false` when something is to be tried again. */
  async #send(today: number): Promise<boolean> {
    const { reports } = this.#world
    let isDone = true
    for (const day of new Set(reports.rows().map(row => row.day))) {
      if (day >= today) continue
      for (const domain of new Set(reports.rows(day).map(row => row.policy.domain))) {
        const isHandedOver = await this.#sendOne(day, domain)
        this.#abort.signal.throwIfAborted()
        // The day before yesterday has had its 24 hours.
        if (isHandedOver || day < today - 1) reports.forget(day, domain)
        else isDone = false
      }
    }
    return isDone
  }

  async #sendOne(day: number, domain: string): Promise<boolean> {
    const { resolver, clock, random, mail } = this.#world
    const { post, told } = this.#options
    const own = new TlsReports()
    own.add(this.#world.reports.rows(day).filter(row => row.policy.domain === domain))
    const [report] = await sendTlsReports(day, {
      reports: own,
      resolver,
      reporter: this.#reporter,
      mail: (to, message) => mail(to, message, `tlsrpt ${day} ${domain} ${to}`),
      ...(post === undefined ? {} : { post }),
      id: () => `${day}.${hexOf(random.bytes(12))}`,
      now: clock.now(),
      signal: this.#abort.signal,
    })
    if (report === undefined) return true
    told?.(report)
    return report.sent.length > 0
  }

  async #save(): Promise<void> {
    const { reports } = this.#world
    const { revision } = reports
    if (this.#options.ledger === undefined || revision === this.#saved) return
    await this.#options.ledger.write(reports.rows())
    this.#saved = revision
  }

  #report(error: unknown): void {
    this.#world.events.emit('error', { error, where: 'reports about TLS' })
  }
}

function hexOf(octets: Uint8Array): string {
  return Array.from(octets, octet => octet.toString(16).padStart(2, '0')).join('')
}
