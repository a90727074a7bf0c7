/** Examples that take options say which, and what is wrong with those that were given: in words, without a stack. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')

function run(example: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--conditions=mailwright-source', `examples/${example}.ts`, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, RELAY_PASSWORD: 'correct horse' },
  })
}

for (const example of ['personal-server', 'relay', 'newsletter']) {
  test(`examples/${example}.ts shows its options, and names one that it has not`, () => {
    const help = run(example, '--help')
    assert.deepEqual([help.status, help.stderr], [0, ''])
    assert.match(help.stdout, /^Usage: [^]*\n {2}--data DIR /)
    for (const wrong of ['--colour', '--data']) {
      const { status, stdout, stderr } = run(example, wrong)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, /^[\w-]+: .*'(?:--colour|--data <value>)'.*\n[\w-]+: (?:npm start -- )?--help shows the options\n$/)
    }
  })
}

test('examples/relay.ts says how a server is named', () => {
  const { status, stderr } = run('relay', '--inner', 'mail')
  assert.deepEqual([status, stderr.split('\n')[0]], [1, 'relay: a server is named as HOST:PORT, such as 10.0.0.5:25, not "mail"'])
})

test('examples/newsletter.ts counts its readers in numbers', () => {
  const { status, stderr } = run('newsletter', '--readers', 'many')
  assert.deepEqual([status, stderr.split('\n')[0]], [1, 'newsletter: --readers takes a number from 1 on, not "many"'])
})

test('examples/inbound-webhook.ts says what it takes', () => {
  assert.deepEqual([run('inbound-webhook', '--help').status, run('inbound-webhook').status], [0, 1])
  assert.match(run('inbound-webhook', 'app.example').stderr, /^Usage: inbound-webhook\.ts URL \[DOMAIN\], such as /)
})
