/** Certificates by DNS: what a secured zone says that a mail server must show. RFC 6698 §2, §4.1; RFC 7671 §5; RFC 7672 §2, §3. */

import { createHash, X509Certificate } from 'node:crypto'
import { sameBytes } from '../../bytes/ascii.ts'
import type { CallOptions, Resolver, TlsaRecord, TlsPeer } from '../../contracts/index.ts'
import type { TlsFailure } from './requirement.ts'

/** What TLSA records ask for. */
export type Dane =
  /** There are none, or DNS does not vouch for them: DANE has no say. */
  | { readonly kind: 'none' }
  /** There are some, but none that mail uses: TLS, with any certificate. RFC 7672 §2.2. */
  | { readonly kind: 'unusable'; readonly records: readonly TlsaRecord[] }
  | { readonly kind: 'usable'; readonly records: readonly TlsaRecord[] }

/** DANE-TA: an authority of the chain. */
const AUTHORITY = 2
/** DANE-EE: the server's own certificate or key. */
const END_ENTITY = 3

/**
 * Asks for the TLSA records of a server. Only to be called when the answers about MX and addresses were authentic (RFC 7672
 * §2.2.1, §2.2.2). Throws what the resolver throws: the host is not used then (RFC 7672 §2.1.2).
 */
export async function daneOf(host: string, port: number, resolver: Resolver, call: CallOptions): Promise<Dane> {
  const { records, authentic } = await resolver.tlsa(`_${port}._tcp.${host}`, call)
  if (!authentic || records.length === 0) return { kind: 'none' }
  const usable = records.filter(record => isUsable(record))
  return usable.length === 0 ? { kind: 'unusable', records } : { kind: 'usable', records: usable }
}

/** RFC 7672 §3.1.3: the usages 0 and 1 mean nothing in mail; parameters that nobody knows make a record unusable (RFC 6698 §4.1). */
function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if ((usage !== AUTHORITY && usage !== END_ENTITY) || selector > 1) return false
  if (matchingType === 1) return data.length === 32
  if (matchingType === 2) return data.length === 64
  return matchingType === 0 && data.length > 0
}

/** What is wrong with the certificates that a server showed. `names`: those that it may go by with DANE-TA (RFC 7672 §3.2.2). */
export function daneFailure(peer: TlsPeer, records: readonly TlsaRecord[], names: readonly string[], now: number): TlsFailure | undefined {
  const chain = certificatesOf(peer)
  const [leaf] = chain
  if (leaf === undefined) return { type: 'validation-failure', text: 'the server showed no certificate that can be read' }
  // RFC 7671 §5.1: with DANE-EE neither names nor dates count.
  if (records.some(record => record.usage === END_ENTITY && matches(leaf, record))) return undefined
  const anchors = records.filter(record => record.usage === AUTHORITY)
  if (anchors.length === 0) return { type: 'validation-failure', text: 'no TLSA record matches the certificate' }
  let failure: TlsFailure = { type: 'validation-failure', text: 'no TLSA record matches a certificate of the chain' }
  for (const [at, certificate] of chain.entries()) {
    if (!anchors.some(record => matches(certificate, record))) continue
    const found = chainFailure(chain.slice(0, at + 1), names, now)
    if (found === undefined) return undefined
    failure = found
  }
  return failure
}

/** The chain as Node reads it; empty when one of it cannot be read. */
export function certificatesOf(peer: TlsPeer): X509Certificate[] {
  try {
    return peer.chain.map(der => new X509Certificate(der))
  } catch {
    // A certificate that Node cannot read vouches for nobody.
    return []
  }
}

/** RFC 6698 §2.1.2, §2.1.3. */
function matches(certificate: X509Certificate, { selector, matchingType, data }: TlsaRecord): boolean {
  const selected = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const shown =
    matchingType === 0
      ? selected
      : createHash(matchingType === 1 ? 'sha256' : 'sha512')
          .update(selected)
          .digest()
  return sameBytes(shown, data)
}

/** From the server's certificate to an authority that the zone names: each signed by the next, in its time, for one of the names. RFC 7671 §5.2. */
export function chainFailure(chain: readonly X509Certificate[], names: readonly string[], now: number): TlsFailure | undefined {
  for (const [at, certificate] of chain.entries()) {
    if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now)
      return { type: 'certificate-expired', text: `a certificate is valid from ${certificate.validFrom} to ${certificate.validTo}` }
    const issuer = chain[at + 1]
    if (issuer === undefined) continue
    if (!issuer.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return { type: 'certificate-not-trusted', text: 'the chain does not lead to the authority of the TLSA record' }
  }
  const [leaf] = chain
  const named = names.some(name => leaf?.checkHost(name, { partialWildcards: false }) !== undefined)
  return named ? undefined : { type: 'certificate-host-mismatch', text: `the certificate is not for ${names.join(' or ')}` }
}

/** Records as reports show them. RFC 8460 §4.4 `policy-string`. */
export function tlsaText({ usage, selector, matchingType, data }: TlsaRecord): string {
  return `${usage} ${selector} ${matchingType} ${Buffer.from(data).toString('hex')}`
}
