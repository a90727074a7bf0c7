/** Ways and policies, looked up once for all messages that leave for a domain in the same second. RFC 5321 §5.1. */

import type { TlsDecision } from '../tls-policy/policy.ts'
import type { Hop, Route } from './options.ts'

/** Milliseconds for which a plan serves: a burst of messages shares it, and a change of DNS is seen at once all the same. */
const SERVES = 1000
/** Plans at a time. */
const MOST = 1000

/** A way that was found, with what was decided about TLS on it. */
export interface Plan {
  readonly route: Route
  readonly decisions: Map<Hop, TlsDecision>
}

interface Kept {
  readonly until: number
  readonly asked: Promise<Plan>
  /** Once it is there: nobody needs to wait. */
  plan?: Plan
}

/** Remembers plans for a moment. `now`: milliseconds that only go forward. */
export class Plans {
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** The plan by that name, or the one that `ask` finds. Failures are not remembered: who asks next asks anew. */
  find(name: string, ask: () => Promise<Route>): Plan | Promise<Plan> {
    const now = this.#now()
    const known = this.#kept.get(name)
    if (known !== undefined && known.until > now) return known.plan ?? known.asked
    const asked = ask().then(route => ({ route, decisions: new Map<Hop, TlsDecision>() }))
    const kept: Kept = { until: now + SERVES, asked }
    this.#kept.delete(name)
    this.#kept.set(name, kept)
    const oldest = this.#kept.size > MOST ? this.#kept.keys().next().value : undefined
    if (oldest !== undefined) this.#kept.delete(oldest)
    const forget = (): void => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name)
    }
    asked.then(plan => {
      if (plan.route.kind === 'hops') kept.plan = plan
      else forget()
    }, forget)
    return asked
  }
}
