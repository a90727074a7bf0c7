/**
 * Hands out what is due: by priority, then account after account and destination after destination. A lane whose mail falls
 * due stands at the end of the line. All look-ups go by index, so that a lease costs the same however much waits.
 */

import { endLeases, Pauses } from './queue-lanes.ts'
import type { LeasedInput, LeasedRow, QueueTaskOf } from './queue-task.ts'
import type { Sql } from './sql.ts'
import type { WriteContext } from './write-context.ts'

type Request = QueueTaskOf<'lease'>

/** Recipients of a message that are gone through for each lease of it. */
const FEW = 1000

/** Recipients that are read ahead from a lane, at first and at most. */
const AHEAD = 4
const MOST_AHEAD = 256

type HeadRow = readonly [
  message: number,
  ...row: LeasedRow,
  at: number,
  recipients: number,
  envelope: string,
  prefix: Uint8Array | null,
  ...place: PlaceRow,
]
type PlaceRow = readonly [id: number | null, segment: number, start: number, size: number, sums: Uint8Array]

const HEADS = `SELECT r.message, r.place, r.address, r.wishes, r.attempts, r.warned, r.last, r.at, m.recipients, m.envelope, m.prefix,
    c.id, c.segment, c.start, c.size, c.sums
  FROM queue_recipient AS r INDEXED BY queue_recipient_lane CROSS JOIN queue_message AS m ON m.id = r.message
    LEFT JOIN content AS c ON c.id = m.content
  WHERE r.lane = ? AND r.state < 4 AND r.state = 0 AND r.at <= ? ORDER BY r.at, r.message, r.place LIMIT +?`

/** Leases what is due. */
export function lease({ sql }: WriteContext, request: Request): readonly LeasedInput[] {
  endLeases(sql, request.now, new Pauses(sql))
  const turns = new Turns(sql)
  makeReady(sql, request.now, turns)
  const leases: LeasedInput[] = []
  const touched: Lane[] = []
  const allowances = new Allowances(request)
  for (const shares of sharesByPriority(sql, request.limit, allowances)) {
    const ring = shares.map(id => new Share(sql, request, id, touched))
    while (ring.length > 0 && leases.length < request.limit) {
      const share = ring.shift()
      const found = share?.next(allowances, turns)
      if (share === undefined || found === undefined) continue
      allowances.use(found.destination)
      leases.push(found)
      ring.push(share)
    }
    if (leases.length >= request.limit) break
  }
  settleLanes(sql, request.now, touched)
  turns.keep()
  return leases
}

/** The numbers by which turns and tokens are told apart: each is given once. */
class Turns {
  readonly #sql: Sql
  readonly #first: number
  #last: number

  constructor(sql: Sql) {
    this.#sql = sql
    this.#first = sql.number("SELECT value FROM counter WHERE name = 'queue-turn'")
    this.#last = this.#first
  }

  next(): number {
    return ++this.#last
  }

  keep(): void {
    if (this.#last > this.#first) this.#sql.run("UPDATE counter SET value = ? WHERE name = 'queue-turn'", this.#last)
  }
}

/** Puts lanes in which something fell due at the end of the line. */
function makeReady(sql: Sql, now: number, turns: Turns): void {
  const woken = sql.rows<[number, number]>(
    'SELECT id, share FROM queue_lane WHERE ready = 0 AND due IS NOT NULL AND due <= ? ORDER BY due, id',
    now,
  )
  for (const [lane, share] of woken) {
    sql.run('UPDATE queue_lane SET ready = 1, turn = ? WHERE id = ?', turns.next(), lane)
    sql.run('UPDATE queue_share SET ready = 1, turn = ? WHERE id = ? AND ready = 0', turns.next(), share)
  }
}

/** What each destination may still have in this call. */
class Allowances {
  readonly #left: Map<string, number>
  readonly #otherwise: number
  /** Destinations that may have no more. */
  readonly #full: Set<string>

  constructor({ except, allowances, perDestination }: Request) {
    this.#left = new Map(allowances)
    this.#otherwise = perDestination
    this.#full = new Set([...except, ...allowances.flatMap(([destination, most]) => (most > 0 ? [] : [destination]))])
  }

  has(destination: string): boolean {
    return !this.#full.has(destination) && (this.#left.get(destination) ?? this.#otherwise) > 0
  }

  use(destination: string): void {
    const left = (this.#left.get(destination) ?? this.#otherwise) - 1
    this.#left.set(destination, left)
    if (left < 1) this.#full.add(destination)
  }

  /** Those that may have no more, as JSON: what SQLite passes over costs next to nothing. */
  get full(): string {
    return JSON.stringify([...this.#full])
  }
}

/** The shares with something ready, those of one priority together, in the order of their turns, in pages. */
function* sharesByPriority(sql: Sql, limit: number, allowances: Allowances): Generator<readonly number[]> {
  const seen = new Set<number>()
  for (let page = limit; ; page *= 2) {
    const rows = sql
      .rows<[number, number]>(
        `SELECT s.id, s.priority FROM queue_share AS s WHERE s.ready = 1 AND EXISTS (SELECT 1 FROM queue_lane AS l
           WHERE l.share = s.id AND l.ready = 1 AND l.destination NOT IN (SELECT value FROM json_each(?)))
         ORDER BY s.priority DESC, s.turn LIMIT +?`,
        allowances.full,
        page + seen.size,
      )
      .filter(([id]) => !seen.has(id))
    if (rows.length === 0) return
    for (const [id] of rows) seen.add(id)
    for (const shares of Map.groupBy(rows, ([, priority]) => priority).values()) yield shares.map(([id]) => id)
  }
}

/** One account's lanes of one priority, taking turns. */
class Share {
  readonly #id: number
  readonly #sql: Sql
  readonly #request: Request
  readonly #touched: Lane[]
  #lanes: Lane[] = []
  #page: number
  /** The turn after which the next page of lanes begins; `undefined` after the last one. */
  #after: number | undefined = -1

  constructor(sql: Sql, request: Request, id: number, touched: Lane[]) {
    this.#sql = sql
    this.#request = request
    this.#id = id
    this.#touched = touched
    this.#page = request.limit
  }

  next(allowances: Allowances, turns: Turns): LeasedInput | undefined {
    for (;;) {
      const lane = this.#lanes.shift()
      if (lane === undefined) {
        if (this.#after === undefined) return undefined
        this.#read(this.#after, allowances)
        continue
      }
      if (!allowances.has(lane.destination)) continue
      if (!lane.isTouched) {
        lane.isTouched = true
        this.#touched.push(lane)
      }
      const found = lane.next(turns)
      if (found === undefined) continue
      this.#lanes.push(lane)
      return found
    }
  }

  #read(after: number, allowances: Allowances): void {
    const rows = this.#sql.rows<[number, string, number]>(
      `SELECT id, destination, turn FROM queue_lane WHERE share = ? AND ready = 1 AND turn > ?
         AND destination NOT IN (SELECT value FROM json_each(?)) ORDER BY turn LIMIT +?`,
      this.#id,
      after,
      allowances.full,
      this.#page,
    )
    this.#lanes.push(...rows.map(([id, destination]) => new Lane(this.#sql, this.#request, id, this.#id, destination)))
    this.#after = rows.length < this.#page ? undefined : rows.at(-1)?.[2]
    this.#page *= 2
  }
}

/** What is due for one destination. */
class Lane {
  readonly id: number
  readonly share: number
  readonly destination: string
  /** The last turn it had in this call. */
  turn = 0
  isTouched = false
  readonly #sql: Sql
  readonly #request: Request
  /** Recipients that were leased together with another one of their message. */
  readonly #gone = new Set<string>()
  #heads: HeadRow[] = []
  #ahead = AHEAD

  constructor(sql: Sql, request: Request, id: number, share: number, destination: string) {
    this.#sql = sql
    this.#request = request
    this.id = id
    this.share = share
    this.destination = destination
  }

  next(turns: Turns): LeasedInput | undefined {
    for (;;) {
      const head = this.#heads.shift()
      if (head === undefined) {
        this.#gone.clear()
        this.#heads = [...this.#sql.rows<HeadRow>(HEADS, this.id, this.#request.now, this.#ahead)]
        if (this.#heads.length === 0) return undefined
        this.#ahead = Math.min(this.#ahead * 4, MOST_AHEAD)
      } else if (!this.#gone.has(`${head[0]} ${head[1]}`)) return this.#lease(head, turns)
    }
  }

  #lease(head: HeadRow, turns: Turns): LeasedInput {
    const [message, place, address, wishes, attempts, warned, last, at, recipients, envelope, prefix, id, segment, start, size, sums] = head
    const rows: readonly LeasedRow[] =
      recipients === 1
        ? [[place, address, wishes, attempts, warned, last]]
        : recipients <= FEW
          ? this.#dueOf(message)
          : this.#dueWith(message, at)
    const token = (this.turn = turns.next())
    const until = this.#request.now + this.#request.leaseMs
    for (const [one] of rows) {
      this.#sql.run('UPDATE queue_recipient SET state = 1, at = ?, token = ? WHERE message = ? AND place = ?', until, token, message, one)
      if (recipients > 1) this.#gone.add(`${message} ${one}`)
    }
    const content = id === null ? undefined : { id, segment, start, size, sums }
    return { message, token, destination: this.destination, envelope, prefix, place: content, recipients: rows }
  }

  /** Those that fell due together with the head: of a message to very many this is a look-up by index, where all of them would be gone through. */
  #dueWith(message: number, at: number): readonly LeasedRow[] {
    return this.#sql.rows<LeasedRow>(
      `SELECT place, address, wishes, attempts, warned, last FROM queue_recipient INDEXED BY queue_recipient_lane
       WHERE lane = ? AND state < 4 AND state = 0 AND at = ? AND message = ? ORDER BY place LIMIT +?`,
      this.id,
      at,
      message,
      this.#request.recipientsPerLease,
    )
  }

  #dueOf(message: number): readonly LeasedRow[] {
    // The signs keep SQLite from going through the lane instead of the message.
    return this.#sql.rows<LeasedRow>(
      `SELECT place, address, wishes, attempts, warned, last FROM queue_recipient
       WHERE message = ? AND +lane = ? AND +state = 0 AND +at <= ? ORDER BY place LIMIT +?`,
      message,
      this.id,
      this.#request.now,
      this.#request.recipientsPerLease,
    )
  }
}

/** Gives lanes that had a turn their new place in the line, or lets them sleep until something falls due. */
function settleLanes(sql: Sql, now: number, lanes: readonly Lane[]): void {
  const shares = new Map<number, number>()
  for (const { id, share, turn } of lanes) {
    const due = sql.row<[number]>(
      'SELECT at FROM queue_recipient INDEXED BY queue_recipient_lane WHERE lane = ? AND state < 4 AND state = 0 ORDER BY at LIMIT 1',
      id,
    )?.[0]
    const ready = due !== undefined && due <= now ? 1 : 0
    sql.run('UPDATE queue_lane SET ready = ?, due = ?, turn = max(turn, ?) WHERE id = ?', ready, due ?? null, turn, id)
    shares.set(share, Math.max(shares.get(share) ?? 0, turn))
  }
  for (const [share, turn] of shares) {
    sql.run(
      `UPDATE queue_share SET turn = max(turn, ?1), ready = EXISTS (SELECT 1 FROM queue_lane WHERE share = ?2 AND ready = 1) WHERE id = ?2`,
      turn,
      share,
    )
  }
}
