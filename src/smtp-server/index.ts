/** Receiving over SMTP, submission and LMTP through the `smtp-server` package. RFC 5321; RFC 6409; RFC 2033. */

export type { StartTls } from './connection-parts.ts'
export { smtpEngine } from './engine.ts'
export type { SmtpEngine } from './engine.ts'
export { smtpHandlers } from './handlers.ts'
export type { Done, SmtpHandlerOptions, SmtpHandlers } from './handlers.ts'
export type { Networks, SmtpDeadlines, SmtpFlavour, SmtpOptions } from './options.ts'
