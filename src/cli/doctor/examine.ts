/** The whole examination of a domain: asks, connects, then judges. RFC 5321 §5.1; RFC 8461 §3.3. */

import { isPublicAddress } from '../../bytes/ip-address.ts'
import type { Dialer, Resolver } from '../../contracts/index.ts'
import { recordsFor } from '../../dns/index.ts'
import type { RecordsOptions } from '../../dns/index.ts'
import type { SafeFetch } from '../../net/safe-fetch.ts'
import { checkDoors } from './check-doors.ts'
import { checkRest } from './check-rest.ts'
import { checkRoute } from './check-route.ts'
import { checkSenders } from './check-senders.ts'
import { checkTlsPolicies } from './check-tls.ts'
import type { ArrivalFacts, DnsFacts, DoorKind, Facts, PageFacts } from './facts.ts'
import { known } from './finding.ts'
import type { Finding, Known } from './finding.ts'
import { sendAndAwait } from './gather-arrival.ts'
import type { Lookout } from './gather-arrival.ts'
import { gatherReach } from './gather-reach.ts'
import { gatherBlocklists, gatherDns, valuesOf } from './gather-dns.ts'
import { gatherDoors, gatherRelay, gatherRoles } from './gather-doors.ts'

/** What to examine. */
export interface Patient {
  readonly domain: string
  readonly records: RecordsOptions
  /** Selectors of the folder whose record does not belong to their private key. */
  readonly unfitKeys?: readonly string[]
  readonly ports: { readonly [Door in DoorKind]?: number }
  /** Connect to addresses of private networks too, and think nothing of them. */
  readonly allowPrivate?: boolean
  readonly blocklists?: readonly string[]
  /** Certificate authorities trusted beside the system's, in PEM. */
  readonly ca?: readonly string[]
  /** Whom the test message goes to, and where it is looked for; a text says why there is none. */
  readonly mailbox: { readonly to: string; lookout(address: string): Lookout } | string
  /** A domain whose server is called, to see whether port 25 is open on the way out. */
  readonly reach?: string
}

/** What to examine it with. */
export interface Instruments {
  readonly resolver: Required<Resolver>
  readonly dialer: Dialer
  readonly fetch: SafeFetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds for each answer over a connection. Default 10,000. */
  readonly timeoutMs?: number
  /** Told what is being done. */
  readonly onStep?: (text: string) => void
}

/** Learns everything there is to know; nothing that fails ends the examination. */
export async function gatherFacts(patient: Patient, instruments: Instruments): Promise<Facts> {
  const { resolver, dialer, fetch, now, timeoutMs, onStep = () => undefined } = instruments
  const { domain, ports, allowPrivate = false, ca } = patient
  const expected = recordsFor(domain, patient.records)
  const told = [...(patient.records.ipv4 ?? []), ...(patient.records.ipv6 ?? [])]
  onStep(`asking DNS about ${expected.domain}`)
  const dns = await gatherDns(expected, told, resolver)
  const published = valuesOf(dns.addresses.get(expected.host))
  // The operator's word is enough; DNS, which others may write, must not lead into private networks (S29).
  const addresses = told.length > 0 ? told : published.filter(address => allowPrivate || isPublicAddress(address))
  const options = {
    dialer,
    host: expected.host,
    ports,
    ...(ca === undefined ? {} : { ca }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
  onStep(`connecting to ${addresses.join(', ')}`)
  const [page, doors, blocklists, reach] = await Promise.all([
    pageOf(expected.domain, dns, fetch),
    gatherDoors(addresses, options),
    gatherBlocklists(patient.blocklists ?? [], addresses, resolver),
    patient.reach === undefined ? undefined : gatherReach(patient.reach, resolver, dialer, timeoutMs),
  ])
  const front = doors.find(({ door, seen }) => door === 'smtp' && seen.ok)
  onStep('trying to send mail for others')
  const nobody: Known<never> = { ok: false, why: 'no connection to the port for other servers' }
  const relay = front === undefined ? nobody : await gatherRelay(front.address, expected.domain, options)
  const roles = front === undefined ? nobody : await gatherRoles(front.address, expected.domain, options)
  onStep('sending a test message')
  const arrival = front === undefined ? nobody : await arrivalAt(patient.mailbox, front, dialer)
  const unfitKeys = patient.unfitKeys ?? []
  return { expected, told, allowPrivate, dns, doors, page, relay, roles, blocklists, reach, arrival, unfitKeys, now: now() }
}

/** Everything that can be said of the facts, in the order in which mail meets it. */
export function judge(facts: Facts): readonly Finding[] {
  return [...checkRoute(facts), ...checkDoors(facts), ...checkSenders(facts), ...checkTlsPolicies(facts), ...checkRest(facts)]
}

async function pageOf(domain: string, dns: DnsFacts, fetch: SafeFetch): Promise<Known<PageFacts> | undefined> {
  const host = `mta-sts.${domain}`
  const isThere = valuesOf(dns.texts.get(`_mta-sts.${domain}`)).length > 0 || valuesOf(dns.addresses.get(host)).length > 0
  if (!isThere) return undefined
  return known(async () => {
    const { status, headers, body } = await fetch(`https://${host}/.well-known/mta-sts.txt`)
    const date = Date.parse(headers['date'] ?? '')
    return {
      status,
      text: new TextDecoder().decode(body),
      contentType: headers['content-type'] ?? '',
      ...(Number.isNaN(date) ? {} : { date }),
    }
  })
}

async function arrivalAt(
  mailbox: Patient['mailbox'],
  front: { readonly address: string; readonly port: number },
  dialer: Dialer,
): Promise<Known<ArrivalFacts>> {
  if (typeof mailbox === 'string') return { ok: false, why: mailbox }
  return known(() =>
    sendAndAwait({ to: mailbox.to, lookout: mailbox.lookout(front.address), address: front.address, port: front.port, dialer }),
  )
}
