/** Asks spamd what it thinks of a message, in its own protocol (SPAMC/1.5). */

import type { MessageContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { utf8Bytes } from '../../bytes/ascii.ts'
import { addressText, Failed, oneLine, piecesOf, Program, readAll } from '../program.ts'
import type { ProgramOptions } from '../program.ts'
import { isWhole, readAnswer } from './answer.ts'
import type { SpamdAnswer } from './answer.ts'

/** Options of {@link spamassassin}. */
export interface SpamassassinOptions extends ProgramOptions {
  /** The name of this server, for the `Received` field from which spamd learns who the client is. */
  readonly hostname: string
  /** Milliseconds for one message. Default 30,000. */
  readonly within?: number
  /** `sum`: one symbol, `SPAMASSASSIN`, with the whole score; `each`: one for each rule, `SA_...`. Default `sum`. */
  readonly symbols?: 'sum' | 'each'
  /** What spamd's points are multiplied with: it calls spam what has 5, `score` what has 6. Default 1.2. */
  readonly weight?: number
  /** The user whose preferences and Bayes words spamd shall use. Default: spamd's own. */
  readonly user?: string
  /** Octets above which a message is not sent: spam is small, and rules are slow. Default 512,000. */
  readonly mostOctets?: number
  /** Whether mail of those who have logged in is weighed as well. Default `false`. */
  readonly principals?: boolean
}

const LONGEST_ANSWER = 262_144
/** Symbols of one filter that the scale takes, less one for the rest. */
const MOST_SYMBOLS = 90

/**
 * Puts the points of SpamAssassin into the scale, for `score`; decides nothing by itself.
 *
 * @example
 * ```ts
 * import { spamassassin } from 'mailwright/filters/spamassassin'
 * import { socketDialer } from 'mailwright/net'
 *
 * const filter = spamassassin({ dialer: socketDialer(), at: { address: '127.0.0.1', port: 783 }, hostname: 'mx.example.org' })
 * ```
 */
export function spamassassin(options: SpamassassinOptions): Middleware {
  return new Spamassassin(options)
}

class Spamassassin implements Middleware {
  readonly name = 'spamassassin'
  readonly #program: Program
  readonly #options: SpamassassinOptions
  readonly #weight: number
  readonly #mostOctets: number

  constructor(options: SpamassassinOptions) {
    this.#program = new Program('spamd', options, 30_000)
    this.#options = options
    this.#weight = options.weight ?? 1.2
    this.#mostOctets = options.mostOctets ?? 512_000
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { envelope, source, trace, connection } = context
    if (envelope === undefined || (this.#options.principals !== true && connection.principal !== undefined)) return next()
    if (source.size > this.#mostOctets) {
      trace.note(`not asked: ${source.size} octets, more than ${this.#mostOctets}`)
      return next()
    }
    const answer = await this.#program.ask(context, async talk => {
      const front = utf8Bytes(this.#received(context))
      const command = this.#options.symbols === 'each' ? 'REPORT' : 'SYMBOLS'
      const user = this.#options.user === undefined ? '' : `User: ${oneLine(this.#options.user)}\r\n`
      await talk.write(`${command} SPAMC/1.5\r\nContent-length: ${front.length + source.size}\r\n${user}\r\n`)
      await talk.write(front)
      for await (const piece of piecesOf(source)) await talk.write(piece)
      // The other direction stays open: spamd takes its closing for the client's leaving.
      return readAnswer(await readAll(talk, LONGEST_ANSWER, isWhole))
    })
    if (answer instanceof Failed) return answer.verdict ?? next()
    this.#weigh(answer, context)
    return next()
  }

  #weigh({ score, threshold, rules }: SpamdAnswer, { trace }: MessageContext): void {
    const names = rules.map(({ name, points }) => (points === undefined ? name : `${name} ${points}`)).join(', ')
    trace.note(`${score} points of ${threshold}: ${names || 'no rule matched'}`)
    const weighed = (points: number): number => Math.round(points * this.#weight * 1000) / 1000
    if (this.#options.symbols !== 'each') {
      trace.symbol('SPAMASSASSIN', weighed(score), names)
      return
    }
    const heaviest = [...rules].sort((a, b) => Math.abs(b.points ?? 0) - Math.abs(a.points ?? 0)).slice(0, MOST_SYMBOLS)
    for (const { name, points } of heaviest) trace.symbol(`SA_${name}`.slice(0, 64), weighed(points ?? 0))
    // What the report rounds away, and what had no room.
    const rest = weighed(score - heaviest.reduce((sum, { points }) => sum + (points ?? 0), 0))
    if (rest !== 0) trace.symbol('SPAMASSASSIN_REST', rest)
  }

  /** RFC 5321 §4.4: the field that this server will put on top, as spamd reads it: what the client called itself, its address, whether it logged in. */
  #received({ connection, envelope }: MessageContext): string {
    const helo = oneLine(connection.clientName ?? 'unknown').replaceAll(/[^\w.:[\]-]/g, '?')
    const address = connection.remote.address || '127.0.0.1'
    const protocol = `ESMTP${connection.tls === undefined ? '' : 'S'}${connection.principal === undefined ? '' : 'A'}`
    const date = new Date(this.#program.clock.now()).toUTCString().replace('GMT', '+0000')
    const sender = addressText(envelope?.sender)
    return [
      `X-Envelope-From: <${sender}>\r\n`,
      `Received: from ${helo} (unknown [${address.includes(':') ? `IPv6:${address}` : address}])\r\n`,
      `\tby ${oneLine(this.#options.hostname)} (mailwright) with ${protocol} id ${oneLine(connection.id)};\r\n\t${date}\r\n`,
    ].join('')
  }
}
