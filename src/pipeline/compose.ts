/**
 * The onion: runs the middleware of one phase, outermost first, each around the next, with a deadline for the whole.
 * Whatever middleware does wrong becomes a temporary refusal, never a crash and never a lost message.
 */

import type { Clock } from '../contracts/clock.ts'
import type { LiveConnection } from '../contracts/host.ts'
import type {
  CommandContext,
  ConnectionContext,
  DeliveryContext,
  LoginContext,
  MessageContext,
  Middleware,
  Next,
  PhaseContext,
  RecipientContext,
  SenderContext,
} from '../contracts/middleware.ts'
import type { Phase } from '../contracts/phase.ts'
import type { TraceEntry } from '../contracts/trace.ts'
import { accept, defer } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { checkedVerdict } from './checked-verdict.ts'
import { PhaseLog } from './trace.ts'

/** The context that each phase is given. */
export interface PhaseContexts {
  readonly connect: ConnectionContext
  readonly login: LoginContext
  readonly sender: SenderContext
  readonly recipient: RecipientContext
  readonly message: MessageContext
  readonly deliver: DeliveryContext
  readonly command: CommandContext
}

/** Milliseconds that a phase may take, all its middleware and the innermost question together. */
export type Deadlines = Readonly<Record<Phase, number>>

/**
 * The deadlines unless the host says otherwise: 30 s, 60 s for a login (which may be slowed down on purpose) and 120 s for
 * a whole message; clients wait 2 to 10 minutes (RFC 5321 §4.5.3.2).
 */
export const DEFAULT_DEADLINES: Deadlines = Object.freeze({
  connect: 30_000,
  login: 60_000,
  sender: 30_000,
  recipient: 30_000,
  message: 120_000,
  deliver: 30_000,
  command: 30_000,
})

/** What a faulty middleware's answer is replaced by; its text tells nothing of the inside. */
const FAULTED: Verdict = defer('Temporary server problem, please try again later', '4.3.0')
const GONE: Verdict = defer('The client has left', '4.4.2')

/** The question in the middle of the onion; it has a name of its own in the trace when it refuses. */
export interface Innermost {
  readonly name: string
  ask(signal: AbortSignal): Verdict | Promise<Verdict>
}

/** One run of a phase. */
export interface PhaseRun<P extends Phase> {
  readonly connection: LiveConnection
  /** The transaction's record, added to. */
  readonly entries: TraceEntry[]
  readonly shared: Map<unknown, unknown>
  /** Completes the context with what belongs to the phase. */
  readonly context: (base: PhaseContext) => PhaseContexts[P]
  /** Without one, the middle says `accept`. */
  readonly innermost?: Innermost
  /** Milliseconds left, when fewer than the phase's own. */
  readonly within?: number
}

/** What came of a phase: the decision and the entries that explain it. */
export interface PhaseOutcome {
  readonly verdict: Verdict
  readonly trace: readonly TraceEntry[]
}

/** What the onion needs of the house. */
export interface OnionOptions {
  readonly middleware: readonly Middleware[]
  readonly clock: Clock
  readonly deadlines?: Partial<Deadlines>
  /** Told of every fault, with its cause. */
  readonly report: (error: unknown, where: string, connection: LiveConnection) => void
}

/**
 * All middleware of a host, sorted by phase once.
 *
 * A middleware that answers `accept` without calling `next()` passes over the middleware below it, but never over the
 * question in the middle: credentials are always checked and the directory is always asked, and when the middle said no,
 * an `accept` further out does not turn it into a yes.
 */
export class Onion {
  readonly #layers = new Map<Phase, readonly Middleware[]>()
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #report: OnionOptions['report']
  readonly #unused = new WeakMap<LiveConnection, AbortController>()

  constructor(options: OnionOptions) {
    this.#clock = options.clock
    this.#deadlines = { ...DEFAULT_DEADLINES, ...options.deadlines }
    this.#report = options.report
    for (const phase of Object.keys(DEFAULT_DEADLINES) as Phase[]) {
      this.#layers.set(
        phase,
        options.middleware.filter(layer => layer[phase] !== undefined),
      )
    }
  }

  /** Whether any middleware has this phase. */
  has(phase: Phase): boolean {
    return (this.#layers.get(phase) ?? []).length > 0
  }

  /** Runs a phase; never rejects. */
  async run<P extends Phase>(phase: P, run: PhaseRun<P>): Promise<PhaseOutcome> {
    const layers = this.#layers.get(phase) ?? []
    if (layers.length === 0 && run.innermost === undefined) return { verdict: accept(), trace: [] }
    const log = new PhaseLog(phase, run.entries, this.#clock)
    const decided = layers.length === 0 ? this.#onlyMiddle(phase, run, log) : this.#all(phase, layers, run, log)
    const verdict = decided instanceof Promise ? await decided : decided
    return { verdict, trace: verdict.kind === 'accept' ? [] : log.own }
  }

  #all<P extends Phase>(phase: P, layers: readonly Middleware[], run: PhaseRun<P>, log: PhaseLog): Promise<Verdict> {
    const controller = new AbortController()
    const { signal } = controller
    const deadline = this.#clock.monotonic() + this.#within(phase, run)
    const timeLeft = (): number => Math.max(0, deadline - this.#clock.monotonic())
    const context = run.context({ connection: run.connection, signal, timeLeft, trace: log, shared: run.shared })
    return this.#decide(phase, run, log, controller, () => this.#ask(phase, layers, run, log, signal, context))
  }

  /** Without middleware a phase is its question: answered at once it needs no deadline, and what makes it stop is used again. */
  #onlyMiddle<P extends Phase>(phase: P, run: PhaseRun<P>, log: PhaseLog): Verdict | Promise<Verdict> {
    const { connection } = run
    const controller = this.#unused.get(connection) ?? new AbortController()
    const { signal } = controller
    if (connection.signal.aborted) return this.#decide(phase, run, log, controller, () => this.#askMiddle(phase, run, log, signal))
    const answer = this.#askMiddle(phase, run, log, signal)
    if (!(answer instanceof Promise)) {
      this.#unused.set(connection, controller)
      log.close(answer)
      return answer
    }
    this.#unused.delete(connection)
    return this.#decide(phase, run, log, controller, () => answer).then(verdict => {
      if (!signal.aborted) this.#unused.set(connection, controller)
      return verdict
    })
  }

  #decide<P extends Phase>(
    phase: P,
    run: PhaseRun<P>,
    log: PhaseLog,
    controller: AbortController,
    ask: () => Verdict | Promise<Verdict>,
  ): Promise<Verdict> {
    const within = this.#within(phase, run)
    const gone = run.connection.signal
    return new Promise(resolve => {
      let decided = false
      const settle = (verdict: Verdict, fault?: string): void => {
        if (decided) return
        decided = true
        stop()
        gone.removeEventListener('abort', leave)
        log.close(verdict, fault)
        resolve(verdict)
      }
      const stop = this.#clock.after(within, () => {
        const error = new Error(`no answer within ${within} ms`)
        const where = `${log.running ?? 'server'}, phase ${phase}`
        settle(FAULTED, error.message)
        controller.abort(error)
        this.#report(error, where, run.connection)
      })
      const leave = (): void => {
        settle(GONE)
        controller.abort(gone.reason)
      }
      gone.addEventListener('abort', leave)
      if (gone.aborted) leave()
      else void Promise.resolve(ask()).then(settle)
    })
  }

  #within<P extends Phase>(phase: P, { within = Number.POSITIVE_INFINITY }: PhaseRun<P>): number {
    return Math.max(0, Math.min(this.#deadlines[phase], within))
  }

  /** The layers around the middle; never rejects. */
  async #ask<P extends Phase>(
    phase: P,
    layers: readonly Middleware[],
    run: PhaseRun<P>,
    log: PhaseLog,
    signal: AbortSignal,
    context: PhaseContexts[P],
  ): Promise<Verdict> {
    let middle: Promise<Verdict> | undefined
    const askMiddle = (): Promise<Verdict> => (middle ??= Promise.resolve(this.#askMiddle(phase, run, log, signal)))
    // Hands on the promise of what is below: one of its own for each layer would cost three more turns of the queue.
    const layer = (index: number): Promise<Verdict> => {
      const middleware = layers[index]
      if (middleware === undefined) return askMiddle()
      if (signal.aborted) return Promise.resolve(FAULTED)
      return this.#askLayer(phase, middleware, run, log, context, () => layer(index + 1))
    }
    const verdict = await layer(0)
    if (verdict.kind !== 'accept' || run.innermost === undefined || signal.aborted) return verdict
    return askMiddle()
  }

  async #askLayer<P extends Phase>(
    phase: P,
    middleware: Middleware,
    run: PhaseRun<P>,
    log: PhaseLog,
    context: PhaseContexts[P],
    goOn: () => Promise<Verdict>,
  ): Promise<Verdict> {
    const frame = log.enter(middleware.name)
    let below: Promise<Verdict> | undefined
    let again = false
    const next: Next = () => {
      if (below === undefined) return goDown()
      again = true
      const twice = Promise.reject<Verdict>(new Error('next() was called twice'))
      // Nobody may be waiting for it, and what nobody hears ends the process.
      twice.catch(() => undefined)
      return twice
    }
    const goDown = async (): Promise<Verdict> => {
      const began = this.#clock.monotonic()
      below = goOn()
      const verdict = await below
      frame.below += this.#clock.monotonic() - began
      return verdict
    }
    try {
      const handler = middleware[phase] as (context: PhaseContexts[P], next: Next) => Promise<Verdict>
      const answer: unknown = await handler.call(middleware, context, next)
      // Not awaited by the middleware, yet begun: what runs below ends before what stands above goes on.
      if (below !== undefined) await below
      if (again) throw new Error('next() was called twice')
      const verdict = checkedVerdict(phase, answer)
      log.leave(frame, verdict)
      return verdict
    } catch (error) {
      log.leave(frame, FAULTED, error instanceof Error ? error.message : String(error))
      this.#report(error, `${middleware.name}, phase ${phase}`, run.connection)
      return FAULTED
    }
  }

  /** The question in the middle; neither throws nor rejects. */
  #askMiddle<P extends Phase>(phase: P, run: PhaseRun<P>, log: PhaseLog, signal: AbortSignal): Verdict | Promise<Verdict> {
    const { innermost } = run
    if (innermost === undefined) return accept()
    const frame = log.enter(innermost.name)
    const answered = (verdict: Verdict): Verdict => {
      if (verdict.kind === 'accept') log.drop(frame)
      else log.leave(frame, verdict)
      return verdict
    }
    const failed = (error: unknown): Verdict => {
      log.leave(frame, FAULTED, error instanceof Error ? error.message : String(error))
      this.#report(error, `${innermost.name}, phase ${phase}`, run.connection)
      return FAULTED
    }
    try {
      const answer = innermost.ask(signal)
      return answer instanceof Promise ? answer.then(answered, failed) : answered(answer)
    } catch (error) {
      return failed(error)
    }
  }
}
