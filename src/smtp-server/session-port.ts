/** What commands may do to the connection they came on; keeps the table of commands apart from the connection. */

import type { Host, LiveConnection } from '../contracts/index.ts'
import type { MailSession } from './mail-session.ts'
import type { SmtpSettings } from './options.ts'
import type { PathArguments } from './path.ts'
import type { Reply } from './replies.ts'

/** A connection as commands see it. */
export interface SessionPort {
  readonly host: Host
  readonly settings: SmtpSettings
  readonly live: LiveConnection
  readonly mail: MailSession
  readonly secure: boolean
  readonly secretsAllowed: boolean
  readonly canStartTls: boolean
  /** EHLO, HELO or LHLO, whichever was used; `false` before it. */
  openingCommand: string | false
  send(code: number, data?: string | string[] | null, context?: string | false): void
  say(reply: Reply): void
  fault(reply: Reply): void
  isSynchronised(): boolean
  greetedBy(name: string | undefined): void
  path(keyword: 'FROM' | 'TO', text: string, known: ReadonlySet<string>): PathArguments | undefined
  countRefused(): void
  beginMessage(): void
  beginTls(): Promise<void>
  close(): void
}

/** AUTH as commands see it. */
export interface AuthPort {
  begin(text: string): Promise<void> | undefined
}
