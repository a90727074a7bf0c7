import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressOn, share } from '../../src/cli/progress.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'

function written(isTTY: boolean): { readonly texts: string[]; readonly stream: Parameters<typeof progressOn>[0] } {
  const texts: string[] = []
  return { texts, stream: { isTTY, columns: 30, write: text => texts.push(text) } }
}

test('where a person looks one line is rewritten, and gone at the end', () => {
  const clock = fakeClock()
  const { texts, stream } = written(true)
  const progress = progressOn(stream, () => clock.monotonic())
  progress.at(share('looking at the contents', 1000, 340_000))
  progress.at('too soon')
  clock.advance(100)
  progress.at('then')
  progress.end()
  progress.end()
  assert.deepEqual(texts, ['\r\u001b[Klooking at the contents, 1,00', '\r\u001b[Kthen', '\r\u001b[K'])
})

test('in a log there is a line every three seconds, and none for what is over sooner', () => {
  const clock = fakeClock()
  const { texts, stream } = written(false)
  const progress = progressOn(stream, () => clock.monotonic())
  for (let second = 0; second < 7; second++) {
    progress.at(share('making summaries', second, 7))
    clock.advance(1000)
  }
  progress.end()
  assert.deepEqual(texts, ['mailwright: making summaries, 3 of 7 (42 %)\n', 'mailwright: making summaries, 6 of 7 (85 %)\n'])
})
