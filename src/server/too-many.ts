/** What a protocol says when it cannot take another connection. RFC 5321 §3.1; RFC 9051 §7.1.5; RFC 3206 §4. */

import type { Protocol } from '../contracts/index.ts'

/** The one line that is said before the connection ends. */
export function tooMany(protocol: Protocol, hostname: string): Uint8Array {
  return new TextEncoder().encode(lineOf(protocol, hostname))
}

function lineOf(protocol: Protocol, hostname: string): string {
  switch (protocol) {
    case 'smtp':
    case 'submission':
    case 'lmtp':
      return `421 4.3.2 ${hostname} Too many connections, please try again later\r\n`
    case 'imap':
      return '* BYE [UNAVAILABLE] Too many connections, please try again later\r\n'
    case 'pop3':
      return '-ERR [SYS/TEMP] Too many connections, please try again later\r\n'
  }
}
