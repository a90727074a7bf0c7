/** The filters of a personal server: who sent it, and is it wanted. Careful thresholds; what people move into and out of Junk teaches. */

import type { Clock, MailStore, Middleware, Resolver } from '../contracts/index.ts'
import { outageResolver } from '../dns/index.ts'
import { attachments } from '../filters/attachments/index.ts'
import { bayes } from '../filters/bayes/index.ts'
import { dnsbl } from '../filters/dnsbl/index.ts'
import { greylist } from '../filters/greylist/index.ts'
import { junkTeacher } from '../filters/junk-teacher/index.ts'
import { rateLimit } from '../filters/rate-limit/index.ts'
import type { RateLimitOptions } from '../filters/rate-limit/index.ts'
import { reputation } from '../filters/reputation/index.ts'
import { sanity } from '../filters/sanity/index.ts'
import { score } from '../filters/score/index.ts'
import { senderAuth } from '../filters/sender-auth/index.ts'
import type { SenderAuthOptions } from '../filters/sender-auth/index.ts'
import { sqliteState } from '../stores/sqlite/index.ts'

/** How a personal server filters. */
export interface PersonalFilterOptions {
  /** Lists of bad clients to ask, by their zones. Default: none, since each has its own terms of use. */
  readonly dnsbl?: readonly string[]
  /** Puts strangers off until they come again. Default `false`. */
  readonly greylist?: boolean
}

/** The filters, and how to let go of what they hold. */
export interface PersonalFilters {
  readonly middleware: readonly Middleware[]
  /** Stops learning, and writes what is remembered. */
  close(): Promise<void>
}

/** What the filters need of the server. */
export interface PersonalFilterWorld {
  readonly hostname: string
  readonly store: MailStore
  readonly resolver: Resolver
  readonly clock: Clock
  /** File of what they remember. */
  readonly stateFile: string
  /** Told what was found out about each message's sender. */
  readonly onExamined?: SenderAuthOptions['onExamined']
}

const HOUR = 3_600_000
/** Beyond what people and their programs do; a stolen password sends no more than this (S34). */
const RATES: RateLimitOptions = {
  connections: { count: 600, per: 60_000 },
  messages: { count: 1000, per: HOUR, burst: 300 },
  recipients: { count: 3000, per: HOUR, burst: 1000 },
  accountsOnly: true,
}

/**
 * Puts the chain together, outermost first. A message is refused when the author's domain asks for that (DMARC), and put aside into
 * Junk when it asks for that or when the scale says so; nothing is refused because a filter or DNS failed.
 */
export function personalFilters(options: PersonalFilterOptions, world: PersonalFilterWorld): PersonalFilters {
  const { hostname, store, clock, stateFile, onExamined } = world
  const resolver = outageResolver(world.resolver, { clock })
  const state = sqliteState({ path: stateFile })
  const words = bayes({ state })
  const people = reputation({ state, authservId: hostname })
  const teacher = junkTeacher({ store, pupils: [words, people] })
  const zones = options.dnsbl ?? []
  return {
    middleware: [
      rateLimit({ ...RATES, clock }),
      score(),
      teacher,
      // No author, or an odd one, is no reason to lose a message: old programs and bounces of plain MAILER-DAEMON are like that.
      senderAuth({ resolver, hostname, policy: { oddFrom: 'quarantine' }, ...(onExamined === undefined ? {} : { onExamined }) }),
      sanity({ hostnames: [hostname], clock }),
      ...(zones.length === 0 ? [] : [dnsbl({ resolver, lists: zones.map(zone => ({ zone, score: 4 })) })]),
      ...(options.greylist === true ? [greylist({ state })] : []),
      attachments(),
      words,
      people,
    ],
    async close() {
      await teacher.close()
      await state.close()
    },
  }
}
