/** Who fails to log in cannot tell by the clock whether the name exists (S23, G27): two thousand trials, and the test of Mann and Whitney. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FullDirectory } from 'mailwright/directories/memory'
import { seededRandom } from 'mailwright/testing'
import { bothKinds } from '../directories/both.ts'

/** Cheap, so that two thousand trials take seconds: what differs besides the hash stands out the more. */
const COST = { memory: 256, passes: 1 }
const TRIALS = 2000
const SIGNIFICANT = 0.01
/** One true hypothesis in a hundred looks false by chance; a leak looks false every time. */
const ATTEMPTS = 3

/** The two-sided p of the Mann-Whitney test, by its normal approximation with the correction for ties. */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map(value => ({ value, mine: true })), ...b.map(value => ({ value, mine: false }))].sort((x, y) => x.value - y.value)
  let rankSum = 0
  let ties = 0
  for (let at = 0; at < all.length;) {
    let end = at
    while (end < all.length && all[end]?.value === all[at]?.value) end++
    const rank = (at + 1 + end) / 2
    for (let index = at; index < end; index++) if (all[index]?.mine === true) rankSum += rank
    ties += (end - at) ** 3 - (end - at)
    at = end
  }
  const [n, m] = [a.length, b.length]
  const u = rankSum - (n * (n + 1)) / 2
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
  return 2 * (1 - normal(Math.abs(u - (n * m) / 2) / Math.sqrt(variance)))
}

/** The distribution function of the standard normal distribution, to seven digits (Abramowitz and Stegun 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail
}

const password = 'correct horse battery'

/** Milliseconds of failed logins, two thousand of each kind, in an order that changes with each trial. */
async function timesOf(
  directory: FullDirectory,
  cases: readonly (readonly [string, string])[],
  seed: number,
): Promise<readonly number[][]> {
  const random = seededRandom(seed)
  const times = cases.map((): number[] => [])
  for (let trial = -50; trial < TRIALS; trial++) {
    const order = cases.map((_, index) => ({ index, at: random.below(1_000_000) })).sort((a, b) => a.at - b.at)
    for (const { index } of order) {
      const [username = '', secret = ''] = cases[index] ?? []
      const began = performance.now()
      assert.equal(await directory.verify({ kind: 'password', username, password: secret }, 'imap'), undefined)
      if (trial >= 0) times[index]?.push(performance.now() - began)
    }
  }
  return times
}

test('the test itself finds a difference of three in a hundred', () => {
  const random = seededRandom(7)
  const sample = (shift: number): number[] => Array.from({ length: TRIALS }, () => 1 + random.below(1000) / 5000 + shift)
  assert.ok(mannWhitney(sample(0), sample(0)) > SIGNIFICANT)
  assert.ok(mannWhitney(sample(0), sample(0.03)) < 1e-9)
  assert.ok(Math.abs(mannWhitney([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5]) - 0.0963) < 0.001)
})

for (const kind of bothKinds()) {
  test(`${kind.name}: a name that exists and one that does not take equally long (RFC 4954 §4; S23)`, { timeout: 60_000 }, async t => {
    const directory = kind.make({ hashCost: COST })
    await directory.addDomain('example.org')
    await directory.addAccount({ address: 'ann@example.org', password })
    await directory.addAccount({ address: 'off@example.org', password })
    await directory.disable('off@example.org')
    const cases = [
      ['bob@example.org', password],
      ['ann@example.org', 'correct horse buttery'],
      ['off@example.org', password],
    ] as const
    const suspects = new Map([
      ['a wrong password', 1],
      ['a disabled account', 2],
    ])
    for (let attempt = 0; attempt < ATTEMPTS && suspects.size > 0; attempt++) {
      const times = await timesOf(directory, cases, attempt)
      for (const [name, index] of suspects) {
        const p = mannWhitney(times[0] ?? [], times[index] ?? [])
        t.diagnostic(`${name} against an unknown name: p = ${p.toFixed(3)} over ${TRIALS} trials of each`)
        if (p > SIGNIFICANT) suspects.delete(name)
      }
    }
    assert.deepEqual([...suspects.keys()], [], 'told by the clock')
  })
}
