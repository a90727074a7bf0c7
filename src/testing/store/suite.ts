/** The conformance kit of stores: every promise of `contracts/mail-store.ts` as a case that any test runner can host. */

import type { MailStore } from '../../contracts/index.ts'
import { asBrokenPromise, type ConformanceCase } from '../promised.ts'
import { promised, type StoreCase, type StorePower, type World } from './world.ts'

/** How the kit gets stores to try. */
export interface StoreFactory {
  /** A fresh, empty store. */
  make(): Promise<MailStore>
  /**
   * Ends the store as a crash would, without `close()` and without another chance to write, and opens what it left. With it
   * the kit proves that whatever was acknowledged is there again. Leave it out for volatile stores.
   */
  reopen?(store: MailStore): Promise<MailStore>
  /** Throws a store away with all it left behind. Called once for every store that is still there. Default: `store.close()`. */
  dispose?(store: MailStore): Promise<void>
}

/** Options of {@link mailStoreSuite}. */
export interface StoreSuiteOptions {
  /**
   * The optional powers that the store claims; cases of other powers are left out, and a case of its own proves that the
   * store has exactly these. Default: all of them.
   */
  readonly powers?: readonly StorePower[]
  /** Number of messages in the large mailbox. Default: 100,000. */
  readonly many?: number
  /** Number of made-up histories. Default: 30. */
  readonly histories?: number
  /** Makes the histories up: the same seed, the same histories. Default: 1. */
  readonly seed?: number
}

const ALL_POWERS: readonly StorePower[] = ['deliver', 'removeAccount', 'usage', 'move', 'vanishedSince', 'emailId']

/** The cases for the powers at hand, without a runner. */
export function casesFor(factory: StoreFactory, options: StoreSuiteOptions, cases: readonly StoreCase[]): readonly ConformanceCase[] {
  const powers = new Set(options.powers ?? ALL_POWERS)
  const able = (need: StorePower | 'reopen'): boolean => (need === 'reopen' ? factory.reopen !== undefined : powers.has(need))
  return [exactPowers, ...cases]
    .filter(({ needs = [] }) => needs.every(able))
    .map(({ name, run }) => ({
      name,
      run: async () => {
        const world = await makeWorld(factory, options, powers)
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

async function makeWorld(factory: StoreFactory, options: StoreSuiteOptions, powers: ReadonlySet<StorePower>): Promise<World> {
  let store = await factory.make()
  return {
    get store() {
      return store
    },
    powers,
    many: options.many ?? 100_000,
    histories: options.histories ?? 30,
    seed: options.seed ?? 1,
    async crash() {
      if (factory.reopen === undefined) throw new Error('this case needs a factory with reopen()')
      store = await factory.reopen(store)
    },
    another: () => makeWorld(factory, options, powers),
    end: () => (factory.dispose === undefined ? store.close() : factory.dispose(store)),
  }
}

const exactPowers: StoreCase = {
  name: 'The store has exactly the powers that were declared to the kit',
  async run({ store, powers }) {
    const account = await store.open('ann')
    const mailbox = account.mailbox((await account.mailboxes())[0]?.id ?? '')
    const has: Readonly<Record<Exclude<StorePower, 'emailId'>, boolean>> = {
      deliver: store.deliver !== undefined,
      removeAccount: store.removeAccount !== undefined,
      usage: account.usage !== undefined,
      move: mailbox.move !== undefined,
      vanishedSince: mailbox.vanishedSince !== undefined,
    }
    for (const [power, present] of Object.entries(has)) {
      const declared = [...powers].some(name => name === power)
      promised(`the power ${power} is ${declared ? 'there' : 'not there'}, as declared`, present === declared, () =>
        present ? 'it is there' : 'it is missing',
      )
    }
  },
}
