/**
 * Who is next: by priority, then account after account, and within an account destination after destination. Who falls due
 * stands at the end of the line, so that nobody waits for more than one turn of each other.
 */

/** What could be leased: the due recipients of one message in one domain. */
export interface Job<T> {
  readonly priority: number
  readonly account: string
  readonly destination: string
  /** When the first of it fell due. */
  readonly due: number
  readonly what: T
}

interface Lane<T> {
  readonly priority: number
  readonly share: string
  readonly name: string
  readonly jobs: Job<T>[]
}

/** The line, kept from one lease to the next. */
export class Line {
  #turn = 0
  readonly #turns = new Map<string, number>()

  /** Takes the jobs that are next, one by one, until `take` answers `stop`. It may pass over one (`pass`) without using up the turn. */
  serve<T>(jobs: readonly Job<T>[], take: (job: Job<T>) => 'taken' | 'pass' | 'stop'): void {
    const lanes = this.#line(jobs)
    for (;;) {
      let next: Lane<T> | undefined
      for (const lane of lanes.values()) if (lane.jobs.length > 0 && (next === undefined || this.#isBefore(lane, next))) next = lane
      const job = next?.jobs.shift()
      if (next === undefined || job === undefined) return
      const answer = take(job)
      if (answer === 'stop') return
      if (answer === 'pass') next.jobs.length = 0
      else this.#stand([next.share, next.name])
    }
  }

  #line<T>(jobs: readonly Job<T>[]): ReadonlyMap<string, Lane<T>> {
    const lanes = new Map<string, Lane<T>>()
    for (const job of [...jobs].sort((one, other) => one.due - other.due)) {
      const share = JSON.stringify([job.priority, job.account])
      const name = JSON.stringify([job.priority, job.account, job.destination])
      const lane = lanes.get(name) ?? { priority: job.priority, share, name, jobs: [] }
      lane.jobs.push(job)
      lanes.set(name, lane)
      this.#stand([share, name].filter(key => !this.#turns.has(key)))
    }
    const present = new Set([...lanes.values()].flatMap(({ share, name }) => [share, name]))
    for (const key of this.#turns.keys()) if (!present.has(key)) this.#turns.delete(key)
    return lanes
  }

  #stand(keys: readonly string[]): void {
    for (const key of keys) this.#turns.set(key, ++this.#turn)
  }

  #isBefore(one: Lane<unknown>, other: Lane<unknown>): boolean {
    if (one.priority !== other.priority) return one.priority > other.priority
    const turn = (key: string): number => this.#turns.get(key) ?? 0
    return one.share === other.share ? turn(one.name) < turn(other.name) : turn(one.share) < turn(other.share)
  }
}
