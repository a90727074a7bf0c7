/** Foreign programs that the tests talk to, such as swaks and mbsync. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'

/** The full path of a program on `PATH`, or undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return folders.map(folder => join(folder, name)).find(path => isExecutable(path))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * The value for a test's `skip` option: `false` when every program is installed, else the reason to print.
 *
 * In CI (`CI=true`) an absent program is a failure, since a skipped test there would pass for a green one.
 */
export function requireProgram(...names: readonly string[]): string | false {
  const absent = names.filter(name => findProgram(name) === undefined)
  if (absent.length === 0) return false
  const reason = `${absent.join(', ')} not installed`
  if (process.env['CI'] === 'true') throw new Error(`${reason}: .ci/run installs what the tests need where apt is there.`)
  return reason
}

/** Skips a test for what only trying shows, such as a mount that is not allowed. In CI that is a failure, as an absent program is. */
export function skipUnlessCi(t: TestContext, reason: string): void {
  if (process.env['CI'] === 'true') throw new Error(reason)
  t.skip(reason)
}
