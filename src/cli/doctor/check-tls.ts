/** Is TLS towards us sure: MTA-STS, reports, DANE. RFC 8461 §3; RFC 8460 §3; RFC 7672 §3.1, §3.2. */

import { createHash, X509Certificate } from 'node:crypto'
import type { TlsaRecord, TlsPeer } from '../../contracts/index.ts'
import { zoneLine } from '../../dns/index.ts'
import { daneFailure } from '../../outbound/tls-policy/dane.ts'
import { parseStsPolicy, stsAllows, stsIdOf } from '../../outbound/tls-policy/sts-policy.ts'
import { linesFor } from './check-route.ts'
import type { Facts, PageFacts, SeenTls } from './facts.ts'
import { unchecked } from './finding.ts'
import type { Finding, Known } from './finding.ts'
import { valuesOf } from './gather-dns.ts'

/** Everything by which others are held to TLS. */
export function checkTlsPolicies(facts: Facts): readonly Finding[] {
  return [...checkMtaSts(facts), ...checkReports(facts), ...checkDane(facts)]
}

/** What is wrong with a page that senders cannot use. RFC 8461 §3.2. */
function pageFault(text: string): string {
  const lines = text
    .split('\n')
    .map(line => [line.slice(0, Math.max(0, line.indexOf(':'))).trim(), line.slice(line.indexOf(':') + 1).trim()] as const)
  const value = (key: string): string | undefined => lines.find(([name]) => name === key)?.[1]
  if (value('version') !== 'STSv1') return 'its version is not STSv1'
  if (!['enforce', 'testing', 'none'].includes(value('mode') ?? '')) return 'it has no mode (enforce, testing or none)'
  if (!/^\d{1,10}$/.test(value('max_age') ?? '')) return 'its max_age is no number of seconds'
  return value('mx') === undefined ? 'it names no mx' : 'one of its lines is no "key: value"'
}

function checkMtaSts({ expected, dns, page, doors }: Facts): readonly Finding[] {
  const looked = `MTA-STS of ${expected.domain}`
  const common = { check: 'mta-sts', looked } as const
  const publish = linesFor(expected, 'mta-sts')
  const answer = dns.texts.get(`_mta-sts.${expected.domain}`)
  if (answer === undefined) return []
  if (!answer.ok) return [unchecked('mta-sts', looked, answer.why)]
  const records = answer.value.filter(text => /^v=STSv1\s*;/.test(text))
  const [record] = records
  if (record === undefined) {
    if (page?.ok === true && page.value.status === 200)
      return [
        {
          ...common,
          level: 'warning',
          found: 'there is a page but no record that tells of it',
          todo: 'publish',
          publish: publish.slice(0, 1),
        },
      ]
    const todo = `to use it, put the page on a web server first ("mailwright dns ${expected.domain}" prints it), then publish`
    return [{ ...common, level: 'note', found: 'not used: others fall back to mail in the clear when TLS towards us fails', todo, publish }]
  }
  if (records.length > 1)
    return [
      {
        ...common,
        level: 'fault',
        found: 'there are several records, which makes all of them void',
        todo: 'keep only',
        publish: publish.slice(0, 1),
      },
    ]
  if (stsIdOf(records) === undefined)
    return [
      { ...common, level: 'fault', found: 'its record has no id of letters and digits', todo: 'publish', publish: publish.slice(0, 1) },
    ]
  return judgePage(
    common,
    page,
    expected.host,
    expected.domain,
    doors.flatMap(({ door, seen }) => (door === 'smtp' && seen.ok && seen.value.tls?.ok === true ? [seen.value.tls.value] : [])),
  )
}

function judgePage(
  common: { readonly check: 'mta-sts'; readonly looked: string },
  page: Known<PageFacts> | undefined,
  host: string,
  domain: string,
  seen: readonly SeenTls[],
): readonly Finding[] {
  const url = `https://mta-sts.${domain}/.well-known/mta-sts.txt`
  const todo = `put the page that "mailwright dns ${domain}" prints at ${url}, with a certificate for that name`
  if (page === undefined) return []
  if (!page.ok) return [{ ...common, level: 'fault', found: `there is a record, but its page cannot be had: ${page.why}`, todo }]
  if (page.value.status !== 200)
    return [{ ...common, level: 'fault', found: `there is a record, but its page is answered ${page.value.status}`, todo }]
  const policy = parseStsPolicy(page.value.text)
  if (policy === undefined) return [{ ...common, level: 'fault', found: `its page cannot be used: ${pageFault(page.value.text)}`, todo }]
  const findings: Finding[] = []
  const grave = policy.mode === 'enforce' ? 'fault' : 'warning'
  const meaning = policy.mode === 'enforce' ? 'others refuse to deliver' : 'others would refuse to deliver, were it enforced'
  if (policy.mode !== 'none' && !stsAllows(policy, host))
    findings.push({ ...common, level: grave, found: `its page names ${policy.mx.join(', ')}, not ${host}: ${meaning}`, todo })
  if (policy.mode !== 'none' && seen.some(({ trusted }) => !trusted)) {
    const found = `the server's certificate is not trusted (${seen.find(({ trusted }) => !trusted)?.fault ?? 'unknown'}): ${meaning}`
    findings.push({
      ...common,
      level: grave,
      found,
      todo: `get a certificate for ${host} from a public authority, or say "mode: none" until you have one`,
    })
  }
  if (!/^text\/plain\b/i.test(page.value.contentType)) {
    const found = `its page is sent as "${page.value.contentType}", not as text/plain; some do not read it`
    findings.push({ ...common, level: 'warning', found, todo: 'have the web server send it as text/plain' })
  }
  if (policy.mode === 'testing' && findings.length === 0) {
    const found = 'in testing: failures are reported, and mail is delivered all the same'
    return [{ ...common, level: 'note', found, todo: 'once no report complains, say "mode: enforce" and publish the new record' }]
  }
  return findings.length > 0 ? findings : [{ ...common, level: 'ok', found: `mode ${policy.mode}, names ${policy.mx.join(', ')}` }]
}

function checkReports({ expected, dns }: Facts): readonly Finding[] {
  const answer = dns.texts.get(`_smtp._tls.${expected.domain}`)
  const looked = `TLS-RPT of ${expected.domain}`
  const common = { check: 'tls-rpt', looked } as const
  if (answer === undefined) return []
  if (!answer.ok) return [unchecked('tls-rpt', looked, answer.why)]
  const publish = linesFor(expected, 'tls-reports')
  const records = valuesOf(answer).filter(text => /^v=TLSRPTv1\s*;/.test(text))
  const [record] = records
  if (record === undefined)
    return [
      {
        ...common,
        level: 'note',
        found: 'not used: nobody tells you when TLS towards the server fails',
        todo: 'to hear of it, publish',
        publish,
      },
    ]
  if (records.length > 1 || !/;\s*rua=(?:mailto:|https:)/.test(record)) {
    const found =
      records.length > 1 ? 'there are several records, which makes all of them void' : `it names no address for reports: "${record}"`
    return [{ ...common, level: 'warning', found, todo: 'publish instead', publish }]
  }
  return [{ ...common, level: 'ok', found: `"${record}"` }]
}

function checkDane({ expected, dns, doors, now }: Facts): readonly Finding[] {
  const { host } = expected
  const looked = `DANE of ${host}`
  const common = { check: 'dane', looked } as const
  if (!dns.tlsa.ok) return [unchecked('dane', looked, dns.tlsa.why)]
  const { records, authentic } = dns.tlsa.value
  // RFC 7672 §3.1.3: the usages 0 and 1 mean nothing in mail.
  const usable = records.filter(({ usage }) => usage === 2 || usage === 3)
  const publish = linesFor(expected, 'dane')
  const isSigned = dns.mx.ok && dns.mx.value.authentic
  if (records.length === 0) {
    const found = isSigned ? 'not used, though the zone is signed' : 'not used; it needs a zone signed with DNSSEC'
    return [
      {
        ...common,
        level: 'note',
        found,
        ...(isSigned && publish.length > 0 ? { todo: 'to have others check the certificate by DNS, publish', publish } : {}),
      },
    ]
  }
  const findings: Finding[] = []
  if (!authentic) {
    const found = 'TLSA records are published, but the resolver does not vouch for them, so they have no effect'
    findings.push({
      ...common,
      level: 'warning',
      found,
      todo: 'sign the zone with DNSSEC; or ask a validating resolver that is trusted: --dns 127.0.0.1',
    })
  }
  for (const { address, seen } of doors.filter(({ door }) => door === 'smtp')) {
    if (!seen.ok) continue
    const { tls } = seen.value
    if (tls?.ok !== true) {
      const found = `TLSA records are published, but ${address} offers no TLS: who heeds them cannot deliver`
      findings.push({ ...common, level: 'fault', found, todo: 'switch STARTTLS on, or take the records out' })
    } else if (daneFailure(peerOf(tls.value), usable, [host, expected.domain], now) !== undefined) {
      const found = `no TLSA record fits the certificate that ${address} shows: who heeds them cannot deliver`
      const own = publish.length > 0 ? publish : ownLine(host, tls.value)
      findings.push({
        ...common,
        level: 'fault',
        found,
        todo: 'publish at once (and, next time, the record of the new key before it is used)',
        publish: own,
      })
    }
  }
  if (findings.length > 0) return findings
  if (!doors.some(({ door, seen }) => door === 'smtp' && seen.ok))
    return [unchecked('dane', looked, 'no connection to compare the certificate with')]
  return [
    {
      ...common,
      level: 'ok',
      found: `${records.length} TLSA record${records.length === 1 ? '' : 's'}, vouched for, and the certificate fits`,
    },
  ]
}

function peerOf({ version, chain, trusted }: SeenTls): TlsPeer {
  return { version, chain, trusted, cipher: '' }
}

/** The record for the certificate that was seen, where the folder has none. */
function ownLine(host: string, { chain }: SeenTls): readonly string[] {
  const [der] = chain
  if (der === undefined) return []
  const key = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })
  const value: TlsaRecord = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(createHash('sha256').update(key).digest()) }
  return [zoneLine({ name: `_25._tcp.${host}`, ttl: 3600, type: 'TLSA', value })]
}
