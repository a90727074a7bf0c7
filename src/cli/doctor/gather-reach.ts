/** Calls the mail server of another domain, to see whether mail can leave: many networks close port 25. RFC 5321 §4.5.4.2. */

import { isPublicAddress } from '../../bytes/ip-address.ts'
import { MailError } from '../../contracts/index.ts'
import type { Dialer, Resolver } from '../../contracts/index.ts'
import type { ReachFacts } from './facts.ts'
import { known } from './finding.ts'
import { Talk } from './talk.ts'

/** Says nothing but QUIT. */
export async function gatherReach(domain: string, resolver: Resolver, dialer: Dialer, timeoutMs: number = 10_000): Promise<ReachFacts> {
  const found = await known(() => exchangerOf(domain, resolver))
  if (!found.ok) return { domain, asked: undefined, answer: found }
  const { host, address } = found.value
  const answer = await known(async () => {
    const talk = await Talk.begin(dialer, address, 25, timeoutMs)
    try {
      return (await talk.reply()).code
    } finally {
      await talk.leave('QUIT')
    }
  })
  return { domain, asked: `${host} (${address})`, answer }
}

async function exchangerOf(domain: string, resolver: Resolver): Promise<{ host: string; address: string }> {
  const { records } = await resolver.mx(domain)
  const [best] = records.toSorted((one, other) => one.preference - other.preference)
  const host = best === undefined || best.exchange === '' ? undefined : best.exchange
  // DNS of others must not lead into private networks (S29).
  const address = host === undefined ? undefined : (await resolver.a(host)).records.find(isPublicAddress)
  if (host === undefined || address === undefined) throw new MailError('unavailable', `${domain} has no mail server with an IPv4 address`)
  return { host, address }
}
