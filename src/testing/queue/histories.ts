/** Made-up histories, run on the queue and on the memory queue side by side: they must tell the same after every step. */

import type { Queue, QueuedMessage, QueueLease, QueuePause, QueueSelector, RecipientOutcome } from '../../contracts/index.ts'
import { memoryQueue } from '../../outbound/index.ts'
import { differenceOf, promised } from '../promised.ts'
import { seededRandom, type SeededRandom } from '../seeded-random.ts'
import { letter, MINUTE, type QueueCase, type QueueWorld } from './world.ts'

const ACCOUNTS = ['ann', 'bob', undefined] as const
const SENDERS = ['ann@example.org', 'bob@example.org', ''] as const
const DOMAINS = ['one.example', 'two.example', 'three.example'] as const
const STEPS = 60

/** The properties by name, so that equal objects make equal text. */
function inOrder(value: object): unknown {
  return Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
}

/** A lease as both queues know it. */
interface Pair {
  readonly tried: QueueLease
  readonly model: QueueLease
}

/** Both queues, and which id of the one is which of the other. */
class Twins {
  readonly #world: QueueWorld
  readonly #model: Queue
  readonly #random: SeededRandom
  readonly #seed: number
  readonly #ids: (readonly [tried: string, model: string])[] = []
  #leases: Pair[] = []
  readonly told: string[] = []

  constructor(world: QueueWorld, seed: number) {
    this.#world = world
    this.#seed = seed
    this.#random = seededRandom(seed)
    this.#model = memoryQueue({ clock: world.clock, limits: world.queue.limits })
  }

  #some<T>(items: readonly [T, ...T[]]): T {
    return this.#random.pick(items)
  }

  #below(limit: number): number {
    return this.#random.below(limit)
  }

  #message(): QueuedMessage {
    const account = this.#some(ACCOUNTS)
    const to = Array.from({ length: 1 + this.#below(4) }, () => `r${this.#below(3)}@${this.#some(DOMAINS)}`)
    const now = this.#world.clock.now()
    return letter(to, {
      from: this.#some(SENDERS),
      ...(account === undefined ? {} : { account }),
      ...(this.#below(3) === 0 ? { priority: this.#below(3) - 1 } : {}),
      ...(this.#below(4) === 0 ? { notBefore: now + this.#below(5) * MINUTE } : {}),
      ...(this.#below(6) === 0 ? { expiresAt: now + this.#below(9) * MINUTE } : {}),
      ...(this.#below(6) === 0 ? { deliverBy: { at: now + this.#below(9) * MINUTE, mode: 'notify' as const } } : {}),
      ...(this.#below(4) === 0 ? { idempotencyKey: `k${this.#below(3)}` } : {}),
      text: `letter ${this.#below(4)}`,
    })
  }

  #selector(): { readonly tried: QueueSelector; readonly model: QueueSelector } {
    const account = this.#some(ACCOUNTS)
    const common: QueueSelector = {
      ...(this.#below(4) === 0 ? { from: this.#some(SENDERS) } : {}),
      ...(this.#below(4) === 0 && account !== undefined ? { account } : {}),
      ...(this.#below(3) === 0 ? { destination: this.#some(DOMAINS) } : {}),
      ...(this.#below(5) === 0 ? { recipient: `r${this.#below(3)}@${this.#some(DOMAINS)}` } : {}),
    }
    const id = this.#ids.length > 0 && this.#below(3) === 0 ? this.#ids[this.#below(this.#ids.length)] : undefined
    return id === undefined ? { tried: common, model: common } : { tried: { ...common, id: id[0] }, model: { ...common, id: id[1] } }
  }

  #rule(): QueuePause {
    return this.#some<QueuePause>([{ destination: this.#some(DOMAINS) }, { from: this.#some(SENDERS) }, { account: 'ann' }])
  }

  #same(what: string, tried: unknown, model: unknown): void {
    const difference = differenceOf(tried, model)
    if (difference === undefined) return
    const steps = [`(step ${this.told.length} of the history with seed ${this.#seed})`, ...this.told.slice(-8)].join('\n      ')
    promised(`${what}, as the memory queue has it, after\n      ${steps}\n   `, false, () => difference)
  }

  async step(): Promise<void> {
    const { queue, clock } = this.#world
    const model = this.#model
    const kind = this.#below(20)
    if (kind < 6) {
      const message = this.#message()
      this.told.push(`enqueue ${JSON.stringify({ ...message, content: undefined })}`)
      const [one, other] = [await queue.enqueue(message), await model.enqueue(message)]
      this.#same('whether it is repeated', one.repeated, other.repeated)
      if (!one.repeated) this.#ids.push([one.id, other.id])
    } else if (kind < 10) await this.#lease()
    else if (kind < 13) await this.#settle()
    else if (kind < 15) {
      const ms = this.#below(4) * MINUTE
      this.told.push(`${ms} ms pass`)
      clock.advance(ms)
    } else if (kind === 15) {
      const pairs = this.#leases.filter(() => this.#below(2) === 0)
      this.told.push(`renew ${pairs.map(({ tried }) => `${tried.id} ${tried.token}`).join(', ')}`)
      const lost = await queue.renew(
        pairs.map(({ tried }) => tried),
        2 * MINUTE,
      )
      const lostToo = await model.renew(
        pairs.map(({ model: lease }) => lease),
        2 * MINUTE,
      )
      this.#same(
        'which are void',
        pairs.map(({ tried }) => lost.includes(tried.token)),
        pairs.map(({ model: { token } }) => lostToo.includes(token)),
      )
    } else if (kind < 18) {
      const act = this.#some(['hold', 'release', 'release', 'retry', 'remove'] as const)
      const selector = this.#selector()
      this.told.push(`${act} ${JSON.stringify(selector.tried)}`)
      this.#same('how many', await queue[act](selector.tried), await model[act](selector.model))
    } else {
      const act = this.#some(['pause', 'resume', 'resume'] as const)
      const rule = this.#rule()
      this.told.push(`${act} ${JSON.stringify(rule)}`)
      await queue[act](rule)
      await model[act](rule)
    }
    await this.compare()
  }

  async #lease(): Promise<void> {
    const { queue } = this.#world
    // All that is due: which of it comes first, two queues may see differently.
    const except = this.#below(3) === 0 ? [this.#some(DOMAINS)] : []
    const request = { limit: 10_000, leaseMs: (1 + this.#below(3)) * MINUTE, recipientsPerLease: 1 + this.#below(3), except }
    this.told.push(`lease ${JSON.stringify(request)}`)
    const name = (ids: ReadonlyMap<string, string>, { id, destination, recipients, envelope }: QueueLease): string =>
      JSON.stringify([ids.get(id), destination, recipients.map(one => inOrder(one)), inOrder(envelope)])
    const position = (side: 0 | 1): ReadonlyMap<string, string> => new Map(this.#ids.map((pair, at) => [pair[side], String(at)]))
    const [mine, theirs] = [position(0), position(1)]
    const tried = new Map((await queue.lease(request)).map(lease => [name(mine, lease), lease]))
    const model = new Map((await this.#model.lease(request)).map(lease => [name(theirs, lease), lease]))
    this.#same('what is leased', [...tried.keys()].sort(), [...model.keys()].sort())
    for (const [key, lease] of tried) {
      const twin = model.get(key)
      if (twin !== undefined) this.#leases.push({ tried: lease, model: twin })
    }
    if (this.#leases.length > 12) this.#leases = this.#leases.slice(-12)
  }

  async #settle(): Promise<void> {
    const { queue, clock } = this.#world
    const pairs = this.#leases.filter(() => this.#below(2) === 0)
    const status = { at: clock.now(), code: '4.2.0' as const, text: 'so it was said' }
    const outcome = (): RecipientOutcome => {
      const kind = this.#some(['delivered', 'failed', 'deferred', 'deferred'] as const)
      if (kind !== 'deferred') return { kind, status }
      const dueAt = clock.now() + this.#below(6) * MINUTE
      return { kind, status, dueAt, warned: this.#below(2) === 0, untried: this.#below(4) === 0 }
    }
    const outcomes = pairs.map(({ tried }) =>
      tried.recipients.flatMap(({ index }) => (this.#below(5) === 0 ? [] : [{ index, outcome: outcome() }])),
    )
    const bounce = letter('ann@example.org', { from: '', origin: 'notification', text: `bounce ${this.told.length}` })
    const said = pairs.filter(() => this.#below(3) === 0)
    const sides = await Promise.all(
      (['tried', 'model'] as const).map(side =>
        (side === 'tried' ? queue : this.#model).settle(
          pairs.map((pair, at) => ({ id: pair[side].id, token: pair[side].token, outcomes: outcomes[at] ?? [] })),
          { notifications: said.map(pair => ({ about: pair[side].id, token: pair[side].token, message: bounce })) },
        ),
      ),
    )
    const [lost = [], lostToo = []] = sides
    this.told.push(`settle ${pairs.map(({ tried }, at) => `${tried.id} ${tried.token} ${JSON.stringify(outcomes[at])}`).join('; ')}`)
    this.#same(
      'which are void',
      pairs.map(({ tried }) => lost.includes(tried.token)),
      pairs.map(({ model }) => lostToo.includes(model.token)),
    )
    const fresh: string[][] = [[], []]
    for await (const { id } of queue.list()) if (!this.#ids.some(([tried]) => tried === id)) fresh[0]?.push(id)
    for await (const { id } of this.#model.list()) if (!this.#ids.some(([, model]) => model === id)) fresh[1]?.push(id)
    this.#same('how many notifications were queued', fresh[0]?.length, fresh[1]?.length)
    for (const [at, id] of (fresh[0] ?? []).entries()) this.#ids.push([id, fresh[1]?.[at] ?? ''])
  }

  async compare(): Promise<void> {
    const { queue, clock } = this.#world
    for (const [at, [id, twin]] of this.#ids.entries()) {
      const [entry, other] = [await queue.show(id), await this.#model.show(twin)]
      const strip = (value: typeof entry): unknown =>
        value === undefined
          ? undefined
          : {
              ...value,
              id: undefined,
              // When a settled one would have been due means nothing.
              recipients: value.recipients.map(one => ({
                ...one,
                dueAt: ['waiting', 'held'].includes(one.state) ? Math.max(one.dueAt, clock.now()) : 0,
              })),
            }
      this.#same(`message ${at} (${id})`, strip(entry), strip(other))
    }
    this.#same('the counts', await queue.counts(), await this.#model.counts())
    const next = (due: number | undefined): number | undefined => (due === undefined ? undefined : Math.max(due, clock.now()))
    this.#same('when something is due next', next(await queue.nextDue()), next(await this.#model.nextDue()))
    const sorted = (rules: readonly QueuePause[]): readonly string[] => rules.map(rule => JSON.stringify(rule)).sort()
    this.#same('the pauses', sorted(await queue.paused()), sorted(await this.#model.paused()))
  }
}

export const historyCases: readonly QueueCase[] = [
  {
    name: 'Made-up histories tell the same as those of the memory queue',
    async run(world) {
      for (let history = 0; history < world.histories; history++) {
        const fresh = await world.another({ rememberMs: 12 * MINUTE })
        const twins = new Twins(fresh, world.seed * 1000 + history)
        for (let step = 0; step < STEPS; step++) await twins.step()
      }
    },
  },
]
