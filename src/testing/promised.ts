/** What the conformance kits have in common: cases that any runner hosts, and failures that say what was promised and what was seen. */

import assert from 'node:assert/strict'
import type { MailErrorKind } from '../contracts/index.ts'

/** A case: a sentence that says what is promised, and its proof, which rejects when the promise is broken. */
export interface ConformanceCase {
  readonly name: string
  /** Resolves when the promise is kept; rejects with what was promised and what was seen. */
  readonly run: () => Promise<void>
}

/** Fails unless what was promised holds; `seen` says what was seen instead. */
export function promised(promise: string, holds: boolean, seen: () => string): void {
  if (!holds) throw new assert.AssertionError({ message: `Promised: ${promise}\n    Seen: ${seen()}`, operator: 'promised' })
}

/** Fails unless both are the same, and says where they differ. */
export function same(promise: string, seen: unknown, expected: unknown): void {
  const difference = differenceOf(seen, expected)
  if (difference !== undefined) {
    throw new assert.AssertionError({ message: `Promised: ${promise}\n    Seen: ${difference}`, actual: seen, expected, operator: 'same' })
  }
}

/** Where two values differ; `undefined` when they are the same. */
export function differenceOf(seen: unknown, expected: unknown): string | undefined {
  try {
    assert.deepEqual(seen, expected)
    return undefined
  } catch (error) {
    return isSameData(seen, expected) ? undefined : error instanceof Error ? error.message : String(error)
  }
}

/**
 * Whether values differ in nothing but where their prototypes come from: Jest runs tests in a context of their own, and what a thread or the
 * runtime hands over has the arrays of another.
 */
function isSameData(seen: unknown, expected: unknown): boolean {
  try {
    assert.deepEqual(structuredClone(seen), structuredClone(expected))
    return true
  } catch {
    return false
  }
}

/** Fails unless the call rejects with a MailError of that kind. */
export async function refuses(promise: string, call: Promise<unknown>, ...kinds: readonly MailErrorKind[]): Promise<void> {
  const seen = await call.then(
    () => 'it resolved',
    (error: unknown) => kindOf(error),
  )
  promised(
    `${promise} (${kinds.join(' or ')})`,
    kinds.some(kind => kind === seen),
    () => seen,
  )
}

/** The kind of a MailError, also of one that another copy of the class made; else what it is instead. */
export function kindOf(error: unknown): string {
  if (error instanceof Error && error.name === 'MailError' && 'kind' in error && typeof error.kind === 'string') return error.kind
  return `rejected with ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

/** A call that failed where it should not have breaks the promise as well. */
export function asBrokenPromise(name: string, error: unknown): Error {
  if (error instanceof assert.AssertionError) return error
  const failure = new assert.AssertionError({
    message: `Promised: ${name}\n    Seen: a call failed: ${String(error)}`,
    operator: 'promised',
  })
  failure.cause = error
  return failure
}
