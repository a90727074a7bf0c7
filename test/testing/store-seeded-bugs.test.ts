import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { MailStore } from 'mailwright/contracts'
import { mailStoreSuite } from 'mailwright/testing'
import type { Bug } from './bugs/bug.ts'
import { changingBugs } from './bugs/changing.ts'
import { tellingBugs } from './bugs/telling.ts'

const bugs: readonly Bug[] = [...changingBugs, ...tellingBugs]

const source = fileURLToPath(new URL('../../src', import.meta.url))

/** Sows one bug in a copy of the memory store; answers how to make stores of it. */
async function sow({ name, file, line, broken }: Bug, garden: string, number: number): Promise<() => MailStore> {
  const plot = join(garden, 'stores', `memory-${number}`)
  cpSync(join(source, 'stores/memory'), plot, { recursive: true })
  const text = readFileSync(join(plot, file), 'utf8')
  assert.equal(text.split(line).length, 2, `"${name}" no longer fits src/stores/memory/${file}: its line stands there not exactly once`)
  writeFileSync(
    join(plot, file),
    text.replace(line, () => broken),
  )
  const { memoryStore } = (await import(pathToFileURL(join(plot, 'index.ts')).href)) as { memoryStore: () => MailStore }
  return memoryStore
}

/** The first case that fails for a broken promise, and what it says. */
async function caughtBy(make: () => MailStore): Promise<string | undefined> {
  for (const { name, run } of mailStoreSuite({ make: async () => make() }, { many: 2500, histories: 6 })) {
    const failure = await run().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    )
    if (failure === undefined) continue
    // A mistake in the sowing would not be a bug that was caught.
    for (const mistake of [failure, failure.cause]) if (mistake instanceof TypeError || mistake instanceof ReferenceError) throw mistake
    return `${name}\n${failure.message}`
  }
  return undefined
}

test('the kit catches every bug that is sown in the memory store', async (t: TestContext) => {
  const garden = mkdtempSync(join(tmpdir(), 'mailwright-bugs-'))
  t.after(() => rmSync(garden, { recursive: true }))
  writeFileSync(join(garden, 'package.json'), '{"type":"module"}')
  for (const room of ['contracts', 'bytes']) cpSync(join(source, room), join(garden, room), { recursive: true })
  mkdirSync(join(garden, 'stores'))
  const shared = readdirSync(join(source, 'stores')).filter(name => name.endsWith('.ts'))
  for (const name of shared) cpSync(join(source, 'stores', name), join(garden, 'stores', name))
  const missed: string[] = []
  for (const [number, bug] of bugs.entries()) {
    const make = await sow(bug, garden, number)
    const caught = await caughtBy(make)
    if (caught === undefined) missed.push(bug.name)
    else if (process.env['MAILWRIGHT_SHOW_BUGS'] !== undefined) t.diagnostic(`${bug.name}: ${caught}`)
  }
  t.diagnostic(`${bugs.length - missed.length} of ${bugs.length} sown bugs were caught`)
  assert.deepEqual(missed, [], 'every bug is caught')
  assert.ok(bugs.length >= 30, 'there are enough of them to mean something')
})
