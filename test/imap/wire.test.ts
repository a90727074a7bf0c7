import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'mailwright/testing'
import { SyntaxFault } from '../../src/bytes/cursor.ts'
import { commands } from '../../src/imap/commands/index.ts'
import { matchesPattern } from '../../src/imap/list-match.ts'
import { printDateTime, dateTime } from '../../src/imap/wire/date-time.ts'
import { literalTail } from '../../src/imap/wire/literal-tail.ts'
import { Parser } from '../../src/imap/wire/parser.ts'
import { resolveSet, sequenceSet } from '../../src/imap/wire/sequence-set.ts'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)

const GOOD: readonly string[] = [
  'a FETCH 1:*,3 (UID FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From "To")]<0.100>) (CHANGEDSINCE 12)',
  'a UID SEARCH RETURN (MIN SAVE) CHARSET UTF-8 OR (NOT SEEN) HEADER x {3+}\r\nabc SINCE 1-Feb-2026',
  'a STORE $ (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Seen $x)',
  'a LIST (SUBSCRIBED) "" (a "b%") RETURN (STATUS (MESSAGES) CHILDREN)',
  'a APPEND INBOX (\\Seen) " 1-Jan-2026 00:00:00 +0000" {12}',
  'a LOGIN "a\\"b" {2}\r\nxy',
  'a CREATE x (USE (\\Sent))',
  'a ID ("name" "x" "os" NIL)',
]

test('the parser answers any octets with arguments or a SyntaxFault, nothing else (RFC 9051 §9)', () => {
  const random = seededRandom(7)
  let faults = 0
  for (let round = 0; round < 30_000; round++) {
    const seed = octets(GOOD[round % GOOD.length] ?? '')
    const bytes = seed.slice(0, seed.length - ((random.bytes(1)[0] ?? 0) % 4))
    for (const [where = 0, what = 0] of [random.bytes(2), random.bytes(2)]) if (round > GOOD.length) bytes[where % bytes.length] = what
    const p = new Parser(bytes, 'utf-8')
    try {
      p.tag()
      p.sp()
      const word = p.keyword()
      if (word === 'UID') p.sp()
      commands.get(word === 'UID' ? `UID ${p.keyword()}` : word)?.bind(p)
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      faults++
    }
  }
  assert.ok(faults > 1_000 && faults < 30_000, `${faults} faults`)
})

test('every good command parses (RFC 9051 §9)', () => {
  for (const text of GOOD) {
    const p = new Parser(octets(text), 'utf-8')
    p.tag()
    p.sp()
    const word = p.keyword()
    if (word === 'UID') p.sp()
    const command = commands.get(word === 'UID' ? `UID ${p.keyword()}` : word)
    assert.ok(command, text)
    command.bind(p)
  }
})

test('sequence sets stay runs however large and in whatever order they are written (RFC 9051 §9)', () => {
  const set = (text: string, largest: number): unknown => {
    const parsed = sequenceSet(new Parser(octets(text)))
    return parsed === '$' ? '$' : resolveSet(parsed, largest).map(({ first, last }) => [first, last])
  }
  assert.deepEqual(set('1:*', 9), [[1, 9]])
  assert.deepEqual(set('4294967295:*', 9), [[9, 4_294_967_295]])
  assert.deepEqual(set('*:4,2,3', 9), [[2, 9]])
  assert.deepEqual(set('5,1:2,3', 9), [
    [1, 3],
    [5, 5],
  ])
  assert.equal(set('$', 9), '$')
  assert.throws(() => set('0', 9), SyntaxFault)
  assert.throws(() => set('4294967296', 9), SyntaxFault)
  assert.throws(() => set('1:', 9), SyntaxFault)
})

test('literals are seen at the end of a line only (RFC 9051 §4.3; RFC 7888 §4)', () => {
  assert.deepEqual(literalTail(octets('a LOGIN {3}')), { size: 3, synchronizing: true, binary: false })
  assert.deepEqual(literalTail(octets('a APPEND x ~{12+}')), { size: 12, synchronizing: false, binary: true })
  assert.equal(literalTail(octets('a LOGIN {-1}')), undefined)
  assert.equal(literalTail(octets('a LOGIN {}')), undefined)
  assert.equal(literalTail(octets('a {3} b')), undefined)
  assert.equal(literalTail(octets(`a {${'9'.repeat(400)}}`))?.size, Number.MAX_SAFE_INTEGER)
})

test('dates are read and printed (RFC 9051 §9, date-time)', () => {
  const time = dateTime(new Parser(octets('"17-Jul-1996 02:44:25 -0700"')))
  assert.equal(printDateTime(time), '"17-Jul-1996 09:44:25 +0000"')
  for (const wrong of ['"31-Feb-2026 00:00:00 +0000"', '"01-Jan-2026 24:00:00 +0000"', '"1-Foo-2026 00:00:00 +0000"'])
    assert.throws(() => dateTime(new Parser(octets(wrong))), SyntaxFault)
})

test('patterns of LIST match in linear time (RFC 9051 §6.3.9)', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ['INBOX', 'inbox', true],
    ['INBOX/a', 'iNb%', false],
    ['INBOX/a', 'inb%/%', true],
    ['a/b/c', '*c', true],
    ['a/b/c', '%c', false],
    ['a/b', '%/%', true],
    ['a', 'a%*', true],
    ['ab', 'a', false],
    ['', '', true],
  ]
  for (const [name, pattern, expected] of table) assert.equal(matchesPattern(name, pattern), expected, `${name} ~ ${pattern}`)
  const began = process.cpuUsage().user
  assert.equal(matchesPattern('a'.repeat(1_000), '%*%*'.repeat(2_000) + 'b'), false)
  assert.equal(matchesPattern('a'.repeat(1_000), '%a'.repeat(500) + 'b'), false)
  assert.ok(process.cpuUsage().user - began < 500_000)
})
