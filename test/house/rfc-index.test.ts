import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { citationsIn, currentIndex, rfcIndex } from '../../tools/rfc-index.ts'
import { root } from './tree.ts'

test('docs/rfc.md is what the citations say', () => {
  const page = readFileSync(join(root, 'docs', 'rfc.md'), 'utf8')
  assert.ok(page === currentIndex(root), 'docs/rfc.md is behind the sources: run "npm run docs:rfc" and commit it with them.')
})

test('citations are read with lists, line ends and remarks', () => {
  const read = (text: string): string[] => citationsIn(text).map(({ rfc, section, status }) => `${rfc} ${section} ${status}`)
  assert.deepEqual(read('RFC 9051 §6.4.7'), ['9051 6.4.7 yes'])
  assert.deepEqual(read('RFC 5321 §2.3.8, §4.5.2; RFC 3030 §2.'), ['5321 2.3.8 yes', '5321 4.5.2 yes', '3030 2 yes'])
  assert.deepEqual(read(' * RFC 9051\n * §7.5.1 and §A.2, as said'), ['9051 7.5.1 yes', '9051 A.2 yes'])
  assert.deepEqual(read('RFC 5256 §3 (partial: no US-ASCII fallback), §4 (no: later)'), ['5256 3 partial', '5256 4 no'])
  assert.deepEqual(read('RFC 1939 is old'), ['1939  yes'])
})

test('the index is ordered by number and section, with code apart from tests', () => {
  const page = rfcIndex(
    new Map([
      ['src/imap/a.ts', 'RFC 9051 §6.10; RFC 1939 §7'],
      ['test/imap/a.test.ts', 'RFC 9051 §6.2'],
    ]),
  )
  const rows = page.split('\n').filter(line => line.startsWith('| [') || line.startsWith('##'))
  assert.deepEqual(
    rows.map(row => row.replaceAll(/\]\([^)]*\)/g, ']')),
    [
      '## RFC 1939: POP3',
      '| [§7] | yes | [imap/a.ts] |  |',
      '## RFC 9051: IMAP4rev2',
      '| [§6.2] | tests only |  | [imap/a.test.ts] |',
      '| [§6.10] | yes | [imap/a.ts] |  |',
    ],
  )
})
