/** Searches that were made to cost: many texts, and texts that overlap themselves (P6, M6; RFC 9051 §6.4.4). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, transcript } from 'mailwright/testing'
import { finderOf, isRepetitive } from '../../src/imap/search/finder.ts'
import { mail, world } from '../imap/world.ts'
import { processorTime } from '../support/processor-time.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
`

test('one SEARCH looks for sixty-four texts and no more (RFC 9051 §6.4.4; RFC 5530 §3)', () =>
  transcript(
    world({ messages: [mail('one', 'Hello'), mail('two', `${'a'.repeat(500)}b${'a'.repeat(500)}`)] }),
    `${LOGIN}
  C: a3 SEARCH ${'TEXT hello '.repeat(64).trimEnd()}
  S: * SEARCH 1
  S: a3 OK *
  C: a4 SEARCH ${'TEXT hello '.repeat(65).trimEnd()}
  S: a4 NO [LIMIT] *
  C: a5 SEARCH ${'OR SUBJECT none '.repeat(40)}${'BODY none '.repeat(30).trimEnd()}
  S: a5 NO [LIMIT] *
  C: a6 SEARCH RETURN (SAVE) ${'HEADER X-None none '.repeat(65).trimEnd()}
  S: a6 NO [LIMIT] *
  C: a7 SEARCH BODY ${'a'.repeat(400)}b${'a'.repeat(400)}
  S: * SEARCH 2
  S: a7 OK *
  C: a8 SEARCH BODY ${'a'.repeat(501)}b${'a'.repeat(400)}
  S: * SEARCH
  S: a8 OK *
`,
  ))

test('whichever way a text is looked for, the same is found: 20,000 random ones', () => {
  const random = seededRandom(6)
  const made = (length: number): string => Array.from({ length }, () => 'ab'[random.below(8) === 0 ? 1 : 0]).join('')
  let patient = 0
  for (let count = 0; count < 20_000; count++) {
    const needle = made(random.below(40))
    const text = random.below(2) === 0 ? made(random.below(200)) : `${made(random.below(90))}${needle}${made(random.below(90))}`
    if (isRepetitive(needle)) patient++
    assert.equal(finderOf(needle)(text), text.includes(needle), JSON.stringify([needle, text]))
  }
  assert.ok(patient > 1000 && patient < 19_000)
  for (const plain of ['', 'unsubscribe', 'Re: The meeting of next Tuesday', 'https://www.example.org/a/b/c'])
    assert.equal(isRepetitive(plain), false)
})

test('a text that overlaps itself costs no more than the text it is looked for in is long (M6)', t => {
  const text = 'a'.repeat(16 * 1024 * 1024)
  for (const half of [8, 500, 30_000]) {
    const needle = `${'a'.repeat(half)}b${'a'.repeat(half)}`
    const began = processorTime()
    assert.equal(finderOf(needle)(text), false)
    const took = processorTime() - began
    t.diagnostic(`${needle.length} characters in 16 MiB: ${took.toFixed(0)} ms`)
    assert.ok(took < 1000, `${took} ms`)
  }
})
