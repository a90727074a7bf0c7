/** What a server's folder holds that DNS has to agree with: its signing keys and certificates. RFC 6376 §3.6.1; RFC 7672 §3.1.1. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyRecordText, parseKeyRecord } from '../dkim/index.ts'
import type { DkimRecord } from '../dns/index.ts'
import { readKeyFile } from '../outbound/signing/key-files.ts'
import { lastUserOf, personalFiles, serverName } from '../server/index.ts'

/** What is in the folder. */
export interface FolderKeys {
  /** Everything that must be published now: keys that sign, that soon will, and that did. */
  readonly dkim: readonly DkimRecord[]
  /** Selectors whose record does not belong to the private key beside it. */
  readonly unfit: readonly string[]
  /** In PEM. */
  readonly certificates: readonly string[]
  /** The name of the server, where it signs for this domain: it has one for all that it serves. */
  readonly host?: string
}

/** Reads the folder; what is not there is left out. Throws for files that are there and cannot be read. */
export async function folderKeys(data: string, domain: string): Promise<FolderKeys> {
  const keys = (await readKeyFile(personalFiles(data).dkim, domain)) ?? []
  const lastUser = lastUserOf(data)
  return {
    ...(keys.length === 0 || lastUser === undefined ? {} : { host: serverName(lastUser.slice(lastUser.lastIndexOf('@') + 1)) }),
    dkim: keys.map(({ selector, record }) => ({ selector, record })),
    unfit: keys
      .filter(({ record, privateKey }) => privateKey !== undefined && !belongs(record, privateKey))
      .map(({ selector }) => selector),
    certificates: certificatesIn(personalFiles(data).tls),
  }
}

/** Whether the record makes this private key's public half known. */
function belongs(record: string, privateKey: string): boolean {
  const [published, own] = [parseKeyRecord(record), parseKeyRecord(keyRecordText(createPrivateKey(privateKey)))]
  return typeof published !== 'string' && typeof own !== 'string' && published.publicKey.equals(own.publicKey)
}

function certificatesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => name.endsWith('-cert.pem'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .filter(isCertificate)
}

/** What is none is the doctor's to tell. */
function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== ''
  } catch {
    return false
  }
}
