/** Can others connect, and is TLS what it should be: ports, encryption, names and expiry. RFC 8314 §3, §4; RFC 3207 §4; RFC 9525 §6; RFC 5280 §4.1.2.5. */

import { X509Certificate } from 'node:crypto'
import type { DoorFacts, DoorKind, Facts, SeenTls } from './facts.ts'
import type { Finding } from './finding.ts'

const DAY = 86_400_000
/** Authorities renew a month before the end; whoever is later has an automation that stopped. */
const SOON = 14 * DAY

const NAMES: Readonly<Record<DoorKind, string>> = {
  smtp: 'SMTP (mail from other servers)',
  submission: 'submission (clients send, STARTTLS)',
  submissions: 'submission (clients send, TLS)',
  imap: 'IMAP (STARTTLS)',
  imaps: 'IMAP (TLS)',
  pop3: 'POP3 (STARTTLS)',
  pop3s: 'POP3 (TLS)',
}

/** Everything about ports. */
export function checkDoors(facts: Facts): readonly Finding[] {
  if (facts.doors.length === 0) {
    const found = 'could not be checked: there is no address to connect to'
    return [
      { check: 'port', level: 'note', looked: 'ports', found, todo: 'publish the address, or name one: --ipv4, --ipv6', unchecked: true },
    ]
  }
  return facts.doors.flatMap(door => checkDoor(door, facts))
}

/** The machine that asks has no way there; that says nothing of the server. */
const NO_WAY = /ENETUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT/

function checkDoor({ door, address, port, seen }: DoorFacts, facts: Facts): readonly Finding[] {
  const looked = `port ${port} of ${address}, ${NAMES[door]}`
  const common = { check: 'port', looked } as const
  if (!seen.ok) {
    if (NO_WAY.test(seen.why)) return [{ ...common, level: 'note', found: `could not be checked: ${seen.why}`, unchecked: true }]
    return [
      {
        ...common,
        level: door === 'smtp' ? 'fault' : 'warning',
        found: `no connection: ${plainReason(seen.why)}`,
        todo: howToOpen(door, port),
      },
    ]
  }
  const { encryption, tls } = seen.value
  if (encryption === 'none') {
    const level = door === 'smtp' ? 'warning' : 'fault'
    const found =
      door === 'smtp'
        ? 'no STARTTLS is offered: everybody on the way can read the mail'
        : 'no STARTTLS is offered: passwords cross the network in the clear'
    return [{ ...common, level, found, todo: 'give the server a certificate' }]
  }
  if (tls?.ok === false)
    return [
      {
        ...common,
        level: 'fault',
        found: `TLS does not begin: ${tls.why}`,
        todo: 'look at the log of the server, and at its certificate and key',
      },
    ]
  if (tls === undefined) return [{ ...common, level: 'ok', found: 'answers' }]
  const faults = checkCertificate(door, tls.value, facts)
  if (faults.length > 0) return faults.map(fault => ({ ...common, ...fault }))
  const how = encryption === 'offered' ? 'answers, with STARTTLS to' : 'answers, with'
  return [{ ...common, level: 'ok', found: `${how} ${tls.value.version}; certificate for ${facts.expected.host}${untilText(tls.value)}` }]
}

/** What systems say in their own words. */
function plainReason(why: string): string {
  const said = why.replace(/^connection to \S+ port \d+: /, '')
  if (said.includes('ECONNREFUSED')) return 'nobody listens there'
  return /EHOSTUNREACH|EHOSTDOWN/.test(said) ? 'no machine answers there' : said
}

function howToOpen(door: DoorKind, port: number): string {
  const firewall = `see that the server runs and that no firewall closes port ${port}`
  return door === 'smtp'
    ? `${firewall}; from a home network or a rented machine port 25 is often closed by the provider: ask for it to be opened, or look from elsewhere`
    : `${firewall}; if you do not offer this service, take its SRV record out`
}

type Fault = Pick<Finding, 'level' | 'found' | 'todo'>

/** RFC 7672 §3.1.3 and RFC 8461 §4.2 say when other servers look at names and dates; clients always do. */
function checkCertificate(door: DoorKind, { chain, trusted, fault }: SeenTls, { expected, now }: Facts): readonly Fault[] {
  const [der] = chain
  if (der === undefined) return [{ level: 'fault', found: 'it shows no certificate', todo: 'give the server a certificate' }]
  const certificate = new X509Certificate(der)
  const { host } = expected
  const isForClients = door !== 'smtp'
  const renew = `renew the certificate for ${host}; one of a public authority costs nothing and can be renewed by a program`
  const until = certificate.validToDate.getTime()
  if (until < now) return [{ level: 'fault', found: `its certificate ended on ${day(until)}`, todo: renew }]
  if (certificate.validFromDate.getTime() > now)
    return [
      {
        level: 'fault',
        found: `its certificate begins only on ${day(certificate.validFromDate.getTime())}`,
        todo: 'look at the clock of this machine and of the server',
      },
    ]
  if (certificate.checkHost(host) === undefined) {
    const names = certificate.subjectAltName?.replaceAll('DNS:', '') ?? 'nobody'
    return [
      { level: isForClients ? 'fault' : 'warning', found: `its certificate is for ${names}, not for ${host}`, todo: `get one for ${host}` },
    ]
  }
  const findings: Fault[] = []
  if (!trusted) {
    const text =
      fault === 'DEPTH_ZERO_SELF_SIGNED_CERT' ? 'its certificate signs itself' : `its certificate is not trusted (${fault ?? 'unknown'})`
    const meaning = isForClients ? 'clients warn of it or refuse' : 'others encrypt but cannot tell who they talk to'
    findings.push({
      level: isForClients ? 'warning' : 'note',
      found: `${text}: ${meaning}`,
      todo: `get a certificate for ${host} from a public authority, with its chain`,
    })
  }
  if (until < now + SOON) findings.push({ level: 'warning', found: `its certificate ends on ${day(until)}`, todo: renew })
  return findings
}

function untilText({ chain }: SeenTls): string {
  const [der] = chain
  return der === undefined ? '' : `, until ${day(new X509Certificate(der).validToDate.getTime())}`
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
