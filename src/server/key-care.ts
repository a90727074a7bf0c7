/** Looks after the signing keys while the server runs, and tells the operator what to publish. RFC 6376 §3.1, §3.6; RFC 8301 §3. */

import type { Clock } from '../contracts/index.ts'
import { zoneLine } from '../dns/index.ts'
import { DAY, Rounds } from '../engine/rounds.ts'
import type { DkimKeyNews, DkimKeyStore } from '../outbound/index.ts'

/** What {@link keyCare} works with. */
export interface KeyCareOptions {
  readonly keys: Pick<DkimKeyStore, 'tend'>
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Told what to do, in lines for a person. */
  readonly tell: (text: string) => void
  /** Told of what failed; it is tried again. */
  readonly report: (error: unknown) => void
  /** How the operator looks at the keys. */
  readonly command: string
}

const EVERY = 900_000
/** What nobody has published is said again so often. */
const REMIND = 7 * DAY

/** Begins at once, goes on every quarter of an hour; `stop` waits for what is under way. */
export function keyCare({ keys, clock, tell, report, command }: KeyCareOptions): Rounds {
  const reminded = new Map<string, number>()
  const care = new Rounds({
    clock,
    every: EVERY,
    report,
    async work() {
      for (const news of await keys.tend()) {
        const key = `${news.domain} ${news.records.map(({ selector }) => selector).join(' ')}`
        const last = reminded.get(key)
        const isNew = news.kind !== 'unpublished' || last === undefined || clock.now() - last >= REMIND
        if (news.kind === 'prepared' || news.kind === 'unpublished') reminded.set(key, isNew ? clock.now() : (last ?? 0))
        if (isNew) tell(newsText(news, command))
      }
    },
  })
  care.start()
  return care
}

function newsText({ domain, kind, records }: DkimKeyNews, command: string): string {
  const lines = records.map(({ name, text }) => `  ${zoneLine({ name, ttl: 3600, type: 'TXT', value: text })}`)
  switch (kind) {
    case 'prepared':
      return [
        `new DKIM keys for ${domain}: publish these records, and leave the old ones. The keys sign three days after DNS shows them.`,
        ...lines,
      ].join('\n')
    case 'unpublished':
      return [`the new DKIM keys of ${domain} wait: DNS does not show these records yet. Look with "${command}".`, ...lines].join('\n')
    case 'rotated':
      return [
        `the new DKIM keys of ${domain} sign from now on. Leave the records of the old ones for eight days more, for mail that is on its way:`,
        ...records.map(({ name }) => `  ${name}`),
      ].join('\n')
    case 'forgotten':
      return [`these records of old DKIM keys of ${domain} may be taken out of DNS:`, ...records.map(({ name }) => `  ${name}`)].join('\n')
  }
}
