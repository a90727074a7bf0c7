/** Whatever an earlier release left is brought up to date, whenever the process that does so is killed, and however many do (D17). */

import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test, type TestContext } from 'node:test'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { STEPS } from '../../src/stores/sqlite/schema.ts'
import { folderOf, message, nameOf, namesIn, octetsOf, problemsOf, storeIn } from '../stores/sqlite-fixtures.ts'
import { fillQueue, fillWithMail, seenIn, takeBack } from './older-store.ts'

const [, , role, path = '', name = ''] = process.argv

if (role === 'deliver') await deliverWhenTold()
else defineTests()

/** Opens the store at the same moment as others do, and has one message delivered. */
async function deliverWhenTold(): Promise<void> {
  process.send?.('ready')
  await once(process, 'message')
  const store = sqliteStore({ path })
  await store.deliver([{ account: 'ann', message: message(octetsOf(name)) }])
  await store.close()
  process.disconnect()
}

function defineTests(): void {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-upgrades-'))
  const [mail, queue, cache] = [join(folder, 'mail'), join(folder, 'queue'), join(folder, 'cache')]
  // Without the compiled code at hand half the time of a child goes into compiling.
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  let seen: readonly string[] = []
  let seenNames: readonly string[] = []
  before(async () => {
    await fillWithMail(mail)
    cpSync(mail, queue, { recursive: true })
    await fillQueue(queue)
    const store = sqliteStore({ path: mail })
    seen = await seenIn(store)
    seenNames = await namesIn(store)
    await store.close()
    // One that lives keeps what it compiled for those that do not.
    await once(opening('store', join(folder, 'new'), -1, 'die'), 'close')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  function older(t: TestContext, version: number): string {
    const to = folderOf(t)
    if (version > 0) takeBack(version < 3 ? mail : queue, to, version)
    return to
  }

  function opening(what: 'store' | 'directory', to: string, place: number, then: 'die' | 'stop'): ChildProcess {
    const script = join(import.meta.dirname, 'upgrading.ts')
    return spawn(process.execPath, ['--conditions=mailwright-source', script, what, to, String(place), then], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    })
  }

  /**
   * Opens again and again, dying one statement later each time, and every fifth one behind the step that is named, until one is through;
   * answers before what they died.
   */
  async function killed(what: 'store' | 'directory', to: string, first: readonly string[]): Promise<readonly string[]> {
    const places: string[] = []
    let stride = 1
    for (let place = 0; ; place += stride) {
      const child = opening(what, to, place, 'die')
      let told = ''
      child.stdout?.setEncoding('utf8').on('data', text => (told += String(text)))
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      if (code === 0) return places
      assert.equal(signal, 'SIGKILL')
      const texts = JSON.parse(told) as string[]
      const done = texts.slice(0, -1)
      places.push(...texts.slice(-1))
      if (what === 'directory' || !done.includes('COMMIT')) continue
      // The next process begins with the next step: behind the two statements with which every connection does, and BEGIN.
      if (first.every(text => done.includes(text))) stride = 5
      place = 3 + (stride === 1 ? 0 : 1) - stride
    }
  }

  function versionOf(to: string): unknown {
    const database = new DatabaseSync(join(to, 'mail.sqlite'))
    const { version } = database.prepare('SELECT max(version) AS version FROM schema').get() ?? {}
    database.close()
    return version
  }

  async function checkUpgraded(t: TestContext, to: string, version: number, more: readonly string[] = []): Promise<void> {
    assert.equal(versionOf(to), STEPS.length)
    const store = storeIn(t, to)
    assert.deepEqual(await problemsOf(store), [])
    const names = await namesIn(store)
    assert.deepEqual(names.slice(names.length - more.length).sort(), more)
    if (version > 0 && more.length === 0) assert.deepEqual(await seenIn(store), seen, 'every octet, UID, MODSEQ and flag is there')
    if (version > 0) assert.deepEqual(names.slice(0, names.length - more.length), seenNames)
    if (version >= 3) {
      assert.equal((await store.suppressions.suppressed(['gone@example.org'])).length, 1)
      const [lease] = await store.queue.lease({ limit: 9, leaseMs: 60_000 })
      const content = await store.queue.content(lease?.id ?? '')
      assert.equal(nameOf((await content?.read(0, content.size)) ?? new Uint8Array()), 'queued')
    }
    // It is a store like any other: it takes the same mail again, moves together, and is sound.
    await store.deliver([{ account: 'bob', message: message(octetsOf('mail-3', 1100)) }])
    await store.compact({ grace: 0 })
    assert.deepEqual(await problemsOf(store), [])
    await store.close()
  }

  for (const version of STEPS.keys()) {
    const what = version === 0 ? 'a new store' : `a store of version ${version}`
    test(`${what} is brought up to date by processes that die before each statement`, { timeout: 60_000 }, async t => {
      const to = older(t, version)
      const places = await killed('store', to, STEPS[version] ?? [])
      const [first = [], ...others] = STEPS.slice(version)
      for (const text of ['BEGIN IMMEDIATE', ...first, 'COMMIT']) assert.ok(places.includes(text), `a death before ${text}`)
      for (const step of others) assert.ok(step.length < 2 || step.some(text => places.includes(text)), `a death within ${step[0]}`)
      t.diagnostic(`${places.length} deaths`)
      await checkUpgraded(t, to, version)
    })
  }

  for (const version of [0, 1]) {
    const what = version === 0 ? 'a new store' : `a store of version ${version}`
    test(`three processes at once bring ${what} up to date: each takes mail, none is refused`, { timeout: 60_000 }, async t => {
      const to = older(t, version)
      const names = ['A', 'B', 'C']
      const children = names.map(one =>
        fork(import.meta.filename, ['deliver', to, one], { execArgv: ['--conditions=mailwright-source'], env }),
      )
      const ended = children.map(child => once(child, 'exit'))
      await Promise.all(children.map(child => once(child, 'message')))
      for (const child of children) child.send('go')
      for (const [code] of await Promise.all(ended)) assert.equal(code, 0)
      await checkUpgraded(t, to, version, names)
    })
  }

  test('who waits for a step of another process takes it when that one is killed', { timeout: 60_000 }, async t => {
    const to = older(t, 1)
    // In the midst of the queue's tables: behind the step that makes an index.
    const holder = opening('store', to, 9, 'stop')
    t.after(() => holder.kill('SIGKILL'))
    const [told] = (await once(holder.stdout?.setEncoding('utf8') ?? assert.fail(), 'data')) as [string]
    assert.ok(STEPS[2]?.includes((JSON.parse(told) as string[]).at(-1) ?? ''))
    const child = fork(import.meta.filename, ['deliver', to, 'A'], { execArgv: ['--conditions=mailwright-source'], env })
    const ended = once(child, 'exit')
    await once(child, 'message')
    child.send('go')
    assert.equal(versionOf(to), 2)
    holder.kill('SIGKILL')
    assert.deepEqual(await ended, [0, null])
    await checkUpgraded(t, to, 1, ['A'])
  })

  test('a new directory is made by processes that die before each statement', { timeout: 60_000 }, async t => {
    const to = folderOf(t)
    const places = await killed('directory', to, [])
    assert.ok(places.some(text => text.includes('CREATE TABLE account')) && places.includes('COMMIT'))
    const directory = sqliteDirectory({ path: join(to, 'directory.db') })
    await directory.addDomain('example.org')
    const { address } = await directory.addAccount({ address: 'ann@example.org' })
    assert.deepEqual(
      (await directory.accounts()).map(account => account.address),
      [address],
    )
    directory.close()
  })
}
