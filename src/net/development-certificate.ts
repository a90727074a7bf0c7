/** The certificate for development that is made on first start and kept, so that clients need to be told only once to trust it. */

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../files/folder.ts'
import { certificates } from './certificates.ts'
import type { Certificates } from './certificates.ts'
import { selfSigned } from './self-signed.ts'

const DAY = 86_400_000

/** Clients of some makers refuse certificates of more than 398 days. */
const VALID_DAYS = 397

/** Renewed this many days before its end. */
const RENEW_DAYS = 30

/**
 * The development certificate in a folder; made anew when there is none, when it ends within 30 days, or when it does not vouch for
 * one of the names. `localhost` and the loopback addresses are always among them. The key is readable by its owner only.
 */
export function developmentCertificate(folder: string, names: readonly string[]): Certificates {
  const wanted = [...new Set([...names.map(name => name.toLowerCase()), 'localhost', '127.0.0.1', '::1'])]
  const certFile = join(folder, 'development-cert.pem')
  const keyFile = join(folder, 'development-key.pem')
  const now = Date.now()
  const kept = existing(certFile, keyFile)
  const facts = kept?.facts[0]
  const serves =
    facts !== undefined && facts.notAfter - now > RENEW_DAYS * DAY && wanted.every(name => facts.names.some(have => same(have, name)))
  if (kept !== undefined && serves) return kept
  makeFolder(folder)
  const pair = selfSigned({ names: wanted, notBefore: now - DAY, notAfter: now + VALID_DAYS * DAY })
  replace(keyFile, pair.key)
  replace(certFile, pair.cert)
  return certificates([{ certFile, keyFile }])
}

function existing(certFile: string, keyFile: string): Certificates | undefined {
  try {
    return certificates([{ certFile, keyFile }])
  } catch {
    // Not there, or unusable: both are mended by making a new one.
    return undefined
  }
}

/** Node prints IPv6 addresses of certificates in full. */
function same(have: string, name: string): boolean {
  return have === name || (name === '::1' && /^(?:0:){7}1$/.test(have))
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
