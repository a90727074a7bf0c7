/** Tools and benchmarks say what they take, and what is wrong with what they were given: in one line, without a stack. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')

function run(tool: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--conditions=mailwright-source', tool, ...args], { cwd: root, encoding: 'utf8', timeout: 20_000 })
}

const SLIPS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'bench/main.ts': [['--colour'], ['recieve'], ['--rounds', 'x'], ['--rounds', '0'], ['--scale', '-1'], ['receive', '--cell', '10']],
  'bench/torture.ts': [
    ['--colour'],
    ['server'],
    ['--kills'],
    ['--kills', '1.5'],
    ['--queue', '--outbound'],
    ['--queue', '--faults'],
    ['--of', 'store'],
    ['--faults', '--of', 'imap'],
  ],
  'tools/hostile.ts': [['--colour'], ['--count', 'x'], ['--most', '10'], ['--seed', ''], ['--to', 'localhost']],
  'tools/test.ts': [['--colour'], ['unit', '--watch']],
}

for (const [tool, slips] of Object.entries(SLIPS)) {
  test(`${tool} shows its options, and names what it does not understand`, () => {
    const help = run(tool, '--help')
    assert.deepEqual([help.status, help.stderr], [0, ''])
    assert.match(help.stdout, /^Usage: npm [^]*\n {2}--help +this text\n$/)
    for (const slip of slips) {
      const { status, stdout, stderr } = run(tool, ...slip)
      assert.deepEqual([status, stdout], [2, ''], slip.join(' '))
      assert.match(stderr, /^[^\n]+; --help shows what there is\n$/)
    }
  })
}
