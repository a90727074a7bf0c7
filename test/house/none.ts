import assert from 'node:assert/strict'

/** Passes when a rule found nothing; else fails with every finding on its own line, in full. */
export function none(faults: readonly string[]): void {
  if (faults.length > 0) assert.fail(`${faults.length} to mend:\n${faults.map(fault => `  ${fault}`).join('\n')}`)
}
