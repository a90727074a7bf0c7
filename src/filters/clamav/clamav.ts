/** Asks clamd whether a message is infected, by its INSTREAM command: pieces with their length in front, then one of length 0. */

import type { MessageContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { accept, defer, discard, quarantine, reject } from '../../contracts/index.ts'
import { utf8Text } from '../../bytes/ascii.ts'
import { Failed, nonsense, piecesOf, Program, readAll } from '../program.ts'
import type { ProgramOptions, Talk } from '../program.ts'

/** Options of {@link clamav}. */
export interface ClamavOptions extends ProgramOptions {
  /** Milliseconds for one message. Default 60,000. */
  readonly within?: number
  /** What becomes of infected mail. Default `reject` (550 5.7.1). */
  readonly infected?: 'reject' | 'quarantine' | 'discard'
  /** What becomes of mail that cannot be looked through: too large, encrypted, beyond clamd's limits. Default `accept`, with a note. */
  readonly unscannable?: 'accept' | 'quarantine' | 'defer' | 'reject'
  /** Octets from which on a message is not sent to clamd and counts as unscannable; not above its `StreamMaxLength`. Default 26,214,400. */
  readonly mostOctets?: number
  /** Whether mail of those who have logged in is looked at: their machines have viruses too. Default `true`. */
  readonly principals?: boolean
  /** What the client of infected mail reads; the name of what was found is not told. Default `The message is infected`. */
  readonly text?: string
}

type Finding = { readonly kind: 'clean' } | { readonly kind: 'infected' | 'unscannable'; readonly what: string }

/** An answer is one line. */
const LONGEST_ANSWER = 4096
/** What clamd reports as found when it has given up (`AlertExceedsMax`, `AlertEncrypted`). */
const GIVEN_UP = /^Heuristics\.(?:Limits\.Exceeded|Encrypted)\b/

/**
 * Sends every arriving message through clamd, piece by piece while it is read: over TCP or, on the same machine, a Unix socket. Stops
 * sending when clamd has heard enough.
 *
 * @example
 * ```ts
 * import { clamav } from 'mailwright/filters/clamav'
 * import { socketDialer } from 'mailwright/net'
 *
 * const filter = clamav({ dialer: socketDialer(), at: { path: '/run/clamav/clamd.ctl' }, unscannable: 'quarantine' })
 * ```
 */
export function clamav(options: ClamavOptions): Middleware {
  return new Clamav(options)
}

class Clamav implements Middleware {
  readonly name = 'clamav'
  readonly #program: Program
  readonly #isRequired: boolean
  readonly #options: Required<Pick<ClamavOptions, 'infected' | 'unscannable' | 'mostOctets' | 'principals' | 'text'>>

  constructor(options: ClamavOptions) {
    this.#program = new Program('clamd', options, 60_000)
    this.#isRequired = options.required ?? false
    this.#options = {
      infected: options.infected ?? 'reject',
      unscannable: options.unscannable ?? 'accept',
      mostOctets: options.mostOctets ?? 26_214_400,
      principals: options.principals ?? true,
      text: options.text ?? 'The message is infected',
    }
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { principals, mostOctets } = this.#options
    if (context.envelope === undefined || (!principals && context.connection.principal !== undefined)) return next()
    const { source, trace } = context
    const answer: Finding | Failed =
      source.size > mostOctets
        ? { kind: 'unscannable', what: `${source.size} octets, more than ${mostOctets}` }
        : await this.#program.ask(context, talk => scan(talk, context, this.#isRequired))
    if (answer instanceof Failed) return answer.verdict ?? next()
    if (answer.kind === 'clean') {
      trace.note('clean')
      return next()
    }
    trace.note(`${answer.kind}: ${answer.what}`)
    trace.symbol(answer.kind === 'infected' ? 'VIRUS' : 'VIRUS_UNSCANNABLE', 0, answer.what)
    const own = this.#verdictOn(answer.kind, answer.what)
    if (own.kind !== 'quarantine' && own.kind !== 'accept') return own
    const below = await next()
    return below.kind === 'accept' ? own : below
  }

  #verdictOn(kind: 'infected' | 'unscannable', what: string): Verdict {
    const { infected, unscannable, text } = this.#options
    switch (kind === 'infected' ? infected : unscannable) {
      case 'accept':
        return accept()
      case 'reject':
        return reject(kind === 'infected' ? text : 'The message cannot be looked through for viruses')
      case 'defer':
        return defer('The message cannot be looked through for viruses at present')
      case 'quarantine':
        return quarantine(`${kind}: ${what}`)
      case 'discard':
        return discard(`${kind}: ${what}`)
    }
  }
}

async function scan(talk: Talk, { source }: MessageContext, isRequired: boolean): Promise<Finding> {
  await talk.write('zINSTREAM\0')
  let given = 0
  for await (const piece of piecesOf(source)) {
    // Lets an answer come in before more is sent: what clamd says when it has had enough is lost with a connection that breaks.
    await new Promise(resolve => setImmediate(resolve))
    if (talk.isAnswered) break
    await talk.write(lengthOf(piece.length))
    given += piece.length
    await talk.write(piece)
  }
  if (!talk.isAnswered) await talk.write(lengthOf(0))
  const octets = await readAll(talk, LONGEST_ANSWER, soFar => soFar.includes(0))
  // It left in the middle, full or fallen over this very message.
  const isCut = octets.length === 0 && given > 0 && given < source.size
  if (isCut && !isRequired) return { kind: 'unscannable', what: `clamd left after ${given} octets` }
  return findingOf(utf8Text(octets).split('\0', 1)[0]?.trim() ?? '')
}

function lengthOf(length: number): Uint8Array {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setUint32(0, length)
  return octets
}

/** `stream: OK`, `stream: NAME FOUND`, `INSTREAM size limit exceeded. ERROR`. */
function findingOf(answer: string): Finding {
  if (answer === 'stream: OK') return { kind: 'clean' }
  const found = /^stream: (.{1,1000}) FOUND$/.exec(answer)?.[1]
  if (found !== undefined) return { kind: GIVEN_UP.test(found) ? 'unscannable' : 'infected', what: found }
  const fault = /^(.{1,1000}) ERROR$/.exec(answer)?.[1]
  if (fault?.includes('size limit exceeded') === true) return { kind: 'unscannable', what: fault }
  throw nonsense(JSON.stringify(answer.slice(0, 200)))
}
