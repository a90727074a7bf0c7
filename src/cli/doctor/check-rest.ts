/** What is left: clients find the server, nobody misuses it, no list names it, mail arrives, the clock is right. RFC 6186 §3; RFC 5321 §7.9; RFC 5782 §2. */

import { zoneLine } from '../../dns/index.ts'
import type { Facts } from './facts.ts'
import { unchecked } from './finding.ts'
import type { Finding } from './finding.ts'

/** Everything else. */
export function checkRest(facts: Facts): readonly Finding[] {
  return [
    ...checkServices(facts),
    ...checkPages(facts),
    ...checkRelay(facts),
    ...checkRoles(facts),
    ...checkBlocklists(facts),
    ...checkArrival(facts),
    ...checkReach(facts),
    ...checkClock(facts),
  ]
}

function checkServices({ expected, dns }: Facts): readonly Finding[] {
  const common = { check: 'srv', looked: `SRV records of ${expected.domain}` } as const
  const wanted = expected.records.flatMap(record => (record.type === 'SRV' && record.purpose === 'client-services' ? [record] : []))
  const missing: string[] = []
  const findings: Finding[] = []
  for (const record of wanted) {
    const answer = dns.services.get(record.name)
    if (answer?.ok !== true) return [unchecked('srv', common.looked, answer?.why ?? 'nobody asked')]
    const { port, target } = record.value
    if (answer.value.length === 0) missing.push(zoneLine(record))
    else if (!answer.value.some(found => found.target === target && found.port === port)) {
      const there = answer.value.map(found => `${found.target === '' ? 'nowhere' : found.target} port ${found.port}`).join(', ')
      const found = `${record.name} sends clients to ${there}, not to ${target === '' ? 'nowhere' : `${target} port ${port}`}`
      findings.push({ ...common, level: 'warning', found, todo: 'publish instead', publish: [zoneLine(record)] })
    }
  }
  if (missing.length > 0) {
    const found = `${missing.length} of ${wanted.length} are missing: people have to type the name of the server into their clients`
    findings.push({ ...common, level: 'note', found, todo: 'to have clients find it, publish', publish: missing })
  }
  return findings.length > 0 || wanted.length === 0 ? findings : [{ ...common, level: 'ok', found: 'clients find the server' }]
}

function checkPages({ expected, dns }: Facts): readonly Finding[] {
  const name = `autoconfig.${expected.domain}`
  const record = expected.records.find(candidate => candidate.name === name)
  if (record === undefined) return []
  const common = { check: 'client-setup', looked: `page that sets up clients of ${expected.domain}` } as const
  const answer = dns.addresses.get(name)
  if (answer?.ok !== true) return [unchecked('client-setup', common.looked, answer?.why ?? 'nobody asked')]
  if (answer.value.length > 0) return [{ ...common, level: 'ok', found: `${name} leads to a web server` }]
  const todo = `to have Thunderbird and Outlook set themselves up, put the pages that "mailwright dns ${expected.domain}" prints on a web server, then publish`
  return [{ ...common, level: 'note', found: 'there is none', todo, publish: [zoneLine(record)] }]
}

function checkRelay({ relay, expected }: Facts): readonly Finding[] {
  const common = { check: 'open-relay', looked: 'mail for others, from strangers' } as const
  if (!relay.ok) return [unchecked('open-relay', common.looked, relay.why)]
  const taken = relay.value.filter(({ accepted }) => accepted)
  // A catch-all takes anything at its own domain; that alone sends nothing on.
  const isOwn = (form: string): boolean => form.split(' from ')[0]?.endsWith(`@${expected.domain}>`) === true
  const open = taken.filter(({ form }) => !isOwn(form))
  if (open.length > 0) {
    const found = `the server takes mail for anybody: ${open.map(({ form }) => form).join('; ')}`
    const todo =
      'stop it at once, or it will be found and used for spam within hours: take mail for other domains only from those who logged in'
    return [{ ...common, level: 'fault', found, todo }]
  }
  if (taken.length > 0) {
    const found = `strange recipients of the domain are taken: ${taken.map(({ form }) => form).join('; ')}`
    return [
      {
        ...common,
        level: 'warning',
        found,
        todo: 'nothing, if a catch-all keeps them here; else see that the server does not send them on',
      },
    ]
  }
  const replies = [...new Set(relay.value.map(({ reply }) => reply.slice(0, 3)))].join(', ')
  return [{ ...common, level: 'ok', found: `${relay.value.length} ways tried, all refused (${replies})` }]
}

function checkRoles({ roles }: Facts): readonly Finding[] {
  const common = { check: 'roles', looked: 'addresses that every domain has' } as const
  if (!roles.ok) return [unchecked('roles', common.looked, roles.why)]
  const refused = roles.value.filter(({ accepted }) => !accepted)
  return refused.length === 0
    ? [{ ...common, level: 'ok', found: `${roles.value.map(({ address }) => address).join(' and ')} are taken` }]
    : refused.map(({ address, reply }) => ({
        ...common,
        // RFC 5321 §4.5.1: postmaster "MUST" be there; RFC 2142 §4 wants abuse, and complaints go there.
        level: address.startsWith('postmaster@') ? 'warning' : 'note',
        found: `${address} is refused (${reply})${address.startsWith('postmaster@') ? ', so reports and complaints are lost' : ''}`,
        todo: `give it to somebody: mailwright alias set ${address} ADDRESS`,
      }))
}

function checkBlocklists({ blocklists }: Facts): readonly Finding[] {
  return blocklists.map(({ list, address, listed }): Finding => {
    const looked = `${address} in ${list}`
    if (!listed.ok) return unchecked('blocklist', looked, listed.why)
    const common = { check: 'blocklist', looked } as const
    if (listed.value.length === 0) return { ...common, level: 'ok', found: 'not listed' }
    const todo = `look at the page of ${list} for the reason; mend it first, then ask to be taken out`
    return { ...common, level: 'fault', found: `listed (${listed.value.join(', ')}): who asks this list refuses our mail`, todo }
  })
}

function checkReach({ reach }: Facts): readonly Finding[] {
  if (reach === undefined) return []
  const { domain, asked, answer } = reach
  const common = { check: 'reach', looked: `the way out, to ${domain}` } as const
  if (answer.ok) return [{ ...common, level: 'ok', found: `${asked ?? domain} answers` }]
  if (asked === undefined) return [unchecked('reach', common.looked, answer.why)]
  const todo = 'ask the provider to open port 25 outwards, or send through a smarthost (--smarthost)'
  return [{ ...common, level: 'fault', found: `${asked} does not answer, so mail cannot leave: ${answer.why}`, todo }]
}

function checkArrival({ arrival }: Facts): readonly Finding[] {
  const common = { check: 'delivery', looked: 'a test message to the server itself' } as const
  if (!arrival.ok) return [unchecked('delivery', common.looked, arrival.why)]
  const { to } = arrival.value
  if ('refused' in arrival.value) {
    const { refused, forNow } = arrival.value
    if (forNow) {
      const todo = 'greylisting answers so; try again in a few minutes'
      return [{ ...common, level: 'note', found: `for now the server refuses ${refused}`, todo, unchecked: true }]
    }
    const todo = `see that ${to} exists and that the server may take mail without a sender: bounces and receipts have none`
    return [{ ...common, level: 'fault', found: `the server refuses ${refused}`, todo }]
  }
  const { mailbox, ms } = arrival.value
  if (mailbox === undefined) {
    const todo = 'look at the log of the server; a filter may have thrown it away, or it serves another folder than --data names'
    return [{ ...common, level: 'fault', found: `it was taken for ${to}, but was in no mailbox after ${Math.round(ms / 1000)} s`, todo }]
  }
  return [{ ...common, level: 'ok', found: `it was in ${mailbox} of ${to} after ${ms} ms` }]
}

/** Seconds by which clocks may differ: signatures and certificates bear more, people notice less. */
const MAX_OFFSET = 120
/** No mail was checked by this program before. */
const BEGINNING = Date.UTC(2026, 0, 1)

function checkClock({ now, page }: Facts): readonly Finding[] {
  const common = { check: 'clock', looked: 'the clock of this machine' } as const
  const todo = 'have it set by the network (NTP): signatures and certificates depend on it'
  const time = new Date(now).toISOString()
  if (now < BEGINNING) return [{ ...common, level: 'fault', found: `it says ${time}, which is long ago`, todo }]
  const other = page?.ok === true ? page.value.date : undefined
  if (other === undefined) return [{ ...common, level: 'ok', found: `${time}, which can be (nothing to compare it with)` }]
  const offset = Math.round((now - other) / 1000)
  if (Math.abs(offset) <= MAX_OFFSET) return [{ ...common, level: 'ok', found: `${time}, and the web server agrees` }]
  return [
    { ...common, level: 'warning', found: `it is ${Math.abs(offset)} s ${offset > 0 ? 'ahead of' : 'behind'} the web server's`, todo },
  ]
}
