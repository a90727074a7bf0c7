/** What the doctor knows before it judges: everything that was asked of DNS, of the ports and of the folder. */

import type { Answer, MxRecord, SrvRecord, TlsaRecord } from '../../contracts/index.ts'
import type { DomainRecords } from '../../dns/index.ts'
import type { Known } from './finding.ts'
import type { SpfReport } from './spf.ts'

/** What DNS says. Each map is by name or address, in lower case. */
export interface DnsFacts {
  readonly mx: Known<Answer<MxRecord>>
  /** IPv4 and IPv6 addresses together: of the host, of all exchangers, and of the names of our addresses. */
  readonly addresses: ReadonlyMap<string, Known<readonly string[]>>
  /** Canonical names behind the exchangers and the hosts of pages. */
  readonly aliases: ReadonlyMap<string, Known<readonly string[]>>
  /** Names of our addresses. */
  readonly names: ReadonlyMap<string, Known<readonly string[]>>
  readonly texts: ReadonlyMap<string, Known<readonly string[]>>
  /** What domains say that are to get our DMARC reports, and the names where they say it. */
  readonly reportsElsewhere: readonly { readonly name: string; readonly answer: Known<readonly string[]> }[]
  readonly services: ReadonlyMap<string, Known<readonly SrvRecord[]>>
  readonly tlsa: Known<Answer<TlsaRecord>>
  /** Of the domain, and of the host. */
  readonly spf: ReadonlyMap<string, Known<SpfReport>>
}

/** A service behind a port. */
export type DoorKind = 'smtp' | 'submission' | 'submissions' | 'imap' | 'imaps' | 'pop3' | 'pop3s'

/** What a server shows when somebody connects. */
export interface DoorFacts {
  readonly door: DoorKind
  readonly address: string
  readonly port: number
  readonly seen: Known<SeenDoor>
}

/** What was seen behind a door. */
export interface SeenDoor {
  /** The name that an SMTP server greets with. */
  readonly greets?: string
  /** TLS was there from the start, was offered, or was not. */
  readonly encryption: 'implicit' | 'offered' | 'none'
  readonly tls?: Known<SeenTls>
}

/** What TLS showed. */
export interface SeenTls {
  readonly version: string
  readonly trusted: boolean
  /** Node's code of why not. */
  readonly fault?: string
  /** The chain in DER, the server's own first. */
  readonly chain: readonly Uint8Array[]
}

/** One way in which a server might be talked into sending for strangers. */
export interface RelayFacts {
  /** The recipient, and the sender where it matters. */
  readonly form: string
  /** The last reply. */
  readonly reply: string
  readonly accepted: boolean
}

/** Whether an address that everybody may write to is taken. */
export interface RoleFacts {
  readonly address: string
  /** The reply to RCPT. */
  readonly reply: string
  readonly accepted: boolean
}

/** What a blocklist says of an address. */
export interface BlocklistFacts {
  readonly list: string
  readonly address: string
  readonly listed: Known<readonly string[]>
}

/** The page of MTA-STS. */
export interface PageFacts {
  readonly status: number
  readonly text: string
  readonly contentType: string
  /** Milliseconds since the epoch, where the server told the time. */
  readonly date?: number
}

/** Whether a mail server elsewhere answers. */
export interface ReachFacts {
  readonly domain: string
  /** Which server; `undefined` when none was found. */
  readonly asked: string | undefined
  /** Code of its greeting. */
  readonly answer: Known<unknown>
}

/** What became of the test message. */
export type ArrivalFacts = { readonly to: string } & (
  | {
      /** Name of the mailbox; `undefined` when it did not come in time. */
      readonly mailbox: string | undefined
      /** Milliseconds from the last octet to the mailbox. */
      readonly ms: number
    }
  /** The server did not take it: what was refused, and the reply. */
  | { readonly refused: string; readonly forNow: boolean }
)

/** What was learned of a domain and its server. */
export interface Facts {
  readonly expected: DomainRecords
  /** Addresses of the server, as told by the operator. */
  readonly told: readonly string[]
  readonly allowPrivate: boolean
  readonly dns: DnsFacts
  readonly doors: readonly DoorFacts[]
  /** `undefined`: nothing points to a page. */
  readonly page: Known<PageFacts> | undefined
  readonly relay: Known<readonly RelayFacts[]>
  readonly roles: Known<readonly RoleFacts[]>
  readonly blocklists: readonly BlocklistFacts[]
  /** `undefined`: not asked for. */
  readonly reach: ReachFacts | undefined
  readonly arrival: Known<ArrivalFacts>
  /** Selectors whose record in the folder does not belong to their private key. */
  readonly unfitKeys: readonly string[]
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly now: number
}
