/** The front door: a mail server from a store, a directory and middleware, and the names a newcomer meets. RFC 5321; RFC 9051; RFC 1939. */

export { accept, ConfigurationError, defer, discard, MailError, quarantine, reject } from './contracts/index.ts'
export type {
  Account,
  Authenticator,
  ConnectionFacts,
  Directory,
  MailAddress,
  MailErrorKind,
  MailEvents,
  MailStore,
  MessageContext,
  Middleware,
  Principal,
  RecipientContext,
  TraceEntry,
  Verdict,
} from './contracts/index.ts'
export { createMailServer } from './server/index.ts'
export type { MailServer, MailServerOptions } from './server/index.ts'
