/** Chains of certificates for tests, made by `openssl`: Node can read certificates but not sign them. */
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsPeer } from 'mailwright/contracts'
import { requireProgram } from '../support/programs.ts'

export const noOpenssl: string | false = requireProgram('openssl')

export interface Issued {
  readonly cert: string
  readonly key: string
  readonly der: Uint8Array
}

/** An authority, and how to have it sign. */
export interface Authority extends Issued {
  readonly issue: (name: string, options?: { readonly days?: number; readonly ca?: boolean }) => Issued
}

/** Makes an authority. */
export function authority(name: string): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'chain-'))
  const run = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const read = (stem: string): Issued => {
    const cert = readFileSync(join(folder, `${stem}.pem`), 'utf8')
    return { cert, key: readFileSync(join(folder, `${stem}.key`), 'utf8'), der: new Uint8Array(new X509Certificate(cert).raw) }
  }
  const key = (stem: string): void => run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${stem}.key`)
  key('ca')
  run(
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
    '-out',
    'ca.pem',
    '-addext',
    'keyUsage=critical,keyCertSign',
  )
  const own = read('ca')
  let count = 0
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return {
    ...own,
    issue(host, { days = 2, ca = false } = {}) {
      const stem = `leaf${count++}`
      key(stem)
      writeFileSync(
        join(folder, `${stem}.ext`),
        ca ? 'basicConstraints=critical,CA:TRUE\n' : `subjectAltName=DNS:${host}\nbasicConstraints=CA:FALSE\n`,
      )
      run('req', '-new', '-key', `${stem}.key`, '-subj', `/CN=${host}`, '-out', `${stem}.csr`)
      run(
        'x509',
        '-req',
        '-in',
        `${stem}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        String(days),
        '-extfile',
        `${stem}.ext`,
        '-out',
        `${stem}.pem`,
      )
      return read(stem)
    },
  }
}

/** What a server that shows this chain looks like. */
export function shows(chain: readonly { readonly der: Uint8Array }[], more: Partial<TlsPeer> = {}): TlsPeer {
  return {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    chain: chain.map(one => one.der),
    trusted: false,
    fault: 'SELF_SIGNED_CERT_IN_CHAIN',
    ...more,
  }
}
