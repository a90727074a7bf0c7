/** What connections speak, and the moments at which middleware is asked. */

/** The protocols that connections speak. `submission` is SMTP by clients that log in. RFC 6409. */
export type Protocol = 'smtp' | 'submission' | 'lmtp' | 'imap' | 'pop3'

/** The name of a phase. */
export type Phase = 'connect' | 'login' | 'sender' | 'recipient' | 'message' | 'deliver' | 'command'
