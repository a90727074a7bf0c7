/** The only room that knows sockets: listeners, TLS, certificates, the PROXY protocol and connection limits. RFC 8314; RFC 9325. */

export { Certificates, certificates } from './certificates.ts'
export type { CertificateFacts, CertificateOptions, CertificateSource } from './certificates.ts'
export { ConnectionCounter } from './connection-limits.ts'
export type { ConnectionLimits } from './connection-limits.ts'
export { developmentCertificate } from './development-certificate.ts'
export { networkList } from './ip.ts'
export type { NetworkList } from './ip.ts'
export { listen } from './listener.ts'
export type { AcceptedSocket, Listener, ListenOptions } from './listener.ts'
export { systemClock, systemRandom } from './system.ts'
export { socketTransport } from './transport.ts'
export type { Ends, TransportSettings } from './transport.ts'
