/** Connects to each port as its clients would, and looks at what is shown. RFC 5321 §4.1.1.1; RFC 3207 §4; RFC 9051 §6.2.1; RFC 2595 §4; RFC 8314 §3. */

import { MailError } from '../../contracts/index.ts'
import type { ClientTls, Dialer } from '../../contracts/index.ts'
import type { DoorFacts, DoorKind, RelayFacts, RoleFacts, SeenDoor, SeenTls } from './facts.ts'
import { known } from './finding.ts'
import type { Known } from './finding.ts'
import { printable, Talk } from './talk.ts'

/** How to look. */
export interface LookOptions {
  readonly dialer: Dialer
  /** The server's name. */
  readonly host: string
  readonly ports: { readonly [Door in DoorKind]?: number }
  /** Certificate authorities that are trusted beside the system's, in PEM. */
  readonly ca?: readonly string[]
  /** Milliseconds for each answer. Default 10,000. */
  readonly timeoutMs?: number
}

/** Looks at every door of every address. */
export async function gatherDoors(addresses: readonly string[], options: LookOptions): Promise<readonly DoorFacts[]> {
  const looks = addresses.flatMap(address =>
    Object.entries(options.ports).map(async ([name, port]): Promise<DoorFacts> => {
      const door = name as DoorKind
      return { door, address, port, seen: await known(() => look(door, address, port, options)) }
    }),
  )
  return Promise.all(looks)
}

async function look(door: DoorKind, address: string, port: number, options: LookOptions): Promise<SeenDoor> {
  const { dialer, host, ca, timeoutMs = 10_000 } = options
  const tls: ClientTls = { serverName: host, timeoutMs, ...(ca === undefined ? {} : { ca }) }
  const talk = await Talk.begin(dialer, address, port, timeoutMs)
  try {
    if (door === 'smtp' || door === 'submission') return await lookSmtp(talk, tls)
    if (door === 'imap') return await lookLines(talk, tls, IMAP)
    if (door === 'pop3') return await lookLines(talk, tls, POP3)
    const seen = await known(() => secured(talk, tls))
    if (!seen.ok) return { encryption: 'implicit', tls: seen }
    const greeting = await talk.line()
    const isRight = door === 'submissions' ? /^220/ : door === 'imaps' ? IMAP.greets : POP3.greets
    if (!isRight.test(greeting)) throw new MailError('unavailable', `something else answers there: "${printable(greeting)}"`)
    return { encryption: 'implicit', tls: seen }
  } finally {
    await talk.leave(door.startsWith('imap') ? 'a9 LOGOUT' : 'QUIT')
  }
}

/** How a protocol says what it can, and begins TLS. */
interface LineProtocol {
  readonly greets: RegExp
  readonly ask: string
  readonly isLast: (line: string) => boolean
  readonly offers: RegExp
  readonly begin: string
  readonly begins: RegExp
}

const IMAP: LineProtocol = {
  greets: /^\* (?:OK|PREAUTH)/,
  ask: 'a1 CAPABILITY',
  isLast: line => line.startsWith('a1 '),
  offers: /\bSTARTTLS\b/i,
  begin: 'a2 STARTTLS',
  begins: /^a2 OK/,
}

const POP3: LineProtocol = {
  greets: /^\+OK/,
  ask: 'CAPA',
  isLast: line => line === '.' || line.startsWith('-'),
  offers: /^STLS\b/im,
  begin: 'STLS',
  begins: /^\+OK/,
}

async function lookSmtp(talk: Talk, tls: ClientTls): Promise<SeenDoor> {
  const greeting = await talk.reply()
  if (greeting.code !== 220) throw new MailError('unavailable', `it greets with ${greeting.code} ${greeting.lines.join(' ')}`)
  const { code, lines } = await talk.ask(`EHLO ${talk.literal}`)
  // RFC 5321 §4.1.1.1: the first word is the server's name.
  const greets = (lines[0] ?? '').split(' ')[0] ?? ''
  if (code !== 250 || !lines.slice(1).some(line => /^STARTTLS$/i.test(line))) return { greets, encryption: 'none' }
  const begin = await talk.ask('STARTTLS')
  if (begin.code !== 220) return { greets, encryption: 'offered', tls: { ok: false, why: `it answered STARTTLS with ${begin.code}` } }
  return { greets, encryption: 'offered', tls: await known(() => secured(talk, tls)) }
}

/** IMAP and POP3: a greeting, what the server can, and TLS where that is among it. */
async function lookLines(talk: Talk, tls: ClientTls, protocol: LineProtocol): Promise<SeenDoor> {
  const greeting = await talk.line()
  if (!protocol.greets.test(greeting)) throw new MailError('unavailable', `something else answers there: "${printable(greeting)}"`)
  await talk.say(protocol.ask)
  if (!protocol.offers.test((await talk.lines(protocol.isLast)).join('\n'))) return { encryption: 'none' }
  await talk.say(protocol.begin)
  const answer = await talk.line()
  if (!protocol.begins.test(answer))
    return { encryption: 'offered', tls: { ok: false, why: `it refused to begin: "${printable(answer)}"` } }
  return { encryption: 'offered', tls: await known(() => secured(talk, tls)) }
}

async function secured(talk: Talk, tls: ClientTls): Promise<SeenTls> {
  const { version, trusted, fault, chain } = await talk.secure(tls)
  return { version, trusted, chain, ...(fault === undefined ? {} : { fault }) }
}

/**
 * Tries to talk the server into mail for others, one attempt a connection, and never sends any: the last command is RCPT. RFC 5321
 * §3.6.2, §7.9; RFC 5321 §F.2 for source routes.
 */
export async function gatherRelay(address: string, domain: string, options: LookOptions): Promise<Known<readonly RelayFacts[]>> {
  const { dialer, ports, timeoutMs = 10_000 } = options
  const port = ports.smtp
  if (port === undefined) return { ok: false, why: 'there is no port for other servers to look at' }
  return known(() => attempts(dialer, address, port, timeoutMs, relayForms(domain)))
}

/** Asks whether the addresses are taken that a domain must have, from the null sender as reports and bounces do. RFC 5321 §4.5.1; RFC 2142 §4. */
export async function gatherRoles(address: string, domain: string, options: LookOptions): Promise<Known<readonly RoleFacts[]>> {
  const { dialer, ports, timeoutMs = 10_000 } = options
  const port = ports.smtp
  if (port === undefined) return { ok: false, why: 'there is no port for other servers to look at' }
  const roles = ['postmaster', 'abuse'].map(role => `${role}@${domain}`)
  return known(async () => {
    const facts = await attempts(
      dialer,
      address,
      port,
      timeoutMs,
      roles.map(role => ['<>', `<${role}>`]),
    )
    return facts.map(({ reply, accepted }, at) => ({ address: roles[at] ?? '', reply, accepted }))
  })
}

/** One connection for each, so that refusals of one do not count against the next. */
async function attempts(
  dialer: Dialer,
  address: string,
  port: number,
  timeoutMs: number,
  forms: readonly (readonly [sender: string, recipient: string])[],
): Promise<readonly RelayFacts[]> {
  const facts: RelayFacts[] = []
  for (const [sender, recipient] of forms) {
    const talk = await Talk.begin(dialer, address, port, timeoutMs)
    try {
      facts.push(await attempt(talk, sender, recipient))
    } finally {
      await talk.leave('QUIT')
    }
  }
  return facts
}

async function attempt(talk: Talk, sender: string, recipient: string): Promise<RelayFacts> {
  const form = `${recipient} from ${sender}`
  for (const [wanted, ask] of [
    [220, () => talk.reply()],
    [250, () => talk.ask(`EHLO ${talk.literal}`)],
    [250, () => talk.ask(`MAIL FROM:${sender}`)],
  ] as const) {
    const { code, lines } = await ask()
    if (code !== wanted) return { form, reply: `${code} ${lines.join(' ')}`, accepted: false }
  }
  const { code, lines } = await talk.ask(`RCPT TO:${recipient}`)
  return { form, reply: `${code} ${lines.join(' ')}`, accepted: code >= 250 && code < 300 }
}

/** Senders and recipients that each once opened some server. `example.net` never has mailboxes (RFC 2606 §3). */
function relayForms(domain: string): readonly (readonly [sender: string, recipient: string])[] {
  const stranger = '<doctor@example.com>'
  return [
    [stranger, '<someone@example.net>'],
    ['<>', '<someone@example.net>'],
    [`<postmaster@${domain}>`, '<someone@example.net>'],
    [stranger, `<someone%example.net@${domain}>`],
    [stranger, `<example.net!someone@${domain}>`],
    [stranger, `<"someone@example.net"@${domain}>`],
    [stranger, `<@${domain}:someone@example.net>`],
  ]
}
