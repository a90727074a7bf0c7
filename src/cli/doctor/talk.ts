/** A few lines with a mail server, as much as it takes to see who it is. RFC 5321 §4.2; RFC 9051 §2.2; RFC 1939 §3; RFC 3207 §4. */

import { latin1Bytes, latin1Text } from '../../bytes/index.ts'
import { MailError } from '../../contracts/index.ts'
import type { ClientConnection, ClientTls, Dialer, TlsPeer } from '../../contracts/index.ts'

/** Octets of one line; RFC 5321 §4.5.3.1.5 has 512, IMAP servers tell longer lists of what they can. */
const MAX_LINE = 8192
/** Lines of one reply. */
const MAX_LINES = 100

/** An SMTP reply. */
export interface TalkReply {
  readonly code: number
  /** Without the code. */
  readonly lines: readonly string[]
}

/** A conversation in lines, bounded in size and in time. */
export class Talk {
  readonly #connection: ClientConnection
  readonly #timeoutMs: number
  #waiting = ''

  private constructor(connection: ClientConnection, timeoutMs: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
  }

  /** Connects. Throws `unavailable` when nobody answers. */
  static async begin(dialer: Dialer, address: string, port: number, timeoutMs: number): Promise<Talk> {
    return new Talk(await dialer.dial({ address, port, timeoutMs }), timeoutMs)
  }

  /** The own end, as an address literal to say EHLO with. RFC 5321 §4.1.3. */
  get literal(): string {
    const { address } = this.#connection.local
    return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`
  }

  /** The next line, without its end. Throws `unavailable` when it does not come. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#waiting.indexOf('\n')
      if (end >= 0) {
        const line = this.#waiting.slice(0, end).replace(/\r$/, '')
        this.#waiting = this.#waiting.slice(end + 1)
        return line
      }
      if (this.#waiting.length > MAX_LINE) throw new MailError('unavailable', 'it sends lines without end')
      const piece = await this.#connection.read(this.#timeoutMs)
      if (piece === 'timeout') throw new MailError('unavailable', `it said nothing for ${this.#timeoutMs / 1000} s`)
      if (piece === undefined) throw new MailError('unavailable', 'it ended the connection')
      this.#waiting += latin1Text(piece)
    }
  }

  /** Lines up to the first that `isLast`. */
  async lines(isLast: (line: string) => boolean): Promise<readonly string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      lines.push(line)
      if (isLast(line)) return lines
      if (lines.length >= MAX_LINES) throw new MailError('unavailable', 'it does not stop talking')
    }
  }

  /** Sends a line. */
  async say(line: string): Promise<void> {
    await this.#connection.write(latin1Bytes(`${line}\r\n`))
  }

  /** A whole SMTP reply. */
  async reply(): Promise<TalkReply> {
    const lines = await this.lines(line => !/^\d{3}-/.test(line))
    const [, code] = /^(\d{3})(?: |$)/.exec(lines.at(-1) ?? '') ?? []
    if (code === undefined) throw new MailError('unavailable', `it does not speak SMTP: "${printable(lines.at(-1) ?? '')}"`)
    return { code: Number(code), lines: lines.map(line => printable(line.slice(4))) }
  }

  /** Says a command, and answers the reply. */
  async ask(command: string): Promise<TalkReply> {
    await this.say(command)
    return this.reply()
  }

  /** Begins TLS; what came in the clear behind the last line is an attack (S7). */
  async secure(tls: ClientTls): Promise<TlsPeer> {
    if (this.#waiting !== '') throw new MailError('unavailable', 'it sent more in the clear behind its answer to STARTTLS')
    return this.#connection.secure(tls)
  }

  /** Takes leave as the protocol has it (`QUIT`, `a9 LOGOUT`), and does not wait for the answer. */
  async leave(farewell: string): Promise<void> {
    await this.say(farewell)
    this.#connection.end()
  }
}

/** A stranger's text, safe to print. */
export function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, 200)
}
