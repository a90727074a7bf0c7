/** Two ways to see whether a message arrived: in the store beside the server, or over IMAP from anywhere. RFC 9051 §6.2.3, §6.4.4. */

import { latin1Text } from '../../bytes/index.ts'
import { ALL_UIDS, MailError } from '../../contracts/index.ts'
import type { ClientTls, Dialer, MailStore, UidRange } from '../../contracts/index.ts'
import type { Lookout } from './gather-arrival.ts'
import { printable, Talk } from './talk.ts'

/** Octets of a message in which its token is looked for: it stands at the top. */
const HEAD = 16_384

/** Looks into the store; closes it at the end. */
export function storeLookout(store: MailStore, accountId: string): Lookout {
  /** The next UID of each mailbox: only what comes after it can be the message. */
  const before = new Map<string, number>()
  return {
    async begin() {
      const account = await store.open(accountId)
      for (const { id } of await account.mailboxes()) before.set(id, (await account.mailbox(id).status()).uidNext)
    },
    async find(token) {
      const account = await store.open(accountId)
      const [all] = ALL_UIDS
      if (all === undefined) return undefined
      for (const { id, name } of await account.mailboxes()) {
        const mailbox = account.mailbox(id)
        const first = (before.get(id) ?? 1) as UidRange['first']
        if ((await mailbox.status()).uidNext <= first) continue
        for await (const page of mailbox.records([{ first, last: all.last }], ['source'])) {
          for (const { source } of page) {
            if (source !== undefined && latin1Text(await source.read(0, HEAD)).includes(token)) return name
          }
        }
      }
      return undefined
    },
    [Symbol.asyncDispose]: () => store.close(),
  }
}

/** Whom to log in as, and where. */
export interface ImapLogin {
  readonly dialer: Dialer
  readonly address: string
  /** A port with TLS from the start. */
  readonly port: number
  readonly user: string
  readonly password: string
  readonly tls: ClientTls
}

/** Looks into the inbox and the junk over IMAP. The password is sent only to a server whose certificate is trusted. */
export function imapLookout(login: ImapLogin): Lookout {
  let talk: Talk | undefined
  let count = 0

  /** Says a command; answers what came before its end, or `undefined` when it was refused. */
  async function command(text: string): Promise<readonly string[] | undefined> {
    if (talk === undefined) throw new MailError('unavailable', 'nobody has logged in')
    const tag = `d${++count}`
    await talk.say(`${tag} ${text}`)
    const lines = await talk.lines(line => line.startsWith(`${tag} `))
    return lines.at(-1)?.startsWith(`${tag} OK`) === true ? lines.slice(0, -1) : undefined
  }

  return {
    async begin() {
      talk = await Talk.begin(login.dialer, login.address, login.port, 10_000)
      const peer = await talk.secure(login.tls)
      if (!peer.trusted)
        throw new MailError(
          'unavailable',
          `the certificate for IMAP is not trusted (${peer.fault ?? 'unknown'}), so the password was not sent`,
        )
      const greeting = await talk.line()
      if (!greeting.startsWith('* OK')) throw new MailError('unavailable', `IMAP greets with "${printable(greeting)}"`)
      if ((await command(`LOGIN ${quoted(login.user)} ${quoted(login.password)}`)) === undefined)
        throw new MailError('unavailable', `IMAP refused the login of ${login.user}`)
    },
    async find(token) {
      for (const mailbox of ['INBOX', 'Junk']) {
        // EXAMINE changes nothing, not even what is recent. RFC 9051 §6.3.3.
        if ((await command(`EXAMINE ${mailbox}`)) === undefined) continue
        const found = await command(`SEARCH HEADER Message-ID ${token}`)
        if (found?.some(line => /^\* (?:SEARCH \d|ESEARCH .*ALL )/.test(line)) === true) return mailbox
      }
      return undefined
    },
    [Symbol.asyncDispose]: async () => talk?.leave('d0 LOGOUT'),
  }
}

/** RFC 9051 §9 `quoted`: what does not fit one cannot be sent this simply. */
function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text))
    throw new MailError('invalid', 'names and passwords with other characters than ASCII cannot be tried over IMAP here')
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
