/** A domain and its server made of fakes, for the doctor: a zone, scripted connections and a page. RFC 5321 §4.2. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { MailError } from 'mailwright/contracts'
import type { ClientConnection, Dialer, TlsPeer } from 'mailwright/contracts'
import { recordsFor } from 'mailwright/dns'
import type { DomainRecords, RecordsOptions } from 'mailwright/dns'
import { fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { gatherFacts, judge } from '../../src/cli/doctor/examine.ts'
import type { Patient } from '../../src/cli/doctor/examine.ts'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { selfSigned } from '../../src/net/self-signed.ts'

/** Answers of a server to the lines it is sent; the first is the greeting. `undefined`: silence. */
export type Script = (line: string) => string | undefined

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

/** A dialer to servers by `address:port`; everything else refuses. */
export function fakeDialer(servers: Readonly<Record<string, { readonly script: Script; readonly tls?: TlsPeer }>>): Dialer {
  return {
    async dial({ address, port }) {
      const server = servers[`${address}:${port}`]
      if (server === undefined) throw new MailError('unavailable', `connect ECONNREFUSED ${address}:${port}`)
      return connection(server.script, server.tls, address, port)
    },
  }
}

function connection(script: Script, tls: TlsPeer | undefined, address: string, port: number): ClientConnection {
  const waiting: string[] = []
  let isSecure = false
  const greet = (): void => {
    const greeting = script('')
    if (greeting !== undefined) waiting.push(`${greeting}\r\n`)
  }
  // With TLS from the start nothing is said before it.
  const isImplicit = port === 465 || port === 993 || port === 995
  if (!isImplicit) greet()
  return {
    remote: { address, port },
    local: { address: '203.0.113.9', port: 40_000 },
    tls: undefined,
    signal: new AbortController().signal,
    async read() {
      const next = waiting.shift()
      return next === undefined ? 'timeout' : octets(next)
    },
    write(data) {
      for (const line of Buffer.from(data).toString('latin1').split('\r\n').slice(0, -1)) {
        const answer = script(line)
        if (answer !== undefined) waiting.push(`${answer}\r\n`)
      }
      return undefined
    },
    async secure() {
      if (tls === undefined) throw new MailError('unavailable', 'TLS handshake: wrong version number')
      if (isImplicit && !isSecure) greet()
      isSecure = true
      return tls
    },
    end() {},
    destroy() {},
  }
}

/** A well-behaved SMTP server. */
export const smtp: Script = line => {
  if (line === '') return '220 mail.example.org ESMTP'
  if (line.startsWith('EHLO')) return '250-mail.example.org\r\n250-PIPELINING\r\n250 STARTTLS'
  if (/^RCPT TO:<(?:postmaster|abuse)@example\.org>$/.test(line)) return '250 2.1.5 fine'
  if (line.startsWith('RCPT')) return '550 5.7.1 no relaying'
  return line === 'STARTTLS' ? '220 go' : '250 fine'
}
export const imap: Script = line => (line === '' ? '* OK ready' : undefined)
export const pop3: Script = line => (line === '' ? '+OK ready' : undefined)

export const NOW: number = Date.UTC(2026, 10, 24)
const DAY = 86_400_000

/** What TLS shows: a certificate for these names, of these days. */
export function shows(names: readonly string[], days: readonly [from: number, to: number] = [-10, 60], fault?: string): TlsPeer {
  const { cert } = selfSigned({ names, notBefore: NOW + days[0] * DAY, notAfter: NOW + days[1] * DAY })
  const chain = [new Uint8Array(new X509Certificate(cert).raw)]
  return { version: 'TLSv1.3', cipher: 'x', chain, trusted: fault === undefined, ...(fault === undefined ? {} : { fault }) }
}

/** The records as a fake zone has them. */
export function zoneOf({ records }: DomainRecords): Record<string, FakeRecords> {
  const zone: Record<string, FakeRecords> = {}
  for (const record of records) {
    const name = record.type === 'PTR' ? ADDRESS : record.name
    const old = zone[name] ?? {}
    const more = { ...old }
    if (record.type === 'A') Object.assign(more, { a: [...(old.a ?? []), record.value] })
    else if (record.type === 'TXT') Object.assign(more, { txt: [...(old.txt ?? []), record.value] })
    else if (record.type === 'CNAME') Object.assign(more, { cname: record.value })
    else if (record.type !== 'AAAA') Object.assign(more, { [record.type.toLowerCase()]: [record.value] })
    zone[name] = more
  }
  return zone
}

export const ADDRESS: string = '8.8.4.25'
export const PEER: TlsPeer = shows(['mail.example.org'])
export const KEY: string = `v=DKIM1; k=ed25519; p=${Buffer.from('11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=', 'base64').toString('base64')}`
const OPTIONS: RecordsOptions = { ipv4: [ADDRESS], dkim: [{ selector: 'k1', record: KEY }], mtaSts: { mode: 'enforce' } }

/** What is different from a domain that is well. */
export interface Changes {
  /** Over the records that would be right; `undefined` takes a name away. */
  readonly zone?: Readonly<Record<string, FakeRecords | undefined>>
  readonly records?: RecordsOptions
  readonly patient?: Partial<Patient>
  readonly servers?: Parameters<typeof fakeDialer>[0]
  readonly page?: { readonly status?: number; readonly text?: string; readonly type?: string; readonly date?: number } | Error
}

/** Examines `example.org`, which is well but for the changes. */
export async function examine(changes: Changes = {}): Promise<readonly Finding[]> {
  const options = { ...OPTIONS, ...changes.records }
  const expected = recordsFor('example.org', {
    ...OPTIONS,
    ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
  })
  const zone = zoneOf(expected)
  const resolver = fakeResolver({}, { authentic: true })
  for (const [name, records] of Object.entries({ ...zone, ...changes.zone })) resolver.set(name, records)
  const at = (port: number): string => `${ADDRESS}:${port}`
  const dialer = fakeDialer({
    [at(25)]: { script: smtp, tls: PEER },
    [at(587)]: { script: smtp, tls: PEER },
    [at(465)]: { script: smtp, tls: PEER },
    [at(993)]: { script: imap, tls: PEER },
    [at(995)]: { script: pop3, tls: PEER },
    ...changes.servers,
  })
  const { page = {} } = changes
  const facts = await gatherFacts(
    {
      domain: 'example.org',
      records: options,
      ports: { smtp: 25, submission: 587, submissions: 465, imaps: 993, pop3s: 995 },
      mailbox: 'no mailbox in this test',
      ...changes.patient,
    },
    {
      resolver,
      dialer,
      now: () => NOW,
      timeoutMs: 1000,
      fetch: async () => {
        if (page instanceof Error) throw page
        const { status = 200, text = expected.pages[0]?.text ?? '', type = 'text/plain', date = NOW } = page
        return { status, headers: { 'content-type': type, date: new Date(date).toUTCString() }, body: octets(text) }
      },
    },
  )
  return judge(facts)
}

/** What is said of one thing, as `level: found`. */
export function said(findings: readonly Finding[], check: string): string {
  return findings
    .filter(finding => finding.check === check)
    .map(({ level, found }) => `${level}: ${found}`)
    .join('\n')
}

/** A table of changes, the check that they concern, and what is said then. */
export type Row = readonly [name: string, changes: Changes, check: string, said: RegExp]

export async function holds(rows: readonly Row[]): Promise<void> {
  for (const [name, changes, check, text] of rows) {
    const heard = said(await examine(changes), check)
    assert.match(heard, text, name)
  }
}
