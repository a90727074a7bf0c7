/** The conformance kit of directories: every promise of `contracts/directory.ts` as a case that any test runner can host. */

import { asBrokenPromise, type ConformanceCase } from '../promised.ts'
import { addressCases } from './addresses.ts'
import { adminCases } from './admin.ts'
import type { TestableDirectory } from './bench.ts'
import { loginCases } from './logins.ts'

export type { TestableDirectory } from './bench.ts'

/** How the kit gets directories to try. */
export interface DirectoryFactory {
  /** A fresh, empty directory. Hashes may be as cheap as the directory allows. */
  make(): Promise<TestableDirectory>
  /** Throws a directory away with all it left behind. Default: nothing is done. */
  dispose?(directory: TestableDirectory): Promise<void>
}

/**
 * The cases of directories that fold ASCII case in local parts and part `+detail` from the name, as those of this library
 * do. Each has a fresh directory; they may run in any order.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { memoryDirectory } from 'mailwright/directories/memory'
 * import { directorySuite } from 'mailwright/testing'
 *
 * for (const { name, run } of directorySuite({ make: async () => memoryDirectory() })) test(name, run)
 * ```
 */
export function directorySuite(factory: DirectoryFactory): readonly ConformanceCase[] {
  return [...addressCases, ...loginCases, ...adminCases].map(({ name, run }) => ({
    name,
    run: async () => {
      const directory = await factory.make()
      try {
        await run(directory)
      } catch (error) {
        throw asBrokenPromise(name, error)
      } finally {
        await factory.dispose?.(directory)
      }
    },
  }))
}
