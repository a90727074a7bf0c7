import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const { version, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly bin: { readonly mailwright: string }
}

test('the command of the package runs in a checkout that was never built', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, bin.mailwright), '--version'], { encoding: 'utf8' })
  assert.deepEqual([status, stdout.trim(), stderr], [0, `mailwright ${version}`, ''])
})
