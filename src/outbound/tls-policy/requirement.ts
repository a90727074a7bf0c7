/** What TLS must be like towards one host, and what came of it. RFC 3207 §4.1; RFC 7435 §3; RFC 8460 §4.3. */

import type { TlsPeer } from '../../contracts/index.ts'

/** How much is asked of a connection. */
export type TlsLevel =
  /** TLS is not begun: for neighbours on one's own network. */
  | 'none'
  /** TLS where it is offered, with any certificate; else in the clear. RFC 7435 §3. */
  | 'opportunistic'
  /** TLS with any certificate; never in the clear. */
  | 'encrypted'
  /** TLS with a certificate that {@link TlsRequirement.verify} finds no fault with. */
  | 'verified'

/** Which policy asks for it. */
export type TlsPolicySource = 'dane' | 'sts' | 'pin' | 'requiretls' | 'settings' | 'none'

/** What can go wrong, in the words of reports. RFC 8460 §4.3. */
export type TlsResultType =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'dane-required'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid'

/** A failure of TLS, or of the policy about it. */
export interface TlsFailure {
  readonly type: TlsResultType
  /** One line for the operator and for the report's `failure-reason-code`. */
  readonly text: string
}

/** What is asked of TLS towards one host. */
export interface TlsRequirement {
  readonly level: TlsLevel
  readonly source: TlsPolicySource
  /** SNI, and the name that the certificate is held against. */
  readonly serverName: string
  /** Trusted certificate authorities in PEM. Default: the system's. */
  readonly ca?: string | readonly string[]
  /**
   * What is wrong with the certificate, if anything. Decides at the level `verified`; below it, what it finds is only
   * reported (MTA-STS in the mode `testing`, RFC 8461 §5).
   */
  readonly verify?: (peer: TlsPeer) => TlsFailure | undefined
}

/** How TLS went on one connection. */
export interface TlsOutcome {
  readonly encrypted: boolean
  /** The certificate satisfied {@link TlsRequirement.verify}, which was there. */
  readonly verified: boolean
  readonly failure?: TlsFailure
}

/** Opportunistic towards a host: what there is without any policy. */
export function opportunistic(serverName: string): TlsRequirement {
  return { level: 'opportunistic', source: 'none', serverName }
}

/** What is wrong with a certificate that must lead to a trusted authority and bear the host's name. RFC 5280 §6; RFC 9525 §6. */
export function pkixFailure(peer: TlsPeer): TlsFailure | undefined {
  if (peer.trusted) return undefined
  const text = peer.fault ?? 'not trusted'
  if (text === 'ERR_TLS_CERT_ALTNAME_INVALID') return { type: 'certificate-host-mismatch', text }
  if (text === 'CERT_HAS_EXPIRED' || text === 'CERT_NOT_YET_VALID') return { type: 'certificate-expired', text }
  return { type: 'certificate-not-trusted', text }
}
