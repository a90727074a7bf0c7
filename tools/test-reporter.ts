/**
 * Node's spec reporter without its closing block: `tools/test.ts` runs two groups and prints one total for both.
 * The counts and the reasons of skipped tests go to the file named by `MAILWRIGHT_TEST_COUNTS`.
 */
import { writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { spec as Spec } from 'node:test/reporters'
import type { TestEvent } from 'node:test/reporters'

/** What one group of tests came to. Skipped tests carry the reason they printed. */
export interface Counts {
  readonly tests: number
  readonly suites: number
  readonly passed: number
  readonly failed: number
  readonly cancelled: number
  readonly skipped: number
  readonly todo: number
  readonly skips: readonly { readonly name: string; readonly reason: string }[]
}

const closingLine = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<Buffer | string> {
  const skips: { name: string; reason: string }[] = []

  async function* withoutClosing(): AsyncGenerator<TestEvent> {
    for await (const event of source) {
      if (event.type === 'test:diagnostic' && event.data.nesting === 0 && closingLine.test(event.data.message)) continue
      if (event.type === 'test:pass' && event.data.skip !== undefined && event.data.skip !== false) {
        skips.push({ name: event.data.name, reason: event.data.skip === true ? 'no reason given' : event.data.skip })
      }
      if (event.type === 'test:summary' && event.data.file === undefined && process.env['MAILWRIGHT_TEST_COUNTS'] !== undefined) {
        writeFileSync(process.env['MAILWRIGHT_TEST_COUNTS'], JSON.stringify({ ...event.data.counts, skips }))
      }
      yield event
    }
  }

  yield* Readable.from(withoutClosing()).pipe(new Spec()) as AsyncIterable<Buffer>
}
