/** Middleware that does anything that middleware can do wrong, by chance that repeats itself. */

import { accept, defer, discard, quarantine, reject } from 'mailwright/contracts'
import type { Clock, Middleware, Next, Phase, PhaseContext, Verdict } from 'mailwright/contracts'
import type { SeededRandom } from 'mailwright/testing'

/** What waits for the fake clock: as long as there is some, time has to go on. */
export class Waits {
  count = 0
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async wait(ms: number): Promise<void> {
    this.count++
    await new Promise<void>(resolve => this.#clock.after(ms, resolve))
    this.count--
  }

  /** Waits for ever: until its deadline has passed, time has to go on. */
  hang(signal: AbortSignal): Promise<never> {
    this.count++
    signal.addEventListener('abort', () => this.count--)
    return new Promise(() => undefined)
  }
}

/** How a moody middleware is made. */
export interface MoodyOptions {
  readonly random: SeededRandom
  readonly waits: () => Waits
  /** Of a hundred questions, so many are answered badly. */
  readonly badness: () => number
  /** The client leaves in the middle of a question. */
  readonly leave: () => void
}

const MOODS = ['reject', 'defer', 'throw', 'nonsense', 'hang', 'late', 'too late', 'twice', 'aside', 'gone', 'edit'] as const

/** Middleware of all phases. */
export function moody({ random, waits, badness, leave }: MoodyOptions): Required<Middleware> {
  const answer = async (context: PhaseContext, next: Next): Promise<Verdict> => {
    if (random.below(100) >= badness()) return random.below(4) === 0 ? accept() : next()
    switch (random.pick(MOODS)) {
      case 'reject':
        return reject('No\r\nevil NOOP', '5.7.1')
      case 'defer':
        return defer('[Not] now', '4.7.1')
      case 'throw':
        throw new Error('a bug of the host')
      case 'nonsense':
        return 'yes' as unknown as Verdict
      case 'hang':
        return waits().hang(context.signal)
      case 'late':
        await waits().wait(1 + random.below(5000))
        return next()
      case 'too late':
        await waits().wait(200_000)
        return next()
      case 'twice':
        void next()
        void next()
        return accept()
      case 'aside':
        return random.below(2) === 0 ? discard('away with it') : quarantine('put aside', 'Drafts')
      case 'gone':
        if (random.below(3) === 0) leave()
        return next()
      case 'edit':
        if ('edits' in context) (context.edits as { add(name: string, value: string): void }).add('X-Seen', 'yes')
        return next()
    }
  }
  const every = Object.fromEntries(PHASES.map(phase => [phase, answer])) as Record<Phase, typeof answer>
  return { name: 'moody', ...every }
}

const PHASES: readonly Phase[] = ['connect', 'login', 'sender', 'recipient', 'message', 'deliver', 'command']
