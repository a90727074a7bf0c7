import { test } from 'node:test'
import { memoryStore } from 'mailwright/stores/memory'
import { mailStoreSuite } from 'mailwright/testing'

for (const { name, run } of mailStoreSuite({ make: async () => memoryStore() })) test(name, run)
