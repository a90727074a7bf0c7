/** Is TLS towards us sure: MTA-STS, reports, DANE. RFC 8461 §3; RFC 8460 §3; RFC 7672 §3.1, §3.2. */

import { createHash, X509Certificate } from 'node:crypto'
import type { TlsaRecord } from '../../contracts/index.ts'
import { zoneLine } from '../../dns/index.ts'
import { linesFor } from './check-route.ts'
import type { Facts, PageFacts, SeenTls } from './facts.ts'
import { unchecked } from './finding.ts'
import type { Finding, Known } from './finding.ts'
import { valuesOf } from './gather-dns.ts'

/** Everything by which others are held to TLS. */
export function checkTlsPolicies(facts: Facts): readonly Finding[] {
  return [...checkMtaSts(facts), ...checkReports(facts), ...checkDane(facts)]
}

/** A policy page, read. RFC 8461 §3.2. */
export interface PolicyPage {
  readonly mode: string
  readonly mx: readonly string[]
  readonly maxAge: number
}

/** Reads a page; a text that says why it cannot be used. */
export function readPolicyPage(text: string): PolicyPage | string {
  const pairs = text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const colon = line.indexOf(':')
    return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]]
  })
  const first = (key: string): string | undefined => pairs.find(([name]) => name === key)?.[1]
  const [mode, maxAge] = [first('mode'), Number(first('max_age') ?? Number.NaN)]
  const mx = pairs.filter(([key]) => key === 'mx').map(([, value]) => value.toLowerCase())
  if (first('version') !== 'STSv1') return 'its version is not STSv1'
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return 'it has no mode (enforce, testing or none)'
  // RFC 8461 §3.2: at most 31557600.
  if (!Number.isInteger(maxAge) || maxAge < 0 || maxAge > 31_557_600) return 'its max_age is no number of seconds up to a year'
  if (mx.length === 0 && mode !== 'none') return 'it names no mx'
  return { mode, mx, maxAge }
}

/** RFC 8461 §4.1: a star stands for one label. */
function isNamed(host: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => pattern === host || (pattern.startsWith('*.') && pattern.slice(2) === host.slice(host.indexOf('.') + 1)))
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
  if (!/;\s*id=[A-Za-z0-9]{1,32}\s*(?:;|$)/.test(record))
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
  const policy = readPolicyPage(page.value.text)
  if (typeof policy === 'string') return [{ ...common, level: 'fault', found: `its page cannot be used: ${policy}`, todo }]
  const findings: Finding[] = []
  const grave = policy.mode === 'enforce' ? 'fault' : 'warning'
  const meaning = policy.mode === 'enforce' ? 'others refuse to deliver' : 'others would refuse to deliver, were it enforced'
  if (policy.mode !== 'none' && !isNamed(host, policy.mx))
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

/** Whether a record fits a certificate of the chain. RFC 6698 §2.1; RFC 7672 §3.1.3: usages 0 and 1 are not for mail. */
export function tlsaFits(record: TlsaRecord, chain: readonly Uint8Array[]): boolean {
  const candidates = record.usage === 3 ? chain.slice(0, 1) : record.usage === 2 ? chain : []
  return candidates.some(der => {
    const selected = record.selector === 1 ? new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' }) : der
    const hash = record.matchingType === 1 ? 'sha256' : record.matchingType === 2 ? 'sha512' : undefined
    const data = hash === undefined ? selected : createHash(hash).update(selected).digest()
    return Buffer.compare(data, record.data) === 0
  })
}

function checkDane({ expected, dns, doors }: Facts): readonly Finding[] {
  const { host } = expected
  const looked = `DANE of ${host}`
  const common = { check: 'dane', looked } as const
  if (!dns.tlsa.ok) return [unchecked('dane', looked, dns.tlsa.why)]
  const { records, authentic } = dns.tlsa.value
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
    } else if (!records.some(record => tlsaFits(record, tls.value.chain))) {
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

/** The record for the certificate that was seen, where the folder has none. */
function ownLine(host: string, { chain }: SeenTls): readonly string[] {
  const [der] = chain
  if (der === undefined) return []
  const key = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })
  const value: TlsaRecord = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(createHash('sha256').update(key).digest()) }
  return [zoneLine({ name: `_25._tcp.${host}`, ttl: 3600, type: 'TLSA', value, purpose: 'dane', need: 'optional', why: '' })]
}
