/** The conformance kit of stores. */

import { changeCases } from './changes.ts'
import { copyCases } from './copies.ts'
import { deliveryCases } from './deliveries.ts'
import { endingCases } from './endings.ts'
import { flagCases } from './flags.ts'
import { historyCases } from './histories.ts'
import { largeCases } from './large.ts'
import { mailboxCases } from './mailboxes.ts'
import { messageCases } from './messages.ts'
import { nameCases } from './names.ts'
import { quotaCases } from './quotas.ts'
import { raceCases } from './races.ts'
import type { ConformanceCase } from '../promised.ts'
import { casesFor, type StoreFactory, type StoreSuiteOptions } from './suite.ts'

export type { StoreFactory, StoreSuiteOptions } from './suite.ts'
export type { StorePower } from './world.ts'

/**
 * Every promise of `MailStore` as a list of cases: host them in the test runner of your choice. Cases are independent of one
 * another, each with a fresh store, and may run in any order.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { mailStoreSuite } from 'mailwright/testing'
 * import { memoryStore } from 'mailwright/stores/memory'
 *
 * for (const { name, run } of mailStoreSuite({ make: async () => memoryStore() })) test(name, run)
 * ```
 */
export function mailStoreSuite(factory: StoreFactory, options: StoreSuiteOptions = {}): readonly ConformanceCase[] {
  return casesFor(factory, options, [
    ...mailboxCases,
    ...messageCases,
    ...flagCases,
    ...copyCases,
    ...changeCases,
    ...quotaCases,
    ...deliveryCases,
    ...nameCases,
    ...historyCases,
    ...raceCases,
    ...endingCases,
    ...largeCases,
  ])
}
