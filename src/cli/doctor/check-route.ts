/** Does mail find the way here: exchangers, addresses, names of addresses, the name in the greeting. RFC 5321 §5.1, §4.1.4; RFC 7505 §3; RFC 1035 §3.5. */

import { isPublicAddress } from '../../bytes/ip-address.ts'
import { reverseName, zoneLine } from '../../dns/index.ts'
import type { DomainRecords, PublishedRecord, RecordPurpose } from '../../dns/index.ts'
import type { Facts } from './facts.ts'
import { unchecked } from './finding.ts'
import type { Finding } from './finding.ts'
import { sameAddress, valuesOf } from './gather-dns.ts'

/** The lines to publish for one purpose, or for one name of it. */
export function linesFor(
  { records }: DomainRecords,
  purpose: RecordPurpose,
  which: (record: PublishedRecord) => boolean = () => true,
): readonly string[] {
  return records.filter(record => record.purpose === purpose && which(record)).map(record => zoneLine(record))
}

/** Everything about the way of mail to the server. */
export function checkRoute(facts: Facts): readonly Finding[] {
  return [...checkExchangers(facts), ...checkAddresses(facts), ...checkReverse(facts), ...checkGreeting(facts)]
}

function checkExchangers({ expected, dns }: Facts): readonly Finding[] {
  const { domain, host } = expected
  const looked = `MX records of ${domain}`
  const common = { check: 'mx', looked } as const
  const publish = linesFor(expected, 'mail-exchanger')
  if (!dns.mx.ok) return [unchecked('mx', looked, dns.mx.why)]
  const { records, exists } = dns.mx.value
  if (exists === false)
    return [
      {
        ...common,
        level: 'fault',
        found: `${domain} does not exist in DNS`,
        todo: 'register the domain, or publish its zone; then publish',
        publish,
      },
    ]
  if (records.length === 0)
    return [
      {
        ...common,
        level: 'fault',
        found: 'there are none, so mail goes to the address of the domain itself, if it has one',
        todo: 'publish',
        publish,
      },
    ]
  if (records.every(({ exchange }) => exchange === ''))
    return [
      { ...common, level: 'fault', found: `${domain} says that it takes no mail at all (a null MX)`, todo: 'publish instead', publish },
    ]
  const names = records.toSorted((one, other) => one.preference - other.preference).map(({ exchange }) => exchange)
  if (!names.includes(host)) {
    const todo = `publish the line below; or, if ${names[0] ?? ''} is the name of this server, say so: --host ${names[0] ?? ''}`
    return [{ ...common, level: 'fault', found: `mail goes to ${names.join(', ')}, not to ${host}`, todo, publish }]
  }
  const findings: Finding[] = []
  const others = names.filter(name => name !== host)
  const before = names.slice(0, names.indexOf(host))
  if (before.length > 0) {
    const found = `mail goes to ${before.join(', ')} first, and to ${host} only when ${before.length === 1 ? 'that one does' : 'those do'} not answer`
    findings.push({ ...common, level: 'warning', found, todo: 'take the others out, or give them a higher number; such as', publish })
  } else if (others.length > 0) {
    const todo = 'nothing, if you know them: each must take mail for the domain and pass it on here'
    findings.push({ ...common, level: 'note', found: `mail also goes to ${others.join(', ')}, which were not looked at`, todo })
  } else findings.push({ ...common, level: 'ok', found: `mail goes to ${host}` })
  const alias = dns.aliases.get(host)
  if (alias?.ok === true && alias.value.length > 0) {
    const found = `${host} is an alias of ${alias.value.join(', ')}; an exchanger must not be one, and some servers refuse it`
    findings.push({
      ...common,
      level: 'warning',
      found,
      todo: 'give the name addresses of its own',
      publish: linesFor(expected, 'host-address'),
    })
  }
  return findings
}

function checkAddresses({ expected, dns, told, allowPrivate }: Facts): readonly Finding[] {
  const { host } = expected
  const looked = `addresses of ${host}`
  const common = { check: 'address', looked } as const
  const answer = dns.addresses.get(host)
  if (answer?.ok !== true) return [unchecked('address', looked, answer?.why ?? 'nobody asked')]
  const found = answer.value
  if (found.length === 0) {
    const publish = linesFor(expected, 'host-address')
    const todo =
      publish.length > 0
        ? 'publish'
        : 'publish its A record (and AAAA, where the server has IPv6); with --ipv4 and --ipv6 the lines are printed here'
    return [{ ...common, level: 'fault', found: 'there are none, so nobody can connect', todo, publish }]
  }
  const findings: Finding[] = []
  const hidden = found.filter(address => !isPublicAddress(address))
  if (hidden.length > 0 && !allowPrivate) {
    const todo = 'publish the address that the Internet sees (--ipv4, --ipv6); for a test network say --allow-private-networks'
    findings.push({ ...common, level: 'fault', found: `${hidden.join(', ')} cannot be reached from the Internet`, todo })
  }
  for (const address of told.filter(own => !found.some(other => sameAddress(own, other)))) {
    const publish = linesFor(expected, 'host-address', record => record.value === address)
    findings.push({ ...common, level: 'fault', found: `${address} is not among them`, todo: 'publish', publish })
  }
  const strangers = told.length === 0 ? [] : found.filter(address => !told.some(own => sameAddress(own, address)))
  if (strangers.length > 0) {
    const text = `${strangers.join(', ')} is published too, and is none of those you named`
    findings.push({ ...common, level: 'warning', found: text, todo: 'remove it, unless it is this server: a part of the mail goes there' })
  }
  return findings.length > 0 ? findings : [{ ...common, level: 'ok', found: found.join(', ') }]
}

function checkReverse({ expected, dns }: Facts): readonly Finding[] {
  const { host } = expected
  return [...dns.names].map(([address, answer]): Finding => {
    const looked = `reverse DNS of ${address}`
    const common = { check: 'reverse', looked } as const
    if (!answer.ok) return unchecked('reverse', looked, answer.why)
    const names = answer.value
    const todo = `have it set to ${host} by whoever owns the network: usually a field in the panel where you rent the machine`
    const publish = reverseLine(address, host)
    if (names.length === 0)
      return { ...common, level: 'fault', found: 'the address has no name; many servers refuse mail from such addresses', todo, publish }
    const back = names.filter(name => valuesOf(dns.addresses.get(name)).some(other => sameAddress(address, other)))
    if (back.length === 0) {
      const found = `the address is called ${names.join(', ')}, but that name does not lead back to it; many servers refuse such mail`
      return { ...common, level: 'fault', found, todo, publish }
    }
    if (!back.includes(host)) {
      const found = `the address is called ${back.join(', ')}, which leads back to it but is not the name ${host} that the server greets with`
      return { ...common, level: 'warning', found, todo, publish }
    }
    return { ...common, level: 'ok', found: `${host}, and back again` }
  })
}

/** For the zone of whoever owns the network. */
function reverseLine(address: string, host: string): readonly string[] {
  const name = reverseName(address)
  return name === undefined ? [] : [zoneLine({ name, ttl: 3600, type: 'PTR', value: host })]
}

function checkGreeting({ expected, doors }: Facts): readonly Finding[] {
  const { host } = expected
  const greetings = new Set(
    doors.flatMap(({ door, seen }) => (door === 'smtp' && seen.ok && seen.value.greets !== undefined ? [seen.value.greets] : [])),
  )
  return [...greetings].map((greets): Finding => {
    const common = { check: 'greeting', looked: 'the name that the server greets with' } as const
    if (greets.toLowerCase() === host) return { ...common, level: 'ok', found: host }
    const todo = `set the server's hostname to ${host}, or look at the right one: --host ${greets}`
    return { ...common, level: 'warning', found: `it calls itself ${greets}, and DNS calls it ${host}`, todo }
  })
}
