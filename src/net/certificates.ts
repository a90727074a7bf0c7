/** The certificates of a server: several, chosen by the name the client asks for, exchanged without a restart. RFC 6066 §3; RFC 9525 §6.3. */

import { X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { ConfigurationError } from '../contracts/index.ts'
import { DEVELOPMENT_LABEL } from './self-signed.ts'

/** Where a certificate with its chain and its private key come from: files, or the PEM texts themselves. */
export type CertificateSource =
  | { readonly certFile: string; readonly keyFile: string; readonly passphrase?: string }
  | { readonly cert: string; readonly key: string; readonly passphrase?: string }

/** Options of {@link certificates}. */
export interface CertificateOptions {
  /** Read the files again when they change (looked at every ten seconds). Default: only when `reload` is called. */
  readonly watch?: boolean
  /** Told when files that changed could not be used; the certificates in use stay. Default: ignored. */
  readonly onError?: (error: unknown) => void
}

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** DNS names and IP addresses that it vouches for. */
  readonly names: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  /** It is a self-made one for development, which no client trusts by itself. */
  readonly development: boolean
  /** SHA-256 over the certificate, in hexadecimal with colons. */
  readonly fingerprint: string
  /** File that it was read from. */
  readonly file?: string
}

interface Loaded {
  readonly facts: CertificateFacts
  readonly context: SecureContext
}

const WATCH_INTERVAL = 10_000

/** Certificates in use. Made by {@link certificates}. */
export class Certificates {
  readonly #sources: readonly CertificateSource[]
  readonly #watched: readonly string[]
  #loaded: readonly [Loaded, ...Loaded[]]

  /** @internal */
  constructor(sources: readonly CertificateSource[], options: CertificateOptions) {
    this.#sources = sources
    this.#loaded = loadAll(sources)
    this.#watched = options.watch === true ? sources.flatMap(source => ('certFile' in source ? [source.certFile, source.keyFile] : [])) : []
    const onChange = (): void => {
      try {
        this.reload()
      } catch (error) {
        options.onError?.(error)
      }
    }
    for (const file of this.#watched) watchFile(file, { interval: WATCH_INTERVAL, persistent: false }, onChange)
  }

  /** What each certificate says of itself, in the order they were given. */
  get facts(): readonly CertificateFacts[] {
    return this.#loaded.map(loaded => loaded.facts)
  }

  /** What to use for a client that asks for this name: the first that fits, else the first of all. */
  contextFor(serverName: string | undefined): SecureContext {
    if (serverName === undefined || serverName === '') return this.#loaded[0].context
    // Some clients send the name with its final dot, which RFC 6066 §3 does not allow and nobody minds.
    const name = serverName.toLowerCase().replace(/\.$/, '')
    return (this.#loaded.find(loaded => loaded.facts.names.some(pattern => fits(pattern, name))) ?? this.#loaded[0]).context
  }

  /**
   * Reads all files again. New handshakes use what was read; open connections keep what they have. Throws
   * `ConfigurationError` when something cannot be used, and then nothing changes.
   */
  reload(): void {
    this.#loaded = loadAll(this.#sources)
  }

  /** Stops watching the files. */
  close(): void {
    for (const file of this.#watched) unwatchFile(file)
  }
}

/**
 * Reads certificates and their keys. Throws `ConfigurationError` with the code `MW_CERTIFICATE_UNREADABLE` for files that
 * cannot be read, `MW_CERTIFICATE_INVALID` for what is no certificate or does not fit its key.
 *
 * @example
 * ```ts
 * import { certificates } from 'mailwright/net'
 *
 * const tls = certificates([{ certFile: '/etc/ssl/mail.example.org.pem', keyFile: '/etc/ssl/mail.example.org.key' }], { watch: true })
 * console.log(tls.facts[0]?.names)
 * ```
 */
export function certificates(sources: readonly CertificateSource[], options: CertificateOptions = {}): Certificates {
  return new Certificates(sources, options)
}

/** RFC 9525 §6.3: a wildcard stands for the whole first label, and for one label only. */
function fits(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name
  const dot = name.indexOf('.')
  return dot > 0 && name.slice(dot) === pattern.slice(1)
}

function loadAll(sources: readonly CertificateSource[]): readonly [Loaded, ...Loaded[]] {
  const [first, ...rest] = sources
  if (first === undefined) throw new ConfigurationError('MW_CERTIFICATE_INVALID', 'there must be at least one certificate')
  return [load(first), ...rest.map(source => load(source))]
}

function load(source: CertificateSource): Loaded {
  const cert = 'certFile' in source ? readPem(source.certFile) : source.cert
  const key = 'certFile' in source ? readPem(source.keyFile) : source.key
  const passphrase = source.passphrase === undefined ? {} : { passphrase: source.passphrase }
  try {
    // RFC 8996 §4, §5: TLS 1.0 and 1.1 MUST NOT be used.
    const context = createSecureContext({ cert, key, ...passphrase, minVersion: 'TLSv1.2', honorCipherOrder: true })
    return { facts: factsOf(new X509Certificate(cert), 'certFile' in source ? source.certFile : undefined), context }
  } catch (error) {
    const where = 'certFile' in source ? `${source.certFile} with ${source.keyFile}` : 'the given PEM texts'
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError('MW_CERTIFICATE_INVALID', `cannot use ${where} as a certificate and its key: ${why}`, { cause: error })
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigurationError('MW_CERTIFICATE_UNREADABLE', `cannot read ${file}`, { cause: error })
  }
}

function factsOf(certificate: X509Certificate, file: string | undefined): CertificateFacts {
  const alternatives = certificate.subjectAltName ?? ''
  const names = Array.from(alternatives.matchAll(/(?:DNS|IP Address):([^,\s"]+)/g), match => (match[1] ?? '').toLowerCase())
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return {
    names: names.length > 0 || commonName === undefined ? names : [commonName.toLowerCase()],
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    development: certificate.subject.includes(`O=${DEVELOPMENT_LABEL}`),
    fingerprint: certificate.fingerprint256,
    ...(file === undefined ? {} : { file }),
  }
}
