/** Asks rspamd about a message, over its HTTP protocol (`/checkv2`), and does what it answers, or weighs it. */

import type { MessageContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { accept, ConfigurationError, MailError, quarantine } from '../../contracts/index.ts'
import { refusal } from '../foreign-reply.ts'
import { addressText, Failed, nonsense, oneLine, piecesOf, Program } from '../program.ts'
import type { ProgramOptions } from '../program.ts'
import { readAnswer } from './answer.ts'
import type { RspamdAnswer } from './answer.ts'
import { post } from './http.ts'

/** Options of {@link rspamd}. */
export interface RspamdOptions extends ProgramOptions {
  /** Its `normal` worker, port 11333 as a rule. */
  readonly at: ProgramOptions['at']
  /** What its `password` asks for, where it has one. */
  readonly password?: string
  /** Milliseconds for one message; above rspamd's own `task_timeout`. Default 15,000. */
  readonly within?: number
  /**
   * `decide`: what rspamd says is done; its symbols are told, and weigh nothing. `weigh`: its symbols go into the scale as `RSPAMD_...`,
   * for `score`, and nothing else is done. Default `decide`.
   */
  readonly mode?: 'decide' | 'weigh'
  /** With `decide`, what `add header` and `rewrite subject` do besides their fields: `quarantine` to Junk, or `accept`. Default `quarantine`. */
  readonly tagged?: 'quarantine' | 'accept'
  /** With `weigh`, what its scores are multiplied with. Default 1: its thresholds are like those of `score`. */
  readonly weight?: number
  /** This server's name, for its logs and the fields that it makes. Default: not told. */
  readonly hostname?: string
  /** Octets above which a message is not sent. Default 52,428,800, rspamd's own limit. */
  readonly mostOctets?: number
  /** Whether mail of those who have logged in is looked at; rspamd is told who they are. Default `true`. */
  readonly principals?: boolean
}

const LONGEST_ANSWER = 1024 * 1024
/** Symbols of one filter that the scale takes, less one for the rest. */
const MOST_SYMBOLS = 90

/**
 * Sends every arriving message to rspamd, with the client's address, its names, the envelope and who logged in.
 *
 * Actions become verdicts: `reject`; `soft reject` and `greylist` put off (451 4.7.1); `add header` and `rewrite subject` send to Junk,
 * with the fields. The changes of the header that rspamd wishes are made, its DKIM signature among them.
 *
 * @example
 * ```ts
 * import { rspamd } from 'mailwright/filters/rspamd'
 * import { socketDialer } from 'mailwright/net'
 *
 * const filter = rspamd({ dialer: socketDialer(), at: { address: '127.0.0.1', port: 11333 }, mode: 'weigh' })
 * ```
 */
export function rspamd(options: RspamdOptions): Middleware {
  return new Rspamd(options)
}

class Rspamd implements Middleware {
  readonly name = 'rspamd'
  readonly #program: Program
  readonly #options: RspamdOptions

  constructor(options: RspamdOptions) {
    this.#program = new Program('rspamd', options, 15_000)
    this.#options = options
    if (options.password !== undefined && options.password !== oneLine(options.password)) {
      throw new ConfigurationError('MW_RSPAMD_PASSWORD', 'the password has control characters, or more than 1,000')
    }
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { connection, envelope, source, trace } = context
    const { principals = true, mostOctets = 52_428_800, mode = 'decide' } = this.#options
    if (envelope === undefined || (!principals && connection.principal !== undefined)) return next()
    if (source.size > mostOctets) {
      trace.note(`not asked: ${source.size} octets, more than ${mostOctets}`)
      return next()
    }
    const answer = await this.#program.ask(context, async talk => {
      const { at } = this.#options
      const host = 'path' in at ? 'localhost' : at.address.includes(':') ? `[${at.address}]` : at.address
      const request = { path: '/checkv2', host, fields: this.#facts(context), size: source.size, body: piecesOf(source) }
      const { status, body } = await post(talk, request, LONGEST_ANSWER)
      if (status !== 200) throw nonsense(`HTTP status ${status}`)
      return readAnswer(body)
    })
    if (answer instanceof Failed) return answer.verdict ?? next()
    this.#tell(answer, context)
    if (mode === 'weigh') return next()
    const own = this.#decide(answer, context)
    if (own.kind === 'reject' || own.kind === 'defer' || own.kind === 'discard') return own
    const below = await next()
    return below.kind === 'accept' ? own : below
  }

  #facts({ connection, envelope }: MessageContext): readonly (readonly [string, string])[] {
    const { password, hostname } = this.#options
    const facts: (readonly [string, string | undefined])[] = [
      ['IP', connection.remote.address || '127.0.0.1'],
      ['Helo', connection.clientName],
      // RFC 5321 §4.5.5: the null reverse-path.
      ['From', addressText(envelope?.sender) || '<>'],
      ...(envelope?.recipients ?? []).map(recipient => ['Rcpt', addressText(recipient)] as const),
      ['User', connection.principal?.username],
      ['Queue-Id', connection.id],
      ['MTA-Name', hostname],
      ['TLS-Version', connection.tls?.version],
      ['TLS-Cipher', connection.tls?.cipher],
      ['Password', password],
    ]
    return facts.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, oneLine(value)] as const]))
  }

  #tell({ action, score, required, symbols }: RspamdAnswer, { trace }: MessageContext): void {
    const { mode = 'decide', weight = 1 } = this.#options
    trace.note(`${action.slice(0, 100)}, score ${rounded(score)} of ${rounded(required)}`)
    const weighed = (points: number): number => (mode === 'weigh' ? rounded(points * weight) : 0)
    const heaviest = [...symbols].sort((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, MOST_SYMBOLS)
    for (const { name, score: points, options } of heaviest) {
      const about = options.join(', ').slice(0, 500)
      trace.symbol(symbolName(name), weighed(points), mode === 'weigh' ? about : `${rounded(points)} ${about}`)
    }
    const rest = weighed(score - heaviest.reduce((sum, one) => sum + one.score, 0))
    if (rest !== 0) trace.symbol('RSPAMD__REST', rest, 'what its thresholds and groups add')
  }

  #decide(answer: RspamdAnswer, context: MessageContext): Verdict {
    const { trace, edits } = context
    const words = answer.text ?? ''
    switch (answer.action) {
      case 'reject':
        return refusal('reject', words, 'This message looks like spam')
      case 'soft reject':
      case 'greylist':
        return refusal('defer', words, 'Please try again later')
      case 'discard':
        return { kind: 'discard', reason: 'rspamd: discard' }
      default:
    }
    const isTagged = answer.action === 'add header' || answer.action === 'rewrite subject'
    change(answer, context)
    if (answer.action === 'add header') edits.replace('X-Spam', 'Yes')
    if (answer.action === 'rewrite subject' && answer.subject !== undefined) {
      attempt(context, () => edits.replace('Subject', oneLine(answer.subject ?? '')))
    }
    const { tagged = 'quarantine' } = this.#options
    const isKnown = isTagged || answer.action === 'no action'
    if (answer.action === 'quarantine' || (isTagged && tagged === 'quarantine')) return quarantine(`rspamd: ${answer.action}`)
    if (!isKnown) trace.note('this action has no meaning here')
    return accept()
  }
}

/** Makes the changes of the header that it wishes; what is impossible is noted. Forged results of ours go first. */
function change({ remove, add }: RspamdAnswer, context: MessageContext): void {
  const { edits, fields } = context
  if (fields.some(({ name }) => name.toLowerCase() === 'x-spam')) edits.remove('X-Spam')
  for (const [name, which] of remove) {
    const count = fields.filter(field => field.name.toLowerCase() === name.toLowerCase()).length
    const wanted = which < 0 ? count + which + 1 : which
    let seen = 0
    edits.remove(name, () => which === 0 || ++seen === wanted)
  }
  for (const [name, value] of add.toReversed()) attempt(context, () => edits.add(name, value))
}

function attempt({ trace }: MessageContext, edit: () => void): void {
  try {
    edit()
  } catch (error) {
    if (!(error instanceof MailError)) throw error
    trace.note(`a change of the header was not made: ${error.message}`)
  }
}

function symbolName(name: string): string {
  return `RSPAMD_${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`.slice(0, 64)
}

function rounded(score: number): number {
  return Math.round(score * 1000) / 1000
}
