/** The conformance kit of queues. */

import type { ConformanceCase } from '../promised.ts'
import { arrivalCases } from './arrivals.ts'
import { endingCases } from './endings.ts'
import { historyCases } from './histories.ts'
import { keyCases } from './keys.ts'
import { leaseCases } from './leases.ts'
import { orderCases } from './order.ts'
import { outcomeCases } from './outcomes.ts'
import { pauseCases } from './pauses.ts'
import { steeringCases } from './steering.ts'
import { casesFor, type QueueFactory, type QueueSuiteOptions } from './suite.ts'
import { suppressionCases } from './suppressions.ts'
import { tellingCases } from './telling.ts'
import { tokenCases } from './tokens.ts'

export type { QueueFactory, QueueSetting, QueueSuiteOptions } from './suite.ts'
export type { TestableQueue } from './world.ts'

/**
 * Every promise of `Queue` and `SuppressionList` as a list of cases: host them in the test runner of your choice. Cases are
 * independent of one another, each with a fresh queue, and may run in any order.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { memoryQueue } from 'mailwright/outbound'
 * import { queueSuite } from 'mailwright/testing'
 *
 * const cases = queueSuite({ make: async setting => ({ queue: memoryQueue(setting) }) }, { suppressions: false })
 * for (const { name, run } of cases) test(name, run)
 * ```
 */
export function queueSuite(factory: QueueFactory, options: QueueSuiteOptions = {}): readonly ConformanceCase[] {
  return casesFor(factory, options, [
    ...arrivalCases,
    ...keyCases,
    ...leaseCases,
    ...tokenCases,
    ...outcomeCases,
    ...orderCases,
    ...steeringCases,
    ...pauseCases,
    ...tellingCases,
    ...suppressionCases,
    ...endingCases,
    ...historyCases,
  ])
}
