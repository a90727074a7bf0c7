/** A certificate for tests, and the hash of its key as TLSA has it. RFC 6698 §2.1. */
import { createHash, createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { developmentCertificate } from 'mailwright/net'

export interface TestCertificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
  /** SHA-256 over the public key, in hexadecimal. */
  readonly keyHash: string
}

export function testCertificate(...names: readonly string[]): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-certificate-'))
  try {
    developmentCertificate(folder, names).close()
    const [cert, key] = ['development-cert.pem', 'development-key.pem'].map(name => readFileSync(join(folder, name), 'utf8'))
    if (cert === undefined || key === undefined) throw new Error('no certificate was made')
    const der = createPublicKey(key).export({ type: 'spki', format: 'der' })
    return { cert, key, keyHash: createHash('sha256').update(der).digest('hex') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
