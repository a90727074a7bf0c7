import { test } from 'node:test'
import { memoryDirectory } from 'mailwright/directories/memory'
import { directorySuite } from 'mailwright/testing'

for (const { name, run } of directorySuite({ make: async () => memoryDirectory({ hashCost: { memory: 8, passes: 1 } }) })) test(name, run)
