/** A policy for attachments: by name, by content, and by what archives list. RFC 2183; M5. */

import type { Clock, MessageContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { ConfigurationError, quarantine, reject } from '../../contracts/index.ts'
import type { Finding, FindingKind } from './inspect.ts'
import { Inspector } from './inspector.ts'
import { DANGEROUS_EXTENSIONS } from './names.ts'
import { machineClock } from '../machine-clock.ts'

/** What becomes of a message with a finding; `weigh` leaves it to `score`. */
export type AttachmentAction = 'reject' | 'quarantine' | 'weigh'

/** Options of {@link attachments}. */
export interface AttachmentOptions {
  /** Programs, scripts, shortcuts, disk images: by extension or by content. Default `reject`. */
  readonly dangerous?: AttachmentAction
  /** Names that pretend: `invoice.pdf.exe`, turned writing direction. Default `reject`. */
  readonly disguised?: AttachmentAction
  /** Encrypted archives, whose names may be seen but not their content. Default `weigh`. */
  readonly encrypted?: AttachmentAction
  /** Office documents with macros. Default `weigh`. */
  readonly macros?: AttachmentAction
  /** What could not be looked through: broken or nested too deep, built to explode, of a kind that is not opened, or too slow. Default `weigh`. */
  readonly unscannable?: AttachmentAction
  /** Extensions that are dangerous, lower case, without the dot. Default `DANGEROUS_EXTENSIONS`. */
  readonly extensions?: readonly string[]
  /** Whether mail of those who have logged in is looked through as well. Default `false`. */
  readonly principals?: boolean
  /** Octets of a message above which it is `unscannable`. Default 26,214,400. */
  readonly octets?: number
  /** Milliseconds for one message, in its process. Default 10,000. */
  readonly within?: number
  /** Archives within archives. Default 3. */
  readonly depth?: number
  /** Entries of all archives of a message. Default 10,000. */
  readonly entries?: number
  /** Octets that archives of a message are opened to, together. Default 67,108,864. */
  readonly opened?: number
  /** Messages that wait for the process at a time; further ones are `unscannable`. Default 100. */
  readonly waiting?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

const SYMBOLS: Readonly<Record<FindingKind, readonly [symbol: string, score: number]>> = {
  dangerous: ['ATTACHMENT_DANGEROUS', 8],
  disguised: ['ATTACHMENT_DISGUISED', 6],
  encrypted: ['ATTACHMENT_ENCRYPTED', 2],
  macros: ['ATTACHMENT_MACROS', 2],
  unscannable: ['ATTACHMENT_UNSCANNABLE', 2],
}
const REFUSALS: Readonly<Record<FindingKind, string>> = {
  dangerous: 'Attachments that can be run are not taken here',
  disguised: 'Attachments with a disguised name are not taken here',
  encrypted: 'Encrypted archives are not taken here',
  macros: 'Documents with macros are not taken here',
  unscannable: 'The attachments cannot be looked through',
}
/** How many times larger than its octets something may become. */
const RATIO = 100

/**
 * Looks through attachments in a process with limits of time and memory: their names in every spelling that clients read, their first
 * octets, and the lists of zip, tar and gzip archives, archives within archives included. Nothing is unpacked to disk and nothing is
 * run. It knows no viruses: see the guide for those.
 *
 * What cannot be looked through is `unscannable`: that is a finding, never an error, and never costs the mail.
 *
 * @example
 * ```ts
 * import { attachments } from 'mailwright/filters/attachments'
 *
 * const filter = attachments({ encrypted: 'quarantine', unscannable: 'quarantine' })
 * ```
 */
export function attachments(options: AttachmentOptions = {}): Middleware {
  return new Attachments(options)
}

class Attachments implements Middleware {
  readonly name = 'attachments'
  readonly #actions: Readonly<Record<FindingKind, AttachmentAction>>
  readonly #inspector: Inspector
  readonly #principals: boolean
  readonly #octets: number

  constructor(options: AttachmentOptions) {
    this.#actions = {
      dangerous: options.dangerous ?? 'reject',
      disguised: options.disguised ?? 'reject',
      encrypted: options.encrypted ?? 'weigh',
      macros: options.macros ?? 'weigh',
      unscannable: options.unscannable ?? 'weigh',
    }
    for (const [kind, action] of Object.entries(this.#actions)) {
      if (['reject', 'quarantine', 'weigh'].includes(action)) continue
      throw new ConfigurationError('MW_ATTACHMENTS_ACTION', `${kind} must be reject, quarantine or weigh`)
    }
    this.#principals = options.principals ?? false
    this.#octets = options.octets ?? 26_214_400
    this.#inspector = new Inspector({
      dangerous: (options.extensions ?? DANGEROUS_EXTENSIONS).map(extension => extension.toLowerCase().replace(/^\./, '')),
      limits: { depth: options.depth ?? 3, entries: options.entries ?? 10_000, opened: options.opened ?? 67_108_864, ratio: RATIO },
      within: options.within ?? 10_000,
      waiting: options.waiting ?? 100,
      clock: options.clock ?? machineClock,
    })
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { envelope, connection, trace } = context
    if (envelope === undefined || (connection.principal !== undefined && !this.#principals) || isPlain(context)) return next()
    const findings = await this.#findings(context)
    for (const { kind, where, what } of findings.slice(0, 20)) trace.note(`${kind}: ${where}: ${what}`)
    for (const kind of new Set(findings.map(finding => finding.kind))) {
      const [symbol, score] = SYMBOLS[kind]
      const first = findings.find(finding => finding.kind === kind)
      trace.symbol(symbol, score, `${first?.where ?? ''}: ${first?.what ?? ''}`)
    }
    const refused = findings.find(({ kind }) => this.#actions[kind] === 'reject')
    if (refused !== undefined) return reject(REFUSALS[refused.kind], '5.7.1')
    const verdict = await next()
    const aside = findings.find(({ kind }) => this.#actions[kind] === 'quarantine')
    return aside !== undefined && verdict.kind === 'accept' ? quarantine(`${aside.kind}: ${aside.where}`) : verdict
  }

  async #findings({ source, signal }: MessageContext): Promise<readonly Finding[]> {
    const unscannable = (what: string): readonly Finding[] => [{ kind: 'unscannable', where: 'the message', what }]
    if (source.size > this.#octets) return unscannable(`${source.size} octets are more than the ${this.#octets} that are looked through`)
    const octets = await source.read(0, source.size)
    if (signal.aborted) return unscannable('nobody waits for it any more')
    const outcome = await this.#inspector.inspect(octets)
    return typeof outcome === 'string' ? unscannable(outcome) : outcome
  }
}

/** One text without a file name has no attachments: most messages that need no looking through. */
function isPlain({ fields }: MessageContext): boolean {
  const told = fields.filter(({ name }) => /^content-(?:type|disposition)$/i.test(name))
  return told.every(
    ({ name, value }) => (/type$/i.test(name) ? /^\s*text\/(?:plain|html)\s*(?:;|$)/i.test(value) : true) && !/name/i.test(value),
  )
}
