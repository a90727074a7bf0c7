/** Everything that a domain with its own mail server publishes. RFC 5321 §5.1; RFC 7208; RFC 6376 §3.6; RFC 9989; RFC 8461; RFC 8460; RFC 7672; RFC 6186. */

import { createHash, X509Certificate } from 'node:crypto'
import { ConfigurationError } from '../../contracts/index.ts'
import type { SrvRecord, TlsaRecord } from '../../contracts/index.ts'
import { isHostName, questionName, reverseName } from '../names.ts'
import { autoconfigXml, autodiscoverXml } from './client-config.ts'
import type { ClientPorts } from './client-config.ts'
import { dmarcText, mtaStsPolicy, mtaStsText, spfText, tlsReportsText } from './policies.ts'
import type { DmarcPolicy, MtaStsMode } from './policies.ts'
import type { PublishedPage, PublishedRecord } from './record.ts'

/** A DKIM key's public half. */
export interface DkimRecord {
  readonly selector: string
  /** Text of the TXT record, as of `keyRecordText`. RFC 6376 §3.6.1. */
  readonly record: string
}

/** Options of {@link recordsFor}. */
export interface RecordsOptions {
  /** Name of the mail server. Default: `mail.` before the domain. */
  readonly host?: string
  readonly ipv4?: readonly string[]
  readonly ipv6?: readonly string[]
  /** Seconds. Default 3600. */
  readonly ttl?: number
  readonly dkim?: readonly DkimRecord[]
  /** Certificates of the server in PEM, the coming one too while they are changed: each gives a TLSA record. Only with DNSSEC. */
  readonly certificates?: readonly string[]
  /** SPF mechanisms of others who send for the domain, such as `include:spf.example.net` for a smarthost. */
  readonly alsoSends?: readonly string[]
  /** What SPF says of all others. Default `-all`. */
  readonly spfRest?: '-all' | '~all'
  /** Default `quarantine`. */
  readonly dmarc?: DmarcPolicy
  /** Address for reports, or `false` for none. Default: `postmaster@` the domain. */
  readonly reportsTo?: string | false
  /** Default: `testing`, for a week. `false`: publish none. */
  readonly mtaSts?: { readonly mode?: MtaStsMode; readonly maxAgeSeconds?: number } | false
  /** Where clients connect. Default: 465, 587, 993 and 995. */
  readonly ports?: ClientPorts
  /** Host of the web pages. Default: the mail server. `false`: no pages, so no MTA-STS and no setting up of clients. */
  readonly webHost?: string | false
  /** Names below the domain that neither send nor receive, such as `www`. */
  readonly silent?: readonly string[]
}

/** What to publish. */
export interface DomainRecords {
  readonly domain: string
  readonly host: string
  /** In the order in which a person would make them. */
  readonly records: readonly PublishedRecord[]
  readonly pages: readonly PublishedPage[]
}

/** RFC 6186 §3.4 and RFC 8314 §5.1; those without TLS from the start are named as not there, so that nobody tries. */
const SERVICES: readonly (keyof ClientPorts)[] = ['submissions', 'submission', 'imaps', 'imap', 'pop3s', 'pop3']
const USUAL_PORTS: ClientPorts = { submissions: 465, submission: 587, imaps: 993, pop3s: 995 }
/** RFC 8461 §3.2 recommends weeks; one is enough to begin with. */
const WEEK = 604_800

/**
 * Says what to publish for a domain, why, and with which pages on a web server. Makes no questions and changes nothing. Throws
 * `ConfigurationError` for what is no domain (`MW_DOMAIN_INVALID`), no address (`MW_ADDRESS_INVALID`) or no SPF mechanism (`MW_SPF_INVALID`).
 *
 * @example
 * ```ts
 * import { recordsFor, zoneText } from 'mailwright/dns'
 *
 * console.log(zoneText(recordsFor('example.org', { ipv4: ['192.0.2.25'] })))
 * ```
 */
export function recordsFor(domainText: string, options: RecordsOptions = {}): DomainRecords {
  const domain = validName(domainText)
  const host = validName(options.host ?? `mail.${domain}`)
  const { ttl = 3600 } = options
  const reportsTo = options.reportsTo === false ? undefined : (options.reportsTo ?? `postmaster@${domain}`)
  const addresses = [...addressRecords(host, 'A', options.ipv4 ?? []), ...addressRecords(host, 'AAAA', options.ipv6 ?? [])]
  const pages = pagesOf(domain, host, options)
  const records: readonly Omitted[] = [
    {
      name: domain,
      type: 'MX',
      value: { preference: 10, exchange: host },
      purpose: 'mail-exchanger',
      need: 'required',
      why: `mail for ${domain} goes to ${host}`,
    },
    ...addresses,
    ...addresses.map(record => reverseRecord(record.value, host)),
    {
      name: domain,
      type: 'TXT',
      value: spfText(['mx', ...(options.alsoSends ?? []).map(validMechanism)], options.spfRest ?? '-all'),
      purpose: 'spf',
      need: 'required',
      why: 'only this server sends mail of the domain (SPF)',
    },
    ...hostPolicy(domain, host),
    ...(options.dkim ?? []).map(({ selector, record }): Omitted => ({
      name: validName(`${selector}._domainkey.${domain}`),
      type: 'TXT',
      value: record,
      purpose: 'dkim',
      need: 'required',
      why: 'the key with which others verify our signatures (DKIM)',
    })),
    {
      name: `_dmarc.${domain}`,
      type: 'TXT',
      value: dmarcText(options.dmarc ?? 'quarantine', reportsTo),
      purpose: 'dmarc',
      need: 'required',
      why: 'what to do with mail that only pretends to be ours (DMARC)',
    },
    ...(reportsTo === undefined
      ? []
      : [
          {
            name: `_smtp._tls.${domain}`,
            type: 'TXT',
            value: tlsReportsText(reportsTo),
            purpose: 'tls-reports',
            need: 'optional',
            why: 'where others report that TLS towards us failed (TLS-RPT)',
          } as const,
        ]),
    ...tlsaRecords(host, options.certificates ?? []),
    ...pages.records,
    ...serviceRecords(domain, host, options.ports ?? USUAL_PORTS),
    ...(options.silent ?? []).flatMap(name => silentRecords(validName(name.endsWith(`.${domain}`) ? name : `${name}.${domain}`))),
  ]
  return { domain, host, records: records.map(record => ({ ...record, ttl })), pages: pages.pages }
}

type Omitted = PublishedRecord extends infer R ? (R extends PublishedRecord ? Omit<R, 'ttl'> : never) : never

function validName(text: string): string {
  const name = questionName(text)
  if (name === undefined || !isHostName(name)) throw new ConfigurationError('MW_DOMAIN_INVALID', `"${text}" is no name in DNS`)
  return name
}

function addressRecords(host: string, type: 'A' | 'AAAA', addresses: readonly string[]): readonly (Omitted & { readonly value: string })[] {
  return addresses.map(value => {
    if (reverseName(value) === undefined || value.includes(':') !== (type === 'AAAA'))
      throw new ConfigurationError('MW_ADDRESS_INVALID', `"${value}" is no ${type === 'A' ? 'IPv4' : 'IPv6'} address`)
    return { name: host, type, value, purpose: 'host-address', need: 'required', why: `where ${host} is` }
  })
}

function validMechanism(text: string): string {
  if (!/^[!-~]+$/.test(text))
    throw new ConfigurationError('MW_SPF_INVALID', `"${text}" is no SPF mechanism such as include:spf.example.net`)
  return text
}

/** RFC 7208 §2.3: what the server greets with is checked too; one name has one record (§4.5). */
function hostPolicy(domain: string, host: string): readonly Omitted[] {
  if (host === domain) return []
  const why = 'the same for the name that the server greets with, which counts for bounces'
  return [{ name: host, type: 'TXT', value: spfText(['a'], '-all'), purpose: 'spf', need: 'recommended', why }]
}

/** Advice only: whoever owns the network has to publish it. */
function reverseRecord(address: string, host: string): Omitted {
  const name = reverseName(address) ?? address
  const why = `the name of ${address}: set it where you rent the machine; without it many refuse our mail`
  return { name, type: 'PTR', value: host, purpose: 'reverse', need: 'required', why }
}

/** Usage 3, selector 1, SHA-256: the key, whoever signed its certificate. RFC 7672 §3.1.1. */
export function tlsaOf(certificate: string): TlsaRecord {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(createHash('sha256').update(key).digest()) }
}

function tlsaRecords(host: string, certificates: readonly string[]): readonly Omitted[] {
  const why = 'the key that the server must show, vouched for by DNSSEC (DANE); only in a signed zone'
  return certificates.map(pem => ({ name: `_25._tcp.${host}`, type: 'TLSA', value: tlsaOf(pem), purpose: 'dane', need: 'optional', why }))
}

function serviceRecords(domain: string, host: string, ports: ClientPorts): readonly Omitted[] {
  return SERVICES.flatMap((service): readonly Omitted[] => {
    const port = ports[service]
    const isPlain = service === 'imap' || service === 'pop3'
    if (port === undefined && !isPlain) return []
    // RFC 2782: the root as target means "decidedly not available".
    const value: SrvRecord =
      port === undefined ? { priority: 0, weight: 0, port: 0, target: '' } : { priority: 0, weight: 1, port, target: host }
    const why = port === undefined ? `clients need not look for ${service} without TLS` : `where mail clients find ${service}`
    return [{ name: `_${service}._tcp.${domain}`, type: 'SRV', value, purpose: 'client-services', need: 'optional', why }]
  })
}

function silentRecords(name: string): readonly Omitted[] {
  const why = `${name} neither sends nor receives mail`
  return [
    { name, type: 'MX', value: { preference: 0, exchange: '' }, purpose: 'no-mail', need: 'optional', why },
    { name, type: 'TXT', value: spfText([], '-all'), purpose: 'no-mail', need: 'optional', why },
  ]
}

function pagesOf(domain: string, host: string, options: RecordsOptions): { records: readonly Omitted[]; pages: readonly PublishedPage[] } {
  if (options.webHost === false) return { records: [], pages: [] }
  const web = validName(options.webHost ?? host)
  const records: Omitted[] = []
  const pages: PublishedPage[] = []
  if (options.mtaSts !== false) {
    const { mode = 'testing', maxAgeSeconds = WEEK } = options.mtaSts ?? {}
    const policy = mtaStsPolicy({ mode, mx: [host], maxAgeSeconds })
    const common = { purpose: 'mta-sts', need: 'optional' } as const
    records.push(
      {
        ...common,
        name: `_mta-sts.${domain}`,
        type: 'TXT',
        value: mtaStsText(policy),
        why: 'others shall use TLS towards us; the page below says how (MTA-STS)',
      },
      { ...common, name: `mta-sts.${domain}`, type: 'CNAME', value: web, why: 'the web server that has the MTA-STS page' },
    )
    const url = `https://mta-sts.${domain}/.well-known/mta-sts.txt`
    pages.push({
      url,
      contentType: 'text/plain',
      text: policy,
      purpose: 'mta-sts',
      why: 'the MTA-STS policy; publish it before its record, with a certificate for that name',
    })
  }
  const ports = options.ports ?? USUAL_PORTS
  const setup = { purpose: 'client-setup', need: 'optional' } as const
  records.push(
    { ...setup, name: `autoconfig.${domain}`, type: 'CNAME', value: web, why: 'the web server that sets up Thunderbird and others' },
    {
      ...setup,
      name: `_autodiscover._tcp.${domain}`,
      type: 'SRV',
      value: { priority: 0, weight: 1, port: 443, target: web },
      why: 'the web server that sets up Outlook',
    },
  )
  pages.push(
    {
      url: `https://autoconfig.${domain}/mail/config-v1.1.xml`,
      contentType: 'text/xml',
      text: autoconfigXml(domain, host, ports),
      purpose: 'client-setup',
      why: 'sets up Thunderbird and others',
    },
    {
      url: `https://${web}/autodiscover/autodiscover.xml`,
      contentType: 'text/xml',
      text: autodiscoverXml(host, ports),
      purpose: 'client-setup',
      why: 'sets up Outlook, which asks with POST',
    },
  )
  return { records, pages }
}
