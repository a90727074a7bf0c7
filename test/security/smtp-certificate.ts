/** A certificate for the moment of a test. */
import { certificates } from 'mailwright/net'
import type { Certificates } from 'mailwright/net'
import { selfSigned } from '../../src/net/self-signed.ts'

export function testCertificates(): Certificates {
  return certificates([selfSigned({ names: ['localhost'], notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 })])
}
