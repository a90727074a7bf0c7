import assert from 'node:assert/strict'
import { test } from 'node:test'
import { none } from './none.ts'
import { unshownCommands } from './rules/commands.ts'
import { house, treeOf } from './tree.ts'

test('each command cites its RFC and appears in a transcript', () => none(unshownCommands(house)))

test('the command rule finds what is missing', () => {
  const command = `/** NOOP does nothing. RFC 9051 §6.1.2. */\nexport const noop: Command = { name: 'NOOP' }`
  const planted = (text: string, shown: string): number =>
    unshownCommands(treeOf({ 'src/imap/commands/noop.ts': text, 'test/imap/noop.test.ts': shown })).length
  assert.equal(planted(command, 'test(`a`, () => transcript(session, `\n  C: a1 NOOP\n`))'), 0)
  assert.equal(planted(command, `test('NOOP reports new messages (RFC 9051 §6.1.2)', run)`), 0)
  assert.equal(planted(command, '// NOOP is not shown\nC: a1 NOOPE'), 1, 'no transcript')
  assert.equal(planted(command.replace(' RFC 9051 §6.1.2', ''), 'C: a1 NOOP'), 1, 'no citation')
  assert.equal(planted('/** RFC 9051 §6.1.2 */\nexport const a = 1', ''), 1, 'no command')
})
