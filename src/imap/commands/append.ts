/** APPEND: the client's own message goes into a mailbox, through the spool. RFC 9051 §6.3.12; RFC 4315 §3; RFC 6855 §4. */

import { latin1Text } from '../../bytes/ascii.ts'
import { SyntaxFault } from '../../bytes/cursor.ts'
import type { Survey } from '../../contracts/host.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { Mailbox } from '../../contracts/mail-store.ts'
import type { NewMessage } from '../../contracts/message.ts'
import type { SpooledMessage, SpoolWriter } from '../../contracts/spool.ts'
import { letGo } from '../../engine/let-go.ts'
import { Disconnected } from '../../engine/sliced-work.ts'
import { bad, codes, ok, refusalOf, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { storableFlags } from '../flags.ts'
import { AUTHENTICATED } from '../state.ts'
import { dateTime } from '../wire/date-time.ts'
import { literalTail, type LiteralTail } from '../wire/literal-tail.ts'
import { Parser } from '../wire/parser.ts'

interface AppendArguments {
  readonly name: string
  readonly flags: readonly string[]
  readonly internalDate: number | undefined
  readonly literal: LiteralTail
  /** `UTF8 (~{n}`: a closing parenthesis follows the message. RFC 6855 §4. */
  readonly isWrapped: boolean
}

function parse(p: Parser): AppendArguments {
  p.sp()
  const name = p.mailbox()
  p.sp()
  const flags = p.isOpen() ? p.flagList() : undefined
  if (flags !== undefined) p.sp()
  const internalDate = p.peek() === 0x22 ? dateTime(p) : undefined
  if (internalDate !== undefined) p.sp()
  // Thunderbird writes this form whether or not it enabled UTF8=ACCEPT.
  const isWrapped = p.skipWord('utf8')
  if (isWrapped) {
    p.sp()
    p.open()
  }
  const announced = p.rest()
  const literal = literalTail(announced)
  const announcement = /^~?\{\d+\+?\}$/
  if (literal === undefined || !announcement.test(String.fromCharCode(...announced.subarray(0, 64))))
    return p.fail('a message as a literal')
  return { name, flags: flags ?? [], internalDate, literal, isWrapped }
}

/** Whether the octets are an APPEND up to the announcement of its message: then the message is not part of the command. */
export function isAppendToMessage(octets: Uint8Array, context: Context): boolean {
  if (context.account === undefined) return false
  const p = new Parser(octets, context.nameForm)
  try {
    p.tag()
    p.sp()
    if (!p.skipWord('append')) return false
    parse(p)
    return true
  } catch (error) {
    if (error instanceof SyntaxFault) return false
    throw error
  }
}

/** APPEND. RFC 9051 §6.3.12. */
export const append: Command = command({
  name: 'APPEND',
  rfc: 'RFC 9051 §6.3.12',
  states: AUTHENTICATED,
  parse,
  async run(context, args) {
    const refused = await refusal(context, args)
    if (refused !== undefined) return refused
    const received = await receive(context, args)
    if ('status' in received) return received
    const { content } = received
    let storing: Promise<Completion> | undefined
    try {
      const admitted = await admit(context, args, received)
      if ('status' in admitted) return admitted
      storing = store(admitted).finally(() => letGo(content, context.host, context.connection))
      // What lies in memory reaches the store at once, so in the order of the commands; what is in a file first has to be read.
      return admitted.message.content.pieces === undefined ? await storing : { later: storing, octets: content.size }
    } finally {
      if (storing === undefined) letGo(content, context.host, context.connection)
    }
  },
})

async function refusal(context: Context, { name, literal }: AppendArguments): Promise<Completion | undefined> {
  if (literal.size > context.house.settings.appendLimit) return codes.tooBig
  if ((await context.find(name)) === undefined) return name === '' ? codes.badName : codes.tryCreate
  return undefined
}

/**
 * Reads past a message that an APPEND announced and did not read, whoever or whatever refused it, and answers how the command ends now.
 * A client that waits for `+` never sends it, the others send it for nothing.
 */
export async function passUnread(context: Context, { synchronizing, size }: LiteralTail, completion: Completion): Promise<Completion> {
  if (synchronizing) return completion
  // RFC 7888 §4: the choice is to read all of it or to end the connection.
  if (size > context.house.settings.appendLimit) return { ...completion, bye: '[TOOBIG] The message is larger than this server takes' }
  await readMessage(context, size, () => undefined)
  const tail = await readTail(context, /^\)?$/)
  return tail?.bye === undefined ? completion : { ...completion, bye: tail.bye }
}

async function readMessage(context: Context, size: number, take: (octets: Uint8Array) => Promise<void> | undefined): Promise<void> {
  if ((await context.input.message(size, context.house.settings.autologout, take)) === 'end') throw new Disconnected()
}

/** Reads what follows the message on its line; `undefined` when it is as expected. */
async function readTail(context: Context, expected: RegExp): Promise<Completion | undefined> {
  const line = await context.input.line(context.house.settings.autologout)
  if (line === 'end' || line === 'timeout') throw new Disconnected()
  if (line !== undefined && expected.test(latin1Text(line).trimEnd())) return undefined
  // More literals may follow in what the client took for one command: where the next command begins is not known.
  return { ...bad('Expected the end of the command after the message'), bye: 'The next command cannot be found' }
}

interface Received {
  readonly content: SpooledMessage
  readonly survey: Survey
}

async function receive(context: Context, { literal, isWrapped }: AppendArguments): Promise<Received | Completion> {
  const survey = context.host.survey()
  const writer = context.host.spool.begin()
  let isWhole = false
  try {
    if (literal.synchronizing) context.out.text('+ Ready\r\n')
    const failure = await spool(context, literal.size, writer, survey)
    const tail = await readTail(context, isWrapped ? /^\)$/ : /^$/)
    if (tail !== undefined) return tail
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the spool failed', { cause: failure })
    const content = await writer.finish()
    isWhole = true
    return { content, survey }
  } finally {
    if (!isWhole) writer.discard()
  }
}

/** Writes the message into the spool; a spool that fails does not stop the reading, so that the next command is found. */
async function spool(context: Context, size: number, writer: SpoolWriter, survey: Survey): Promise<unknown> {
  let failure: unknown
  const note = (error: unknown): void => {
    failure ??= error ?? new MailError('unavailable', 'the spool failed')
  }
  await readMessage(context, size, octets => {
    if (failure !== undefined) return undefined
    try {
      // Before the spool: what it is given is its own.
      survey.push(octets)
      return writer.write(octets)?.catch(note)
    } catch (error) {
      note(error)
      return undefined
    }
  })
  return failure
}

interface Admitted {
  readonly mailbox: Mailbox
  readonly message: NewMessage
}

async function admit(
  context: Context,
  { name, flags, internalDate }: AppendArguments,
  { content, survey }: Received,
): Promise<Admitted | Completion> {
  const { verdict, message } = await context.host.appended(context.connection, content, survey)
  if (verdict.kind !== 'accept') return refusalOf(verdict)
  const info = await context.find(name)
  if (info === undefined) return codes.tryCreate
  const now = Math.floor(context.host.clock.now() / 1000) * 1000
  const keep = storableFlags(flags, context.mail.hub.loaded(info.id)?.flags)
  const mailbox = context.mail.account.mailbox(info.id)
  return { mailbox, message: { ...message, flags: keep, internalDate: internalDate ?? now } }
}

async function store({ mailbox, message }: Admitted): Promise<Completion> {
  try {
    const { uids, uidValidity } = await mailbox.append([message])
    return ok('Stored', `APPENDUID ${uidValidity} ${uids[0] ?? 0}`)
  } catch (error) {
    // The mailbox went away between the two: RFC 9051 §6.3.12 wants TRYCREATE then too.
    if (error instanceof MailError && error.kind === 'no-such-mailbox') return codes.tryCreate
    throw error
  }
}
