/** One conversation with a milter: what is agreed on, each step with its macros, and the answer to it. */

import type { MailAddress, MessageSource, PhaseContext, Verdict } from '../../contracts/index.ts'
import { discard } from '../../contracts/index.ts'
import { concatBytes } from '../../bytes/ascii.ts'
import { refusal, replyVerdict } from '../foreign-reply.ts'
import { addressText, nonsense, oneLine, piecesOf } from '../program.ts'
import type { Talk } from '../program.ts'
import type { Change, SeenMessage } from './fields.ts'
import { ACTION, MOST_DATA, numberAt, packet, PacketReader, STEP, textsAt, uint32, VERSION } from './wire.ts'
import type { Packet } from './wire.ts'

/** What is known when the milter is asked; what is absent has not been said yet. */
export interface Facts {
  readonly connection: PhaseContext['connection']
  readonly hostname: string
  readonly daemonName: string
  readonly macros: Readonly<Record<string, string>>
  readonly mail?: { readonly sender: MailAddress | undefined; readonly size: number | undefined }
  readonly recipients?: readonly MailAddress[]
  readonly message?: { readonly source: MessageSource; readonly seen: SeenMessage }
}

/** What a milter wants. */
export interface Wish {
  /** `undefined`: it has nothing against it. */
  readonly verdict: Verdict | undefined
  readonly changes: readonly Change[]
  readonly quarantine: string | undefined
  /** Recipients that it would refuse, with the reason. */
  readonly refused: readonly (readonly [recipient: string, verdict: Verdict])[]
  /** For the trace. */
  readonly notes: readonly string[]
}

const OFFERED_ACTIONS = ACTION.addHeader | ACTION.changeHeader | ACTION.quarantine
const OFFERED_STEPS = Object.values(STEP).reduce((all, one) => all | one, 0)
/** Octets of a field's value that go into a packet beside its name. */
const LONGEST_VALUE = MOST_DATA - 1000

const MOST_CHANGES = 200

type Answer = 'continue' | 'accept' | 'skip' | Verdict

/** Tells a milter everything that is known, and gives what it wants. Throws `MailError('unavailable')` for what the protocol does not allow. */
export function converse(talk: Talk, facts: Facts): Promise<Wish> {
  return new Conversation(talk, facts).run()
}

class Conversation {
  readonly #talk: Talk
  readonly #facts: Facts
  readonly #reader: PacketReader
  readonly #changes: Change[] = []
  readonly #refused: (readonly [string, Verdict])[] = []
  readonly #notes: string[] = []
  #quarantine: string | undefined
  #steps = 0
  #actions = 0

  constructor(talk: Talk, facts: Facts) {
    this.#talk = talk
    this.#facts = facts
    this.#reader = new PacketReader(talk)
  }

  async run(): Promise<Wish> {
    await this.#negotiate()
    const answer = await this.#tell()
    await this.#talk.write(packet('Q'))
    const verdict = typeof answer === 'string' ? undefined : answer
    return { verdict, changes: this.#changes, quarantine: this.#quarantine, refused: this.#refused, notes: this.#notes }
  }

  async #negotiate(): Promise<void> {
    await this.#talk.write(packet('O', VERSION, OFFERED_ACTIONS, OFFERED_STEPS))
    const answer = await this.#reader.next()
    if (answer.kind !== 'O') throw nonsense(`${JSON.stringify(answer.kind)} to the negotiation`)
    const [version, actions, steps] = [numberAt(answer, 0), numberAt(answer, 4), numberAt(answer, 8)]
    if (version < 2 || version > VERSION) throw nonsense(`version ${version}`)
    if ((actions & ~OFFERED_ACTIONS) !== 0) throw nonsense('it wants to change what cannot be changed here: bodies, senders or recipients')
    if ((steps & ~OFFERED_STEPS) !== 0) throw nonsense('it wants steps that were not offered')
    this.#actions = actions
    this.#steps = steps
  }

  /** All steps, until one of them ends it. */
  async #tell(): Promise<Answer> {
    const { mail, recipients, message } = this.#facts
    let answer = await this.#connect()
    if (answer === 'continue' && mail !== undefined) answer = await this.#mail(mail)
    if (answer === 'continue' && recipients !== undefined) answer = await this.#recipients(recipients)
    if (answer === 'continue' && message !== undefined) answer = await this.#message(message)
    return answer
  }

  async #connect(): Promise<Answer> {
    const { connection, hostname, daemonName, macros } = this.#facts
    const { address, port } = connection.remote
    const name = address === '' ? 'localhost' : `[${address}]`
    const family = address === '' ? ['U'] : [address.includes(':') ? '6' : '4', uint32(port).subarray(2), `${address}\0`]
    const told: Record<string, string> = {
      j: hostname,
      v: 'mailwright',
      _: name,
      daemon_name: daemonName,
      client_addr: address,
      client_name: name,
      client_port: String(port),
      client_ptr: 'unknown',
      if_addr: connection.local.address,
      ...macros,
    }
    const answer = await this.#step(STEP.noConnect, STEP.silentConnect, packet('C', `${name}\0`, ...family), this.#macros('C', told))
    if (answer !== 'continue' || connection.clientName === undefined) return answer
    const tls = connection.tls === undefined ? {} : { tls_version: connection.tls.version, cipher: connection.tls.cipher }
    return this.#step(STEP.noHelo, STEP.silentHelo, packet('H', `${oneLine(connection.clientName)}\0`), this.#macros('H', tls))
  }

  #mail({ sender, size }: NonNullable<Facts['mail']>): Promise<Answer> {
    const { principal, id } = this.#facts.connection
    const login = principal === undefined ? {} : { auth_type: principal.credential.toUpperCase(), auth_authen: principal.username }
    const macros = this.#macros('M', { i: id, mail_addr: addressText(sender), mail_host: oneLine(sender?.domain ?? ''), ...login })
    const parameters = size === undefined ? '' : `SIZE=${size}\0`
    return this.#step(STEP.noMail, STEP.silentMail, packet('M', `<${addressText(sender)}>\0${parameters}`), macros)
  }

  async #recipients(recipients: readonly MailAddress[]): Promise<Answer> {
    let last: Verdict | undefined
    for (const recipient of recipients) {
      const text = addressText(recipient)
      const macros = this.#macros('R', { rcpt_addr: text, rcpt_host: oneLine(recipient.domain) })
      const answer = await this.#step(STEP.noRcpt, STEP.silentRcpt, packet('R', `<${text}>\0`), macros)
      if (answer === 'accept') return answer
      if (typeof answer === 'string') continue
      if (answer.kind === 'discard') return answer
      this.#refused.push([text, answer])
      last = answer
    }
    return last !== undefined && this.#refused.length === recipients.length ? last : 'continue'
  }

  async #message({ source, seen }: NonNullable<Facts['message']>): Promise<Answer> {
    let answer: Answer = await this.#step(STEP.noData, STEP.silentData, packet('T'), this.#macros('T', { i: this.#facts.connection.id }))
    if (answer !== 'continue') return answer
    for (const { name, octets } of (this.#steps & STEP.noHeaders) === 0 ? seen.fields : []) {
      answer = await this.#step(0, STEP.silentHeader, packet('L', `${oneLine(name)}\0`, this.#value(octets), '\0'))
      if (answer !== 'continue') return answer
    }
    answer = await this.#step(STEP.noEoh, STEP.silentEoh, packet('N'))
    if (answer !== 'continue') return answer
    if ((this.#steps & STEP.noBody) === 0) {
      for await (const piece of piecesOf(source, seen.body, MOST_DATA)) {
        answer = await this.#step(0, STEP.silentBody, packet('B', piece))
        if (answer === 'skip' && (this.#steps & STEP.skip) !== 0) break
        if (answer !== 'continue') return answer
      }
    }
    await this.#talk.write(concatBytes([this.#macros('E', { i: this.#facts.connection.id }), packet('E')]))
    return this.#end()
  }

  /** A field's value with or without its first blank, as was agreed; one that fits into no packet is cut. */
  #value(octets: Uint8Array): Uint8Array {
    const blanks = octets.findIndex(octet => octet !== 32 && octet !== 9)
    const value = (this.#steps & STEP.leadingSpace) !== 0 ? octets : octets.subarray(Math.max(0, blanks))
    if (value.length <= LONGEST_VALUE) return value
    this.#notes.push(`a field of ${value.length} octets was cut for it`)
    return value.subarray(0, LONGEST_VALUE)
  }

  /** Sends a step, unless the milter does not want it, and takes the answer, unless it gives none. */
  async #step(unwanted: number, silent: number, step: Uint8Array, macros: Uint8Array = new Uint8Array(0)): Promise<Answer> {
    if ((this.#steps & unwanted) !== 0) return 'continue'
    await this.#talk.write(concatBytes([macros, step]))
    if ((this.#steps & silent) !== 0) return 'continue'
    for (;;) {
      const answer = await this.#reader.next()
      if (answer.kind !== 'p') return answerOf(answer)
    }
  }

  /** At the end of the message changes come before the answer. */
  async #end(): Promise<Answer> {
    for (;;) {
      const answer = await this.#reader.next()
      if (answer.kind === 'p') continue
      if (!this.#takeChange(answer)) return answerOf(answer)
    }
  }

  #takeChange(answer: Packet): boolean {
    switch (answer.kind) {
      case 'h': {
        const [name = '', value = ''] = textsAt(answer, 0, 2)
        this.#want(ACTION.addHeader, { kind: 'add', name, value })
        return true
      }
      case 'i': {
        const [name = '', value = ''] = textsAt(answer, 4, 2)
        this.#want(ACTION.addHeader, { kind: 'insert', name, value })
        return true
      }
      case 'm': {
        const [name = '', value = ''] = textsAt(answer, 4, 2)
        // Index 0 is the first as well.
        this.#want(ACTION.changeHeader, { kind: 'change', which: Math.max(1, numberAt(answer, 0)), name, value })
        return true
      }
      case 'q':
        this.#want(ACTION.quarantine)
        this.#quarantine = oneLine(textsAt(answer, 0, 1)[0] ?? '').slice(0, 300)
        return true
      default:
        return false
    }
  }

  #want(action: number, change?: Change): void {
    if ((this.#actions & action) === 0) throw nonsense('a change that was not agreed on')
    if (this.#changes.length === MOST_CHANGES) throw nonsense(`more than ${MOST_CHANGES} changes`)
    if (change !== undefined) this.#changes.push(change)
  }

  #macros(step: string, values: Readonly<Record<string, string>>): Uint8Array {
    const told = Object.entries(values).filter(([, value]) => value !== '')
    const texts = told.map(([name, value]) => `${name.length === 1 ? name : `{${name}}`}\0${oneLine(value)}\0`)
    return packet('D', step, texts.join(''))
  }
}

function answerOf(answer: Packet): Answer {
  switch (answer.kind) {
    case 'c':
      return 'continue'
    case 'a':
      return 'accept'
    case 's':
      return 'skip'
    case 'd':
      return discard('a milter said so')
    case 'r':
      return refusal('reject', '', 'The message was refused')
    case 't':
      return refusal('defer', '', 'Please try again later')
    case '4':
    case 'f':
      return refusal('defer', '', 'Please try again later')
    case 'y': {
      const [reply = ''] = textsAt(answer, 0, 1)
      const verdict = replyVerdict(reply.split('\n', 1)[0]?.trim() ?? '', 'The message was refused')
      if (verdict === undefined) throw nonsense('a reply that is no refusal')
      return verdict
    }
    default:
      throw nonsense(`a packet ${JSON.stringify(answer.kind)}`)
  }
}
