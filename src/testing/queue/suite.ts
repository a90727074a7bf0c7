/** How the conformance kit of queues gets its queues, and how its cases run. */

import type { Clock, QueueLimits } from '../../contracts/index.ts'
import { fakeClock } from '../fake-clock.ts'
import { asBrokenPromise, type ConformanceCase } from '../promised.ts'
import type { QueueCase, QueueWorld, TestableQueue } from './world.ts'

/** What a queue of the kit must go by. */
export interface QueueSetting {
  /** The queue's time: leases, due times and expiry. It moves only when a case moves it. */
  readonly clock: Clock
  readonly limits: Partial<QueueLimits>
}

/** How the kit gets queues to try. */
export interface QueueFactory {
  /** A fresh, empty queue. */
  make(setting: QueueSetting): Promise<TestableQueue>
  /**
   * Ends the queue as a crash would, without `close()` and without another chance to write, and opens what it left. With it
   * the kit proves that whatever was acknowledged is there again. Leave it out for volatile queues.
   */
  reopen?(queue: TestableQueue, setting: QueueSetting): Promise<TestableQueue>
  /** Throws a queue away with all it left behind. Default: `queue.close()`. */
  dispose?(queue: TestableQueue): Promise<void>
}

/** Options of {@link queueSuite}. */
export interface QueueSuiteOptions {
  /** Whether there is a suppression list. Default: true. */
  readonly suppressions?: boolean
  /** Number of made-up histories. Default: 20. */
  readonly histories?: number
  /** Makes the histories up: the same seed, the same histories. Default: 1. */
  readonly seed?: number
}

/** The cases that the factory allows, without a runner. */
export function casesFor(factory: QueueFactory, options: QueueSuiteOptions, cases: readonly QueueCase[]): readonly ConformanceCase[] {
  const able = (need: 'reopen' | 'suppressions'): boolean =>
    need === 'reopen' ? factory.reopen !== undefined : (options.suppressions ?? true)
  return cases
    .filter(({ needs = [] }) => needs.every(able))
    .map(({ name, run }) => ({
      name,
      run: async () => {
        const world = await makeWorld(factory, options, {})
        try {
          await run(world)
        } catch (error) {
          throw asBrokenPromise(name, error)
        } finally {
          await world.end()
        }
      },
    }))
}

async function makeWorld(factory: QueueFactory, options: QueueSuiteOptions, limits: Partial<QueueLimits>): Promise<QueueWorld> {
  const clock = fakeClock()
  const setting: QueueSetting = { clock, limits }
  let tried = await factory.make(setting)
  const others: QueueWorld[] = []
  return {
    get queue() {
      return tried.queue
    },
    get suppressions() {
      return tried.suppressions
    },
    clock,
    histories: options.histories ?? 20,
    seed: options.seed ?? 1,
    async crash() {
      if (factory.reopen === undefined) throw new Error('this case needs a factory with reopen()')
      tried = await factory.reopen(tried, setting)
    },
    async another(other = {}) {
      const world = await makeWorld(factory, options, other)
      others.push(world)
      return world
    },
    async end() {
      for (const other of others) await other.end()
      await (factory.dispose === undefined ? tried.queue.close() : factory.dispose(tried))
    },
  }
}
