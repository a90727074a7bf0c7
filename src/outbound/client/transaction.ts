/** One transaction: MAIL, RCPT and DATA in as few writes as the server allows, and what each reply means. RFC 5321 §3.3; RFC 2920 §3.1; RFC 3030 §2; RFC 2033 §4.2. */

import { concatBytes, utf8Bytes } from '../../bytes/ascii.ts'
import type { MessageSource } from '../../contracts/index.ts'
import { sendChunks, sendData, wholeText } from './body.ts'
import type { BodyEnd } from './body.ts'
import type { Reply } from './reply.ts'
import { breakdownStatus, refusal, statusOf } from './status.ts'
import type { HopOutcome, Step } from './status.ts'
import type { SessionFacts } from './session-facts.ts'
import { Broken } from './wire.ts'
import type { Wire } from './wire.ts'

/** What is said. */
export interface TransactionPlan {
  readonly facts: Omit<SessionFacts, 'verified'>
  /** A transaction before this one was left open: it is reset first. */
  readonly reset: boolean
  readonly mail: string
  readonly rcpts: readonly string[]
  readonly content: MessageSource
}

/** What came of it. */
export interface TransactionEnd {
  /** In the order of `rcpts`. */
  readonly outcomes: readonly HopOutcome[]
  /** Places of recipients for whom there was no room, in a transaction that others got through. RFC 5321 §4.5.3.1.10. */
  readonly crowded: readonly number[]
  /** The server still has a transaction open. */
  readonly dirty: boolean
  /** It was over before the server had decided about anything. */
  readonly untouched: boolean
  /** It broke off before the server had the whole message: another server may be tried at once without sending twice. */
  readonly brokenOff: boolean
}

/** Commands in one write: their replies, of 512 octets each at worst, must find room while nobody reads. RFC 2920 §3.1. */
const GROUP = 100
/** A body of so many octets goes along with the commands where BDAT is offered. */
const ALONG = 65_536

/** Runs a transaction to its end. Throws only what reading the content throws: then the connection is of no more use. */
export async function runTransaction(wire: Wire, plan: TransactionPlan): Promise<TransactionEnd> {
  const transaction = new Transaction(wire, plan)
  await transaction.run()
  return transaction.end()
}

interface Command {
  readonly line: string
  readonly step: Step
  readonly within: number
  readonly take: (reply: Reply) => void
  /** Octets that go with it. */
  readonly octets?: Uint8Array
}

class Transaction {
  readonly #wire: Wire
  readonly #plan: TransactionPlan
  readonly #outcomes: (HopOutcome | undefined)[]
  readonly #accepted: number[] = []
  readonly #crowded: number[] = []
  #mail: Reply | undefined
  #go: Reply | undefined
  #dirty: boolean
  #delivered = false
  #heard = false
  /** The server has the whole message, or may have it. */
  #whole = false
  #doing = 'waiting for the answer to MAIL'

  constructor(wire: Wire, plan: TransactionPlan) {
    this.#wire = wire
    this.#plan = plan
    this.#dirty = plan.reset
    this.#outcomes = plan.rcpts.map(() => undefined)
  }

  async run(): Promise<void> {
    try {
      const { facts } = this.#plan
      if (facts.chunking && facts.capabilities.chunking) await this.#withChunks()
      else await this.#withData()
    } catch (error) {
      const status = breakdownStatus(error, this.#doing, this.#plan.facts.host, this.#wire.clock.now())
      this.#rest(() => ({ kind: 'deferred', status }))
    }
  }

  end(): TransactionEnd {
    const status = { at: this.#wire.clock.now(), code: '4.0.0' as const, text: 'not decided', remote: this.#plan.facts.host }
    return {
      outcomes: this.#outcomes.map(outcome => outcome ?? { kind: 'deferred', status }),
      crowded: this.#delivered ? this.#crowded : [],
      dirty: this.#dirty,
      untouched: !this.#heard,
      brokenOff: this.#wire.isOver && !this.#whole,
    }
  }

  async #withData(): Promise<void> {
    const data: Command = {
      line: 'DATA',
      step: 'data',
      within: this.#wire.limits.dataMs,
      take: reply => {
        this.#go = reply
      },
    }
    await this.#say([...this.#envelope(), data])
    const go = this.#go
    if (go === undefined) return
    if (go.code === 354) {
      this.#dirty = false
      // It may change its mind at once; anything but a refusal answers nothing that was asked.
      if (this.#wire.unread > 0) return this.#ended({ kind: 'early', reply: await this.#wire.reply(this.#wire.limits.dataMs) })
      if (this.#accepted.length === 0) return this.#nothing()
      this.#doing = 'sending the message'
      return this.#ended(await sendData(this.#wire, this.#plan.content))
    }
    // RFC 2920 §3.1: with no recipient accepted, the refusal of DATA is what was to be expected.
    if (go.code < 400) throw this.#nonsense('DATA', go)
    this.#rest(() => refusal(go, 'data', this.#plan.facts.host, this.#wire.clock.now()))
  }

  async #withChunks(): Promise<void> {
    const { content, facts } = this.#plan
    const together = facts.capabilities.pipelining && content.size <= ALONG
    if (!together) {
      await this.#say(this.#envelope())
      if (this.#accepted.length === 0) return
      this.#doing = 'sending the message'
      this.#dirty = false
      return this.#ended(await sendChunks(this.#wire, content, { pipelining: facts.capabilities.pipelining }))
    }
    // RFC 3030 §4.2 with RFC 2920 §3.1: everything at once; whatever the server refuses, it knows how much to pass over.
    const body = await wholeText(content, { dots: false })
    let last: Reply | undefined
    const chunk: Command = {
      line: `BDAT ${body.length} LAST`,
      octets: body,
      step: 'end',
      within: this.#wire.limits.endMs,
      take: reply => {
        last = reply
      },
    }
    this.#whole = true
    await this.#say([...this.#envelope(), chunk])
    if (last === undefined) return
    const first: Reply = last
    if (this.#accepted.length === 0) {
      if (first.code < 400) this.#dirty = false
      return
    }
    this.#dirty = first.code >= 400 && !facts.lmtp
    this.#doing = 'waiting for the answer to the end of the message'
    return this.#ended({ kind: 'sent', first })
  }

  #envelope(): Command[] {
    const { limits } = this.#wire
    const { reset, mail, rcpts } = this.#plan
    const commands: Command[] = []
    if (reset) commands.push({ line: 'RSET', step: 'mail', within: limits.helloMs, take: () => (this.#dirty = false) })
    commands.push({ line: mail, step: 'mail', within: limits.mailMs, take: reply => this.#mailAnswered(reply) })
    for (const [at, line] of rcpts.entries())
      commands.push({ line, step: 'rcpt', within: limits.rcptMs, take: reply => this.#rcptAnswered(at, reply) })
    return commands
  }

  /** Says commands in groups where the server takes them so, and hears the answers. */
  async #say(commands: readonly Command[]): Promise<void> {
    const most = this.#plan.facts.capabilities.pipelining ? GROUP : 1
    for (let at = 0; at < commands.length; at += most) {
      const group = commands.slice(at, at + most)
      if (this.#isPointless(group[0])) return
      // Not waited for: the answers are read while the octets leave, and there are few of them.
      void this.#write(group)
      for (const command of group) {
        this.#doing = `waiting for the answer to ${command.line.slice(0, 4).trim()}`
        const reply = this.#wire.ready() ?? (await this.#wire.reply(command.within))
        // RFC 5321 §3.8: 421 closes the connection, whatever it answers.
        if (reply.code === 421) return this.#closed(reply, command.step)
        command.take(reply)
      }
    }
  }

  #write(group: readonly Command[]): Promise<void> | undefined {
    const octets = group.at(-1)?.octets
    if (octets === undefined) return this.#wire.send(...group.map(command => command.line))
    const lines = utf8Bytes(`${group.map(command => command.line).join('\r\n')}\r\n`)
    return this.#wire.write(concatBytes([lines, octets]))
  }

  #isPointless(command: Command | undefined): boolean {
    if (command?.step === 'rcpt') return this.#mail !== undefined && this.#mail.code >= 400
    return (
      (command?.step === 'data' || command?.step === 'end') &&
      this.#accepted.length === 0 &&
      this.#mail !== undefined &&
      this.#allAnswered()
    )
  }

  #allAnswered(): boolean {
    return this.#outcomes.every(outcome => outcome !== undefined)
  }

  #mailAnswered(reply: Reply): void {
    this.#heard = true
    this.#mail = reply
    if (reply.code < 300) {
      this.#dirty = true
      return
    }
    if (reply.code < 400) throw this.#nonsense('MAIL', reply)
    const outcome = refusal(reply, 'mail', this.#plan.facts.host, this.#wire.clock.now())
    this.#rest(() => outcome)
  }

  #rcptAnswered(at: number, reply: Reply): void {
    if (this.#mail !== undefined && this.#mail.code >= 400) return
    if (reply.code < 300) {
      this.#accepted.push(at)
      return
    }
    if (reply.code < 400) throw this.#nonsense('RCPT', reply)
    const outcome = refusal(reply, 'rcpt', this.#plan.facts.host, this.#wire.clock.now())
    this.#outcomes[at] = outcome
    // RFC 5321 §4.5.3.1.10: too many for one transaction, and the rest is to be sent in another; a full mailbox says 2.2 with it.
    const full = outcome.status.code.endsWith('.2.2') && reply.enhanced !== undefined
    if ((reply.code === 452 || reply.code === 552) && !full && this.#accepted.length > 0) this.#crowded.push(at)
  }

  /** DATA was granted though nobody was accepted: "the client SMTP should send a single dot". RFC 2920 §3.1. */
  async #nothing(): Promise<void> {
    this.#doing = 'waiting for the answer to an empty message'
    void this.#wire.send('.')
    const { lmtp } = this.#plan.facts
    // RFC 2033 §4.2: one reply for each accepted recipient, of whom there are none.
    if (!lmtp) await this.#wire.reply(this.#wire.limits.endMs)
  }

  async #ended(end: BodyEnd): Promise<void> {
    const { host, lmtp } = this.#plan.facts
    if (end.kind === 'early') {
      // It spoke while data was under way: where it stands in the stream nobody knows.
      this.#wire.destroy()
      if (end.reply.code < 400) throw this.#nonsense('data that was still being sent', end.reply)
      this.#rest(() => refusal(end.reply, 'end', host, this.#wire.clock.now()))
      return
    }
    if (end.kind === 'refused') {
      this.#dirty = true
      this.#rest(() => refusal(end.reply, 'end', host, this.#wire.clock.now()))
      return
    }
    this.#whole = true
    this.#doing = 'waiting for the answer to the end of the message: it may have arrived, and arrive again'
    let reply = end.first
    for (const [place, at] of this.#accepted.entries()) {
      if (place === 0 || lmtp) {
        if (place > 0 || reply === undefined) reply = await this.#wire.reply(this.#wire.limits.endMs)
        if (reply.code === 421) return this.#closed(reply, 'end')
      }
      if (reply === undefined) return
      this.#outcomes[at] = this.#final(reply)
    }
    if (this.#wire.unread > 0) this.#wire.destroy()
  }

  #final(reply: Reply): HopOutcome {
    const now = this.#wire.clock.now()
    const { host } = this.#plan.facts
    if (reply.code < 300) {
      this.#delivered = true
      return { kind: 'delivered', status: statusOf(reply, 'end', host, now) }
    }
    if (reply.code < 400) throw this.#nonsense('the end of the message', reply)
    return refusal(reply, 'end', host, now)
  }

  #closed(reply: Reply, step: Step): void {
    this.#wire.destroy()
    const status = statusOf(reply, step, this.#plan.facts.host, this.#wire.clock.now())
    this.#rest(() => ({ kind: 'deferred', status }))
  }

  /** Everyone who is not decided about yet. */
  #rest(outcome: () => HopOutcome): void {
    for (const [at, known] of this.#outcomes.entries()) if (known === undefined) this.#outcomes[at] = outcome()
  }

  #nonsense(to: string, reply: Reply): Broken {
    this.#wire.destroy()
    return new Broken('protocol', `the server answered ${reply.code} to ${to}`)
  }
}
