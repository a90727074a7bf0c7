/** What the operator of a personal server reads when a file cannot be used: the system's word, what to do, and no stack. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { wayOut } from 'mailwright/server'
import { faultText } from '../../src/server/fault-text.ts'

function thrown(act: () => void): Error {
  try {
    act()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as it says`), { code, errno: -1, syscall: 'open', path: '/data' })
}

test('an error of the file system comes with what to do', () => {
  const absent = thrown(() => readFileSync('/nowhere/at/all'))
  assert.match(wayOut(absent) ?? '', /check that folder, who owns it and its disk/)
  assert.match(wayOut(systemError('EMFILE')) ?? '', /limit of open files/)
  assert.match(wayOut(systemError('ENOSPC')) ?? '', /make room/)
  assert.match(faultText(absent), /^ENOENT: .* \(check that folder, .*\)$/)
})

test('an error of ours says it all, one that nobody foresaw tells where it came from', () => {
  assert.equal(faultText(new MailError('unavailable', 'wait')), 'wait')
  assert.match(faultText(new TypeError('a slip')), /^TypeError: a slip\n +at /)
  assert.equal(wayOut(new TypeError('a slip')), undefined)
})
