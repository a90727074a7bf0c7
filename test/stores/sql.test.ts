/** What every statement of the stores keeps to. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const SOURCES = join(import.meta.dirname, '../../src')

test('no statement is planned anew for each call because of a bare parameter behind LIMIT', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
    name => name.endsWith('.ts') && !name.endsWith('/sql.ts'),
  )
  const found = files.filter(name => /LIMIT \?/.test(readFileSync(join(SOURCES, name), 'utf8')))
  assert.deepEqual(found, [])
})
