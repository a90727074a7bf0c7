/** How a personal server sends: its resolver, its signing keys, and the DNS records that go with them. RFC 5321 §5.1; RFC 6376 §3.6; RFC 8314 §3.3. */

import type { Resolver } from '../contracts/index.ts'
import { cachingResolver, recordsFor, stubResolver, systemResolver, tableText } from '../dns/index.ts'
import { DailyDmarcReports, fileDmarcReportLedger } from '../filters/sender-auth/index.ts'
import { socketDialer, systemClock, systemRandom } from '../net/index.ts'
import {
  arcSealer,
  dkimKeys,
  dkimSigner,
  fileStsCache,
  fileTlsReportLedger,
  keyPublication,
  secretFile,
  senderRewriting,
} from '../outbound/index.ts'
import type { DkimKeyStore, NextServer } from '../outbound/index.ts'
import type { MailServer } from './mail-server.ts'
import type { ServerOutboundOptions } from './outbound.ts'

/** A server that takes all mail for elsewhere. */
export interface Smarthost {
  readonly host: string
  /** 465 means TLS from the first octet on. */
  readonly port: number
  /** Logs in with these, over TLS with a certificate that is right. */
  readonly credentials?: { readonly username: string; readonly password: string }
}

/** How a personal server sends. */
export interface PersonalOutboundOptions {
  /** Sends everything by this server. Default: by MX. */
  readonly smarthost?: Smarthost
  /** Port of the servers that MX records name. Default 25. */
  readonly mxPort?: number
  /** Mail by MX may go to private and loopback addresses. Default `false` (S29). */
  readonly allowPrivateNetworks?: boolean
  /** `require`: never in the clear. Default `opportunistic`. */
  readonly tlsPolicy?: 'opportunistic' | 'require'
  /** Days after which signing keys get successors, to be published; 0: never. Default 180. */
  readonly keyDays?: number
}

/** The way out of a personal server. */
export interface PersonalOutbound {
  readonly outbound: ServerOutboundOptions
  /** What to publish in DNS, in columns; without what needs a web server. */
  readonly records: string
  /** To be looked after. */
  readonly keys: DkimKeyStore
  /** Signing keys were made at this start. */
  readonly newKeys: boolean
}

/** Where it keeps what it must not forget. */
export interface PersonalOutboundFiles {
  readonly dkim: string
  readonly secret: string
  readonly tlsPolicies: string
  readonly tlsReports: string
}

/** Tells other domains once a day how mail in their name fared here, where they ask for it. RFC 9990 §3. */
export function dailyDmarcReports(domain: string, file: string, resolver: Resolver, server: () => MailServer): DailyDmarcReports {
  return new DailyDmarcReports({
    organisation: domain,
    email: `postmaster@${domain}`,
    resolver,
    clock: systemClock,
    random: systemRandom,
    ledger: fileDmarcReportLedger(file),
    onError: error => process.stderr.write(`reports about DMARC: ${error instanceof Error ? error.message : String(error)}\n`),
    send: async ({ to, message, key }) => {
      await server().send({ raw: message, envelope: { from: '', to }, origin: 'notification', idempotencyKey: key })
    },
  })
}

/** What a personal server asks DNS by. Throws `ConfigurationError` for a DNS server that is none. */
export function personalResolver(dns: string | undefined): Resolver {
  return cachingResolver(dns === undefined ? systemResolver() : stubResolver({ servers: [dns], dialer: socketDialer() }))
}

/** Makes the keys that are missing, and puts the options together. */
export async function personalOutbound(
  files: PersonalOutboundFiles,
  domains: readonly [string, ...string[]],
  hostname: string,
  options: PersonalOutboundOptions,
  resolver: Resolver,
): Promise<PersonalOutbound> {
  const { keyDays = 180 } = options
  const keys = await dkimKeys({
    folder: files.dkim,
    domains: [...domains],
    ...(keyDays === 0 ? {} : { rotateAfterMs: keyDays * 86_400_000 }),
    published: async record => (await keyPublication(resolver, record)) === 'published',
  })
  const [domain] = domains
  const dkim = keys.records(domain).map(({ name, text }) => ({ selector: name.slice(0, name.indexOf('._domainkey.')), record: text }))
  const rewriting = senderRewriting({ domain, secret: secretFile(files.secret), isOurs: name => domains.includes(name) })
  const minimum = options.tlsPolicy === 'require' ? 'encrypted' : 'opportunistic'
  return {
    records: tableText(recordsFor(domain, { host: hostname, dkim, webHost: false })),
    keys,
    newKeys: keys.made.includes(domain),
    outbound: {
      resolver,
      sign: dkimSigner({ keys }),
      seal: arcSealer({ domain, keys, authservId: hostname }),
      returns: { rewriting },
      tls: { minimum, cache: fileStsCache(files.tlsPolicies) },
      tlsReports: { from: `postmaster@${domain}`, organisation: domain, ledger: fileTlsReportLedger(files.tlsReports) },
      ...(options.smarthost === undefined ? {} : { smarthost: nextServer(options.smarthost, minimum) }),
      ...(options.mxPort === undefined ? {} : { port: options.mxPort }),
      ...(options.allowPrivateNetworks === true ? { allowPrivateNetworks: true } : {}),
    },
  }
}

function nextServer({ host, port, credentials }: Smarthost, minimum: 'encrypted' | 'opportunistic'): NextServer {
  return {
    host,
    port,
    ...(port === 465 ? { implicitTls: true } : {}),
    ...(credentials === undefined ? { tls: minimum } : { credentials }),
  }
}
