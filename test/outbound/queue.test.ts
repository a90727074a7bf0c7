/** The memory queue keeps every promise of the contract: the conformance kit. */

import { test } from 'node:test'
import { memoryQueue, memorySuppressions } from 'mailwright/outbound'
import { queueSuite } from 'mailwright/testing'

const cases = queueSuite({ make: async setting => ({ queue: memoryQueue(setting), suppressions: memorySuppressions() }) })

for (const { name, run } of cases) test(name, run)
