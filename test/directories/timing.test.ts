/** How long a failed login takes tells nothing of why it failed (S23). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FullDirectory } from 'mailwright/directories/memory'
import { seededRandom } from 'mailwright/testing'
import { bothKinds } from './both.ts'

/** About a fifth of the real cost: enough trials in little time, and nothing else to hide behind. */
const COST = { memory: 4096, passes: 2 }
const TRIALS = 150
/**
 * How far the chance that one case takes longer than another may lie from one half. Five standard deviations of the
 * Mann-Whitney statistic for this number of trials; without the decoy hash it would be 0.5.
 */
const BOUND = 5 * Math.sqrt((2 * TRIALS + 1) / (12 * TRIALS * TRIALS))

/** The chance that a sample of `a` is greater than one of `b`, ties counted by half: U / (n·m). */
function chanceOfGreater(a: readonly number[], b: readonly number[]): number {
  let greater = 0
  for (const x of a) for (const y of b) greater += x > y ? 1 : x === y ? 0.5 : 0
  return greater / (a.length * b.length)
}

async function peopled(directory: FullDirectory): Promise<readonly (readonly [string, string, string])[]> {
  const password = 'correct horse battery'
  await directory.addDomain('example.org')
  await directory.addAccount({ address: 'ann@example.org', password })
  await directory.addAccount({ address: 'off@example.org', password })
  await directory.disable('off@example.org')
  await directory.addAccount({ address: 'mute@example.org' })
  await directory.addAccount({ address: 'app@example.org', password })
  const secret = await directory.addAppPassword('app@example.org', 'phone', ['imap'])
  return [
    ['nobody of that name', 'bob@example.org', password],
    ['a wrong password', 'ann@example.org', 'correct horse buttery'],
    ['a disabled account', 'off@example.org', password],
    ['no password set', 'mute@example.org', password],
    ['another scope', 'app@example.org', secret],
    ['no address at all', 'bob', password],
  ]
}

for (const kind of bothKinds()) {
  test(`${kind.name}: ${TRIALS} interleaved failures of each kind take equally long`, async () => {
    const directory = kind.make({ hashCost: COST })
    const cases = await peopled(directory)
    const times = cases.map((): number[] => [])
    const random = seededRandom(23)
    for (let round = -5; round < TRIALS; round++) {
      const order = cases.map((_, index) => ({ index, at: random.below(1000) })).sort((a, b) => a.at - b.at)
      for (const { index } of order) {
        const [, username = '', password = ''] = cases[index] ?? []
        const start = process.hrtime.bigint()
        assert.equal(await directory.verify({ kind: 'password', username, password }, 'pop3'), undefined)
        if (round >= 0) times[index]?.push(Number(process.hrtime.bigint() - start))
      }
    }
    const [unknown = []] = times
    const chances = cases.map(([what], index) => [what, chanceOfGreater(times[index] ?? [], unknown)] as const)
    for (const [what, chance] of chances) {
      assert.ok(Math.abs(chance - 0.5) < BOUND, `${what}: takes longer than an unknown name with a chance of ${chance.toFixed(3)}`)
    }
  })
}
