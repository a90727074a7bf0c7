/** `mailwright doctor`: looks at a server's folder, at what DNS says of its domain and at what the network sees of it, and says in plain words what to mend. RFC 5321 §5.1, §6.1. */

import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Resolver } from '../contracts/index.ts'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import { safeFetch } from '../net/safe-fetch.ts'
import { socketDialer } from '../net/index.ts'
import { personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { folderKeys } from './dns-folder.ts'
import type { FolderKeys } from './dns-folder.ts'
import { askedResolver, domainNamed, listOption, PLACE_OPTIONS, placeOf, portOption, textOption } from './dns-options.ts'
import { gatherFacts, judge } from './doctor/examine.ts'
import type { Patient } from './doctor/examine.ts'
import type { DoorKind } from './doctor/facts.ts'
import { known } from './doctor/finding.ts'
import type { Finding } from './doctor/finding.ts'
import { examineFolder } from './doctor/folder.ts'
import type { Lookout } from './doctor/gather-arrival.ts'
import { imapLookout, storeLookout } from './doctor/lookout.ts'
import { coloured, findingText, summaryText } from './doctor/report.ts'
import { UsageError } from './usage.ts'

/** Lists that many servers ask, and that a server of one's own should not be in. */
const USUAL_BLOCKLISTS: readonly string[] = ['zen.spamhaus.org', 'bl.spamcop.net', 'psbl.surriel.com', 'b.barracudacentral.org']

/** Where the doors of a server on the Internet are. RFC 5321 §4.5.4.2; RFC 8314 §7. */
const USUAL_PORTS: { readonly [Door in DoorKind]?: number } = { smtp: 25, submission: 587, submissions: 465, imaps: 993, pop3s: 995 }

async function examine(call: Call): Promise<boolean> {
  const { words, data, options, terminal, progress } = call
  const domain = words[0] === undefined ? undefined : domainNamed(words[0])
  const findings: Finding[] = []
  const tell = (finding: Finding): void => {
    progress.end()
    findings.push(finding)
    terminal.tell(findingText(finding, coloured), { ...finding })
  }
  const plan = planOf(options)
  if (domain === undefined || existsSync(data)) for await (const finding of examineFolder(data)) tell(finding)
  if (domain !== undefined) for (const finding of await examineDomain(domain, call, plan)) tell(finding)
  const isWell = findings.every(({ level }) => level !== 'fault')
  terminal.tell(summaryText(findings, coloured), { check: 'summary', ok: isWell })
  if (domain === undefined) terminal.note('to look at DNS and at the network too, name the domain: mailwright doctor DOMAIN')
  return isWell
}

const NO_KEYS: FolderKeys = { dkim: [], unfit: [], certificates: [] }

/** What options say of how to look. */
interface Plan {
  readonly resolver: Required<Resolver>
  readonly ca: Pick<Patient, 'ca'>
  readonly ports: Patient['ports']
  readonly https: number
}

/** Before anything is looked at: a slip must not show behind half a report. */
function planOf(options: Call['options']): Plan {
  const file = textOption(options, 'ca')
  return {
    resolver: askedResolver(options),
    ca: file === undefined ? {} : { ca: [authorityIn(file)] },
    ports: portsOf(options),
    https: portOption(options, 'https-port', 443),
  }
}

function authorityIn(file: string): string {
  try {
    return new X509Certificate(readFileSync(file)).toString()
  } catch {
    const why = existsSync(file) ? 'holds no certificate in PEM' : 'does not exist'
    throw new UsageError(`--ca takes the file of a certificate: ${file} ${why}`, 'doctor')
  }
}

async function examineDomain(domain: string, call: Call, { resolver, ca, ports, https }: Plan): Promise<readonly Finding[]> {
  const { data, options, progress } = call
  const keys = await known(() => folderKeys(data, domain))
  const { dkim, unfit, certificates, host } = keys.ok ? keys.value : NO_KEYS
  const reach = textOption(options, 'reach')
  const allowPrivate = options['allow-private-networks'] === true
  const patient: Patient = {
    domain,
    records: { ...(host === undefined ? {} : { host }), ...placeOf(options), dkim, certificates },
    unfitKeys: unfit,
    ports,
    allowPrivate,
    blocklists: listOption(options, 'blocklists').flatMap(list => (list === 'usual' ? USUAL_BLOCKLISTS : [list])),
    mailbox: await mailboxOf(call, domain, host ?? `mail.${domain}`, ca),
    ...(reach === undefined ? {} : { reach }),
    ...ca,
  }
  const fetch = safeFetch({
    resolver,
    ...(allowPrivate ? { mayConnect: () => true } : {}),
    port: https,
    ...ca,
  })
  const onStep = (text: string): void => progress.at(text)
  const findings = judge(await gatherFacts(patient, { resolver, dialer: socketDialer(), fetch, now: () => Date.now(), onStep }))
  if (keys.ok) return findings
  const unread: Finding = { check: 'keys', level: 'fault', looked: `keys and certificates in ${data}`, found: keys.why }
  return [unread, ...findings]
}

function portsOf(options: Call['options']): Patient['ports'] {
  const ports: { [Door in DoorKind]?: number } = {}
  for (const [door, port] of Object.entries(USUAL_PORTS)) ports[door as DoorKind] = portOption(options, `${door}-port`, port)
  return ports
}

/** Whom to write to and where to look for it: over IMAP where there is a login, else in the folder; or why there is nobody. */
async function mailboxOf(
  { data, options, terminal }: Call,
  domain: string,
  host: string,
  ca: Pick<Patient, 'ca'>,
): Promise<Patient['mailbox']> {
  const user = textOption(options, 'login')
  if (user !== undefined) {
    const password = await terminal.secret(`Password of ${user}: `)
    const tls = { serverName: textOption(options, 'host') ?? host, ...ca }
    const port = portOption(options, 'imaps-port', 993)
    const lookout = (address: string): Lookout => imapLookout({ dialer: socketDialer(), address, port, user, password, tls })
    return { to: textOption(options, 'to') ?? user, lookout }
  }
  const files = personalFiles(data)
  if (!existsSync(files.directory) || !existsSync(files.mail))
    return `there is no mail in ${data} to look for it: name the server's folder with --data, or log in with --login ADDRESS`
  const directory = sqliteDirectory({ path: files.directory })
  try {
    const to = textOption(options, 'to')
    const accounts = (await directory.accounts()).filter(({ disabled }) => !disabled)
    const account = accounts.find(({ address }) => (to === undefined ? address.endsWith(`@${domain}`) : address === to.toLowerCase()))
    if (account === undefined) return `there is no account ${to ?? `in ${domain}`} in ${data}`
    return { to: account.address, lookout: () => storeLookout(sqliteStore({ path: files.mail }), account.id) }
  } finally {
    directory.close()
  }
}

/** The command that examines. */
export const DOCTOR: Command = {
  name: 'doctor',
  takes: '[DOMAIN]',
  text: 'look whether a server and its domain are well, and say what to mend',
  more: `Without a domain it looks at the folder only. With one it also asks DNS, connects to every port, tries to misuse the server (it sends
nothing to others), and sends a test message to an account of the folder. It changes no settings.
Exit code 1 when there are faults; warnings and notes leave it 0. What cannot be looked at is said and is no fault.`,
  options: [
    ...PLACE_OPTIONS,
    { name: 'dns', value: 'IP:PORT', text: 'resolver to ask (default: those of this machine)' },
    { name: 'to', value: 'ADDRESS', text: 'account that gets the test message (default: the first of the domain)' },
    { name: 'login', value: 'ADDRESS', text: 'look for it over IMAP instead of in the folder; the password is read from stdin' },
    { name: 'reach', value: 'DOMAIN', text: 'call the mail server of this other domain, to see whether port 25 is open on the way out' },
    { name: 'blocklists', value: 'LIST,…', text: 'blocklists to ask about the addresses; "usual" for some well-known ones' },
    ...Object.entries(USUAL_PORTS).map(([door, port]) => ({
      name: `${door}-port`,
      value: 'N',
      text: `port for ${door} (default ${port})`,
    })),
    { name: 'https-port', value: 'N', text: 'port of the web server with the MTA-STS page (default 443)' },
    { name: 'ca', value: 'FILE', text: 'trust certificates of this authority only (for tests)' },
    { name: 'allow-private-networks', text: 'connect to private addresses that DNS names (for tests)' },
    ...COMMON,
  ],
  arity: [0, 1],
  needs: [],
  run: examine,
}
