/** The phase `message`: a whole message is there, and middleware decides on it. RFC 5321 §4.2.5. */

import type {
  HeaderField,
  LiveConnection,
  MessageContext,
  MessageSource,
  ParsedMessage,
  Survey,
  TraceEntry,
  Verdict,
} from '../contracts/index.ts'
import { accept } from '../contracts/verdict.ts'
import { composedSource } from './composed-source.ts'
import type { Innermost } from './compose.ts'
import { readHeader } from './header-block.ts'
import type { HeaderBlock } from './header-block.ts'
import { Edits } from './header-edits.ts'
import type { House } from './house.ts'
import { examineSubmission } from './submitted.ts'
import type { SubmissionFindings } from './submitted.ts'
import { deliveredBefore, guardVerdict } from './message-guard.ts'
import { findingsOf } from './summary.ts'

/** A message and what was asked of it. */
export interface ArrivedMessage {
  readonly connection: LiveConnection
  readonly content: MessageSource
  readonly entries: TraceEntry[]
  /** Has seen every octet of it. */
  readonly survey?: Survey | undefined
  /** Left out for a message that a client stores by itself. */
  readonly envelope?: MessageContext['envelope']
}

/** A message that was decided on. */
export interface DecidedMessage {
  readonly verdict: Verdict
  readonly edits: Edits
  /** New header fields for the top. */
  readonly added: Uint8Array
  readonly summary: Uint8Array
  /** What to store: the message itself, or its edited form. */
  edited(content: MessageSource): MessageSource
  /** Addresses of earlier deliveries that the message carries. */
  readonly deliveredBefore: ReadonlySet<string>
  /** Domains that whoever submitted it was found to have the right to; none for a message that nobody submitted. */
  readonly domains: readonly string[]
}

/** Checks the limits, runs the phase, and applies the edits. A message without an envelope is held to no limits but parsing's own. */
export async function decideOnMessage(house: House, message: ArrivedMessage): Promise<DecidedMessage> {
  const { content, envelope } = message
  const header = await readHeader(content)
  const edits = new Edits(header)
  const before = await findingsOf(content, { survey: message.survey, clock: house.clock })
  const guarded = envelope === undefined ? undefined : guardVerdict(header, before.longestLine)
  const { verdict, domains } = guarded === undefined ? await runPhase(house, message, header, edits) : { verdict: guarded, domains: [] }
  const { added, rewritten } = edits.result()
  const original = { edits, added, deliveredBefore: deliveredBefore(header), verdict, domains }
  if (rewritten === undefined) return { ...original, summary: before.summary, edited: source => source }
  const edited = (source: MessageSource): MessageSource => composedSource(rewritten, source, header.octets.length)
  const refused = verdict.kind === 'reject' || verdict.kind === 'defer' || verdict.kind === 'discard'
  const summary = refused ? before.summary : (await findingsOf(edited(content), { clock: house.clock })).summary
  return { ...original, summary, edited }
}

async function runPhase(house: House, message: ArrivedMessage, header: HeaderBlock, edits: Edits): Promise<SubmissionFindings> {
  const { connection, content, envelope, entries } = message
  const { principal } = connection
  let domains: readonly string[] = []
  // A message that a client stores by itself was sent by nobody.
  const innermost: Innermost | undefined =
    principal === undefined || envelope === undefined
      ? undefined
      : {
          name: 'submission',
          ask: async signal => {
            const found = await examineSubmission(house, { principal, sender: envelope.sender, header, edits }, signal)
            domains = found.domains
            return found.verdict
          },
        }
  if (innermost === undefined && !house.onion.has('message')) return { verdict: accept(), domains }
  let parsing: Promise<ParsedMessage> | undefined
  const { fields } = header
  const { verdict } = await house.onion.run('message', {
    connection,
    entries,
    shared: house.memory(connection).shared,
    context: base => ({
      ...base,
      phase: 'message',
      envelope,
      source: content,
      // Plain values, which can be copied and sent to threads. An accessor that makes them when asked costs more than a usual header.
      fields: fields.map(({ name, value }): HeaderField => ({ name, value })),
      header: name => {
        const key = name.toLowerCase()
        return fields.find(field => field.key === key)?.value
      },
      edits,
      parsed() {
        if (parsing === undefined) {
          parsing = house.parse(content)
          // Who asked may have decided without it, and what nobody hears ends the process.
          parsing.catch(() => undefined)
        }
        return parsing
      },
    }),
    ...(innermost === undefined ? {} : { innermost }),
  })
  return { verdict, domains }
}
