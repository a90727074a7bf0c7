/** A whole mail server for a person or a household in one folder: what `npm start` and `mailwright serve` run. RFC 8314 §3; RFC 6154. */

import type { Middleware } from '../contracts/index.ts'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import type { SqliteDirectory } from '../directories/sqlite/index.ts'
import { questionName } from '../dns/index.ts'
import { certificates, developmentCertificate, systemClock } from '../net/index.ts'
import type { CertificateSource } from '../net/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { reportArchive } from '../stores/reports/index.ts'
import { traceJournal } from '../stores/traces/index.ts'
import type { SqliteStore } from '../stores/sqlite/index.ts'
import { keepNote, noteIn, removeNote } from '../files/note.ts'
import { quietly } from '../stores/quietly.ts'
import { fileSpool } from '../stores/spool.ts'
import { DOOR_NAMES } from './doors.ts'
import type { DoorName } from './doors.ts'
import { checkPair, firstAccount, forgetAccount, roleAddresses, servedDomain } from './first-account.ts'
import { faultText } from './fault-text.ts'
import { keyCare } from './key-care.ts'
import { createMailServer } from './mail-server.ts'
import type { MailServer } from './mail-server.ts'
import { connectionGuide } from './personal-guide.ts'
import { dailyDmarcReports, personalOutbound, personalResolver } from './personal-outbound.ts'
import type { PersonalOutboundOptions } from './personal-outbound.ts'
import { personalFilters } from './personal-filters.ts'
import type { PersonalFilterOptions } from './personal-filters.ts'

/** Options of {@link personalServer}. */
export interface PersonalServerOptions {
  /** Folder that holds everything: mail, accounts, certificate. Made when it is not there. Default `./data`. */
  readonly data?: string
  /** The domain that gives the server its name. Default: that of the last start, else `home.test`; what else is served goes on being served. */
  readonly domain?: string
  /** Address of the first account. Default: that of the last start, else the account that exists already, else `me@` the domain. */
  readonly user?: string
  /** Its password. Default: on the first start one is made up; later the old one stays. */
  readonly password?: string
  /** Address to listen on. Default `127.0.0.1`: this machine only. */
  readonly host?: string
  /** Ports, by door; 0 for any that is free. Defaults: {@link PERSONAL_PORTS}. */
  readonly ports?: { readonly [Name in DoorName]?: number }
  /** Let clients on this machine log in without TLS. Default `false`. */
  readonly allowPlaintextLogin?: boolean
  /** A certificate from a certificate authority. Default: a development certificate, made on first start. */
  readonly tls?: CertificateSource
  /** The DNS server to ask, `IP:PORT`. Default: the system's. */
  readonly dns?: string
  /** How it sends. Default: by MX, `false`: not at all. */
  readonly outbound?: PersonalOutboundOptions | false
  /** How it filters: {@link PersonalFilterOptions}; `false`: not at all. Default: sender authentication, and a scale that learns. */
  readonly filters?: PersonalFilterOptions | false
  /** Middleware, outermost first; it stands around the filters. */
  readonly middleware?: readonly Middleware[]
  /** Told what is being done, a line at a time. */
  readonly progress?: (line: string) => void
  /** Told what the operator has to do while the server runs, such as records to publish, and of accounts that a killed start left without a password; several lines at a time. Default: on stderr. */
  readonly notice?: (text: string) => void
  /**
   * Shows the guide to the operator once connections are accepted. A password that was made up counts from when this is done: a start that is
   * killed before makes another at the next start, so that none is lost that nobody saw. Default: nothing; the guide is in what is answered.
   */
  readonly show?: (guide: string) => void | Promise<void>
}

/** A personal server that accepts connections. */
export interface PersonalServer extends AsyncDisposable {
  readonly server: MailServer
  readonly store: SqliteStore
  readonly directory: SqliteDirectory
  readonly domain: string
  readonly user: string
  /** Known only when it was made or given at this start. */
  readonly password: string | undefined
  /** Whether the account was made at this start, or at one that ended before it had shown the password. */
  readonly firstStart: boolean
  /** How to connect a client and send a test message, in words. */
  readonly guide: string
  /** Stops cleanly. */
  close(): Promise<void>
}

/** Where a personal server listens when nothing is said: above 1023, so that no rights are needed. */
export const PERSONAL_PORTS: Readonly<Record<DoorName, number>> = Object.freeze({
  smtp: 2525,
  submission: 2587,
  submissions: 2465,
  lmtp: 2424,
  imap: 2143,
  imaps: 2993,
  pop3: 2110,
  pop3s: 2995,
})

/** The files of a personal server. */
export interface PersonalFiles {
  /** Folder of the mail store. */
  readonly mail: string
  /** File of the directory. */
  readonly directory: string
  /** Names the account whose password is still to be shown; there only during a first start. */
  readonly awaited: string
  /** Names the account that the server was last started for, and with it the domain that gives the server its name. */
  readonly lastUser: string
  /** Folder of the development certificate. */
  readonly tls: string
  /** Folder of the keys that sign mail (DKIM). */
  readonly dkim: string
  /** File of what the filters remember. */
  readonly state: string
  /** The secret that rewritten senders are proved with. */
  readonly secret: string
  /** Policies of MTA-STS that other domains have announced. */
  readonly tlsPolicies: string
  /** What TLS to other servers came to, until it is reported. */
  readonly tlsReports: string
  /** What is to be reported to other domains about their mail (DMARC), until it is. */
  readonly dmarcReports: string
  /** Folder of the reports that others sent. */
  readonly reports: string
  /** Folder of the records of how messages were decided on. */
  readonly traces: string
  /** Folder of messages that are arriving; empty when no server runs. */
  readonly spool: string
}

/** Where everything lies within a data folder. */
export function personalFiles(data: string): PersonalFiles {
  return {
    mail: `${data}/mail`,
    directory: `${data}/directory.db`,
    awaited: `${data}/password-to-be-shown`,
    lastUser: `${data}/last-user`,
    tls: `${data}/tls`,
    dkim: `${data}/dkim`,
    state: `${data}/state.sqlite`,
    secret: `${data}/return-secret`,
    tlsPolicies: `${data}/tls-policies.json`,
    tlsReports: `${data}/tls-reports.json`,
    dmarcReports: `${data}/dmarc-reports.json`,
    reports: `${data}/reports`,
    traces: `${data}/traces`,
    spool: `${data}/spool`,
  }
}

/** Whom the server of a folder was last started for; `undefined` before the first start was over. */
export function lastUserOf(data: string): string | undefined {
  return noteIn(personalFiles(data).lastUser)
}

/** The name of the server whose first domain this is, as greetings and certificates have it (RFC 5890 §2.3.2.1). */
export function serverName(domain: string): string {
  const named = domain.includes('.') ? `mail.${domain}` : domain
  return questionName(named) ?? named
}

/**
 * Opens what is in the folder (or makes it), and listens. Throws `ConfigurationError` for wrong options, `MailError` `in-use` when a
 * port is taken.
 *
 * @example
 * ```ts
 * import { personalServer } from 'mailwright/server'
 *
 * await using personal = await personalServer({ data: './data', domain: 'home.test', show: console.log })
 * console.log(personal.server.ports)
 * ```
 */
export async function personalServer(options: PersonalServerOptions = {}): Promise<PersonalServer> {
  const { data = './data', progress = () => undefined, notice = text => console.error(`mailwright: ${text}`) } = options
  const files = personalFiles(data)
  await using cleanup = new AsyncDisposableStack()
  // Wrong options are told before anything is made.
  checkPair(options)
  const resolver = personalResolver(options.dns)
  progress(`opening the mail in ${files.mail}`)
  const store = sqliteStore({ path: files.mail })
  cleanup.defer(() => store.close())
  progress(`opening the accounts in ${files.directory}`)
  const directory = sqliteDirectory({ path: files.directory })
  cleanup.defer(() => directory.close())

  const lastUser = lastUserOf(data)
  const domain = await servedDomain(directory, lastUser, options)
  const { isNew, ...account } = await firstAccount(directory, store, domain, files.awaited, lastUser, {
    ...options,
    data,
    notice,
  })
  let running = false
  // A password that was made up is shown once the server runs: where it never runs, nobody would know it.
  if (isNew && options.password === undefined) {
    cleanup.defer(async () => {
      if (running) return
      await forgetAccount(directory, store, account.user)
      removeNote(files.awaited)
    })
  }
  await roleAddresses(directory, domain, account.user)
  const hostname = serverName(domain)
  if (options.tls === undefined) progress(`looking after the development certificate in ${files.tls}`)
  const tls =
    options.tls === undefined
      ? developmentCertificate(files.tls, [hostname, questionName(domain) ?? domain])
      : certificates([options.tls], { watch: true })
  const ports = { ...PERSONAL_PORTS, ...options.ports }
  if (options.outbound !== false) progress(`looking after the signing keys in ${files.dkim}`)
  const others = (await directory.domains()).filter(name => name !== domain)
  const sending =
    options.outbound === false ? undefined : await personalOutbound(files, [domain, ...others], hostname, options.outbound ?? {}, resolver)
  const daily =
    sending === undefined || options.filters === false ? undefined : dailyDmarcReports(domain, files.dmarcReports, resolver, () => server)
  const filters =
    options.filters === false
      ? undefined
      : personalFilters(options.filters ?? {}, {
          hostname,
          store,
          resolver,
          clock: systemClock,
          stateFile: files.state,
          ...(daily === undefined ? {} : { onExamined: daily.add }),
        })
  if (filters !== undefined) cleanup.defer(() => filters.close())
  const archive = reportArchive({ folder: files.reports })
  cleanup.defer(() => archive.close())
  const traces = traceJournal({ folder: files.traces })
  cleanup.defer(() => traces.close())
  const server: MailServer = createMailServer({
    hostname,
    store,
    directory,
    tls,
    // Beside the store and not among the system's temporary files, which are memory on some machines.
    spool: fileSpool({ directory: files.spool }),
    traces,
    reports: { addresses: [domain, ...others].map(name => `postmaster@${name}`), archive },
    listeners: Object.fromEntries(DOOR_NAMES.map(name => [name, ports[name]])),
    ...(sending === undefined ? {} : { outbound: sending.outbound }),
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.allowPlaintextLogin === true ? { allowPlaintextLogin: 'loopback' as const } : {}),
  }).use(...(options.middleware ?? []), ...(filters?.middleware ?? []))
  cleanup.defer(() => server.close())
  progress('opening the doors')
  await server.listen()
  daily?.start()
  if (daily !== undefined) cleanup.defer(() => daily.stop())
  if (sending !== undefined) {
    const care = keyCare({
      keys: sending.keys,
      clock: systemClock,
      tell: notice,
      report: error => console.error(`mailwright: while looking after the signing keys: ${faultText(error)}`),
      command: `mailwright keys list --data ${data}`,
    })
    cleanup.defer(() => care.stop())
  }

  const development = tls.facts[0]?.development === true
  const guide = connectionGuide({
    ...account,
    ports: server.ports,
    certificateFile: development ? tls.facts[0]?.file : undefined,
    dataFolder: data,
    domain,
    sending,
    allowPlaintextLogin: options.allowPlaintextLogin === true,
  })
  await options.show?.(guide)
  if (account.firstStart && options.password === undefined && account.password !== undefined) {
    await directory.setPassword(account.user, account.password)
  }
  running = true
  // Now that the account has a password the note says nothing any more: nobody need be stopped for it.
  quietly(() => removeNote(files.awaited))
  if (account.user !== lastUser) keepNote(files.lastUser, account.user)
  const resources = cleanup.move()
  return {
    server,
    store,
    directory,
    domain,
    ...account,
    guide,
    close: () => resources.disposeAsync(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
