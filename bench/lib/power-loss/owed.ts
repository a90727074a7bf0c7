/** What a store owes at a moment: what was acknowledged must be there, what was under way may be, nothing else. */

import type { Moment } from './trace.ts'
import type { Effects, Placed } from './story.ts'

/** When a fact may begin to hold (its operation began) and from when on it must (it was acknowledged). `Infinity`: never acknowledged. */
interface Span {
  readonly from: number
  readonly by: number
}

interface Message {
  readonly placed: Placed
  readonly added: Span
  gone: Span | undefined
  /** The place that it was moved to: it is in one of the two, never in both. */
  movedTo: string | undefined
  readonly flags: (readonly [Span, string])[]
}

interface Box {
  readonly account: string
  /** In their order; no name: removed. */
  readonly names: (readonly [Span, string | undefined])[]
}

interface Queued {
  readonly name: string
  readonly recipients: number
  readonly span: Span
  readonly outcomes: Map<number, (readonly [Span, string])[]>
}

/** What a store was found to hold. */
export interface Contents {
  readonly accounts: ReadonlySet<string>
  readonly boxes: ReadonlyMap<string, { readonly name: string; readonly uidNext: number; readonly modSeq: number }>
  /** By {@link placeOf}; `name`: what the octets are, `undefined` when they are no message of the workload. */
  readonly messages: ReadonlyMap<string, { readonly name: string | undefined; readonly flags: string }>
  /** By id: octets, and the states of the recipients by index. */
  readonly queue: ReadonlyMap<
    string,
    { readonly name: string | undefined; readonly envelopeId: string | undefined; readonly states: readonly string[] }
  >
  /** Messages in whole backups, by folder. */
  readonly backups: ReadonlyMap<string, number>
}

/** Names a place. */
export function placeOf(box: string, uid: number): string {
  return `${box} ${uid}`
}

/** Flags as they are compared. */
export function flagsOf(flags: readonly string[]): string {
  return [...flags].sort().join(' ')
}

/** Everything that a ledger says, by when it holds. */
export class Owed {
  readonly #messages = new Map<string, Message>()
  readonly #boxes = new Map<string, Box>()
  readonly #accounts = new Map<string, Span>()
  readonly #told: (readonly [at: number, box: string, uidNext: number, modSeq: number])[] = []
  readonly #queue = new Map<string, Queued>()
  readonly #bounces = new Map<string, Span>()
  readonly #backups = new Map<string, readonly [Span, number]>()
  /** Messages of operations that nobody heard of again: they may be anywhere from then on. */
  readonly #loose = new Map<string, number>()
  /** At how many moments something was acknowledged or begun up to each moment. */
  readonly #lines: readonly number[]

  constructor(moments: readonly Moment[]) {
    const begun = new Map<number, readonly [at: number, names: readonly string[]]>()
    let lines = 0
    this.#lines = moments.map((moment, at) => {
      if (moment.kind !== 'line') return lines
      const { line } = moment
      if (line.kind === 'begun') begun.set(line.op, [at, line.names])
      else {
        const [from = at] = begun.get(line.op) ?? []
        begun.delete(line.op)
        // What nobody acknowledged before and is seen now came with the operation that brought its name.
        const since = (name: string): number =>
          Math.min(from, ...[...begun.values()].flatMap(([at, names]) => (names.includes(name) ? at : [])))
        this.#take(line.effects, { from, by: at }, since)
      }
      return ++lines
    })
    for (const [from, names] of begun.values()) for (const name of names) this.#loose.set(name, from)
  }

  /** Equal for moments at which the same is owed. */
  stage(moment: number): number {
    return this.#lines[moment] ?? 0
  }

  #take(effects: Effects, span: Span, since: (name: string) => number): void {
    if (effects.account !== undefined && !this.#accounts.has(effects.account)) this.#accounts.set(effects.account, span)
    for (const { id, account, name } of effects.boxes ?? []) {
      const box = this.#boxes.get(id)
      if (box === undefined) this.#boxes.set(id, { account, names: [[span, name]] })
      else if (box.names.at(-1)?.[1] !== name) box.names.push([span, name])
    }
    for (const placed of effects.added ?? []) {
      const place = placeOf(placed.box, placed.uid)
      if (this.#messages.has(place)) continue
      const added = { from: since(placed.name), by: span.by }
      this.#messages.set(place, { placed, added, gone: undefined, movedTo: undefined, flags: [[added, flagsOf(placed.flags)]] })
    }
    for (const [at, { box, uid }] of (effects.gone ?? []).entries()) {
      const message = this.#messages.get(placeOf(box, uid))
      if (message === undefined) throw new Error(`${box} ${uid} went and never came`)
      message.gone = span
      const target = effects.added?.[at]
      if (target !== undefined) message.movedTo = placeOf(target.box, target.uid)
    }
    for (const { box, uid, flags } of effects.flagged ?? []) this.#messages.get(placeOf(box, uid))?.flags.push([span, flagsOf(flags)])
    for (const { box, uidNext, modSeq } of effects.told ?? []) this.#told.push([span.by, box, uidNext, modSeq])
    for (const { id, name, recipients } of effects.queued ?? []) this.#queue.set(id, { name, recipients, span, outcomes: new Map() })
    for (const { id, index, state } of effects.outcomes ?? []) {
      const outcomes = this.#queue.get(id)?.outcomes
      outcomes?.set(index, [...(outcomes.get(index) ?? []), [span, state]])
    }
    if (effects.bounce !== undefined) this.#bounces.set(effects.bounce, span)
    if (effects.backup !== undefined) this.#backups.set(effects.backup.folder, [span, effects.backup.messages])
  }

  /** The first UID that a message which arrives after this moment may have. */
  nextUid(box: string, moment: number): number {
    let next = 1
    for (const { placed, added } of this.#messages.values()) {
      if (placed.box === box && added.by <= moment) next = Math.max(next, placed.uid + 1)
    }
    for (const [at, told, uidNext] of this.#told) if (told === box && at <= moment) next = Math.max(next, uidNext)
    return next
  }

  /** What is wrong with a store whose power went at this moment. */
  problems(moment: number, found: Contents): readonly string[] {
    const wrong: string[] = []
    const say = (text: string): void => void wrong.push(text)
    for (const [name, { by }] of this.#accounts) if (by <= moment && !found.accounts.has(name)) say(`the account ${name} is lost`)
    for (const [id, { names }] of this.#boxes) {
      const name = found.boxes.get(id)?.name
      if (!valuesAt(names, moment, undefined).includes(name)) say(`mailbox ${id} is called ${name ?? 'nothing (it is not there)'}`)
    }
    for (const id of found.boxes.keys()) if (!this.#boxes.has(id)) say(`nobody made mailbox ${id}`)
    this.#checkMessages(moment, found, say)
    for (const [at, box, uidNext, modSeq] of this.#told) {
      const now = found.boxes.get(box)
      if (at > moment || now === undefined) continue
      if (now.uidNext < uidNext) say(`UIDNEXT of ${box} is ${now.uidNext}, ${uidNext} was told`)
      if (now.modSeq < modSeq) say(`HIGHESTMODSEQ of ${box} is ${now.modSeq}, ${modSeq} was told`)
    }
    this.#checkQueue(moment, found, say)
    for (const [folder, [{ by }, messages]] of this.#backups) {
      if (by <= moment && found.backups.get(folder) !== messages) {
        say(`the backup holds ${found.backups.get(folder) ?? 'nothing'}, ${messages} messages were acknowledged`)
      }
    }
    return wrong
  }

  #checkMessages(moment: number, found: Contents, say: (text: string) => void): void {
    for (const [place, { placed, added, gone, movedTo, flags }] of this.#messages) {
      const there = found.messages.get(place)
      // With its mailbox, in one step.
      if (!found.boxes.has(placed.box)) continue
      if (there === undefined) {
        if (added.by <= moment && (gone === undefined || gone.from > moment)) say(`message ${place} (${placed.name}) is lost`)
        if (movedTo !== undefined && added.by <= moment && !found.messages.has(movedTo) && !this.#mayBeGone(movedTo, moment, found)) {
          say(`message ${place} (${placed.name}) left and did not arrive at ${movedTo}`)
        }
        continue
      }
      if (added.from > moment) say(`message ${place} is there before it came`)
      if (gone !== undefined && gone.by <= moment) say(`message ${place} (${placed.name}) was gone and is back`)
      if (there.name !== placed.name) say(`message ${place} has other octets than ${placed.name}`)
      if (!valuesAt(flags, moment, flags[0]?.[1]).includes(there.flags))
        say(`message ${place} has the flags ${JSON.stringify(there.flags)}`)
      if (movedTo !== undefined && found.messages.has(movedTo)) say(`message ${place} is at ${movedTo} as well`)
    }
    for (const [place, { name }] of found.messages) {
      if (this.#messages.has(place)) continue
      if (name === undefined || (this.#loose.get(name) ?? Infinity) > moment) say(`nobody added message ${place} (${name ?? 'damaged'})`)
    }
  }

  /** Whether what was moved there may be gone from there too. */
  #mayBeGone(place: string, moment: number, found: Contents): boolean {
    const message = this.#messages.get(place)
    if (message === undefined) return false
    if (!found.boxes.has(message.placed.box)) return true
    return message.gone !== undefined && message.gone.from <= moment
  }

  #checkQueue(moment: number, found: Contents, say: (text: string) => void): void {
    for (const [id, { name, recipients, span, outcomes }] of this.#queue) {
      const entry = found.queue.get(id)
      if (entry === undefined) {
        if (span.by <= moment) say(`queued message ${id} (${name}) is lost`)
        continue
      }
      if (span.from > moment) say(`queued message ${id} is there before it came`)
      if (entry.states.length !== recipients) say(`queued message ${id} has ${entry.states.length} recipients`)
      const isSettled = entry.states.every(state => state === 'delivered' || state === 'failed')
      if (!isSettled && entry.name !== name) say(`queued message ${id} has other octets than ${name}`)
      for (const [index, state] of entry.states.entries()) {
        const allowed = valuesAt(outcomes.get(index) ?? [], moment, 'waiting')
        if (!allowed.includes(state)) say(`recipient ${index} of ${id} is ${state}, not ${allowed.join(' or ')}`)
      }
    }
    const bounces = new Map<string, number>()
    for (const [id, { envelopeId = '' }] of found.queue) {
      if (!this.#queue.has(id)) bounces.set(envelopeId, (bounces.get(envelopeId) ?? 0) + 1)
    }
    for (const [about, { from, by }] of this.#bounces) {
      const count = bounces.get(about) ?? 0
      bounces.delete(about)
      if (count > 1 || (count === 0 && by <= moment) || (count > 0 && from > moment)) say(`${about} is queued ${count} times`)
    }
    for (const about of bounces.keys()) say(`nobody queued ${about === '' ? 'a message that is there' : about}`)
  }
}

/** What may hold at a moment: what was acknowledged last, and whatever began after it. */
function valuesAt<T>(changes: readonly (readonly [Span, T])[], moment: number, before: T): readonly T[] {
  const values: T[] = [before]
  for (const [{ from, by }, value] of changes) {
    if (by <= moment) values.length = 0
    if (from <= moment) values.push(value)
  }
  return values
}
