import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findProgram, requireProgram } from './programs.ts'

const absent = 'no-program-of-this-name'

function withCi<Result>(value: string | undefined, run: () => Result): Result {
  const before = process.env['CI']
  const set = (to: string | undefined): void => {
    if (to === undefined) delete process.env['CI']
    else process.env['CI'] = to
  }
  set(value)
  try {
    return run()
  } finally {
    set(before)
  }
}

test('a program on PATH is found and needs no skip', () => {
  assert.match(findProgram('sh') ?? '', /\/sh$/)
  assert.equal(requireProgram('sh'), false)
})

test('an absent program is a reason to skip, and a failure in CI', () => {
  assert.equal(
    withCi(undefined, () => requireProgram('sh', absent)),
    `${absent} not installed`,
  )
  assert.throws(() => withCi('true', () => requireProgram('sh', absent)), /no-program-of-this-name not installed/)
})
