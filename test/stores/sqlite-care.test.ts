/** Looking after a store: damage is found and never served, copies are whole, what nobody refers to goes away. */

import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { ALL_UIDS, MailError, type MessageSource, type ModSeq, type Uid } from 'mailwright/contracts'
import { folderOf, inboxOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'

function segmentsIn(folder: string): readonly string[] {
  return readdirSync(join(folder, 'segments')).map(name => join(folder, 'segments', name))
}

function flipBit(path: string, at: number): void {
  const fd = openSync(path, 'r+')
  const octet = new Uint8Array(1)
  readSync(fd, octet, 0, 1, at)
  octet[0] = (octet[0] ?? 0) ^ 1
  writeSync(fd, octet, 0, 1, at)
  closeSync(fd)
}

test('a flipped bit is found by verify, and is never served', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  await inbox.append([message(octetsOf('first')), message(octetsOf('second'))])
  assert.deepEqual(await problemsOf(store), [])
  const [segment = ''] = segmentsIn(folder)
  flipBit(segment, 200)
  const problems = await problemsOf(store)
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ['damaged-content'],
  )
  const sources: (MessageSource | undefined)[] = []
  for await (const page of inbox.records(ALL_UIDS, ['source'])) for (const { source } of page) sources.push(source)
  // One octet of it is asked for, another one is damaged.
  assert.throws(
    () => sources[0]?.read(0, 1),
    (error: unknown) => error instanceof MailError && error.kind === 'corrupt',
  )
  assert.equal((await sources[1]?.read(0, 15))?.length, 15, 'the other message is served')
})

test('verify finds a missing file, a wrong counter and a row without its message', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  await inbox.append([message(octetsOf('first')), message(octetsOf('second'))])
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  t.after(() => database.close())
  database.exec('UPDATE mailbox SET unseen = unseen + 1')
  assert.deepEqual(
    (await problemsOf(store)).map(({ kind }) => kind),
    ['counters'],
  )
  database.exec('UPDATE mailbox SET unseen = unseen - 1')
  database.exec('UPDATE state SET message = 999 WHERE uid = 2')
  assert.deepEqual(
    (await problemsOf(store, false)).map(({ kind }) => kind),
    ['dangling-row'],
  )
  database.exec('UPDATE state SET message = 2 WHERE uid = 2')
  assert.deepEqual(await problemsOf(store), [])
  for (const path of segmentsIn(folder)) rmSync(path)
  assert.deepEqual(
    (await problemsOf(store, false)).map(({ kind }) => kind),
    ['missing-file'],
  )
})

test('verify tells how far it is, and can be given up', async t => {
  const store = storeIn(t, folderOf(t))
  const phases: string[] = []
  for await (const problem of store.verify({ onProgress: ({ phase }) => phases.push(phase) })) assert.fail(problem.text)
  assert.deepEqual([...new Set(phases)], ['database', 'counters', 'references', 'contents'])
  const given = store.verify({ signal: AbortSignal.abort(new Error('no more')) })
  await assert.rejects(async () => {
    for await (const problem of given) assert.fail(problem.text)
  }, /no more/)
})

test('a backup under load holds everything acknowledged before it, and opens as a store', async t => {
  const store = storeIn(t, folderOf(t))
  const before = Array.from({ length: 50 }, (_, at) => `before-${at}`)
  for (const name of before) await store.deliver([{ account: 'ann', message: message(octetsOf(name)) }])
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  const seen = await inbox.status()
  let going = true
  const load = (async () => {
    for (let at = 0; going; at++) await store.deliver([{ account: 'ann', message: message(octetsOf(`during-${at}`)) }])
  })()
  const target = join(folderOf(t), 'copy')
  const result = await store.backup(target)
  going = false
  await load
  const copy = storeIn(t, target)
  const names = await namesIn(copy)
  assert.deepEqual(
    before.filter(name => !names.includes(name)),
    [],
  )
  assert.equal(result.messages, names.length)
  assert.deepEqual(await problemsOf(copy), [])
  await assert.rejects(store.backup(target), (error: unknown) => error instanceof MailError && error.kind === 'already-exists')

  // What was delivered after the backup is not there: its UIDs must not be given again, and a client must learn that it is gone.
  const later = await inbox.status()
  const restored = (await copy.open('ann')).mailbox(await inboxOf(copy))
  const { uids, uidValidity } = await restored.append([message(octetsOf('after'))])
  assert.equal(uidValidity, seen.uidValidity)
  assert.ok((uids[0] ?? 0) >= later.uidNext, 'a UID above all that were seen')
  assert.ok((await restored.status()).highestModSeq > later.highestModSeq)
  const vanished = (await restored.vanishedSince?.(later.highestModSeq)) ?? []
  const last = (later.uidNext - 1) as Uid
  const lost = last > names.length ? [{ first: (names.length + 1) as Uid, last }] : []
  for (const { first, last: end } of lost) assert.ok(vanished.some(range => range.first <= first && range.last >= end))
})

test('a backup fails for a segment file that is missing, unless it is to tell of it', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await store.deliver([{ account: 'ann', message: message(octetsOf('lost')) }])
  const segment = join(folder, 'segments', '00000001.seg')
  rmSync(segment)
  const target = join(folderOf(t), 'copy')
  await assert.rejects(store.backup(target), { kind: 'corrupt', message: `${segment} is missing: restore it from a backup` })
  const missing: string[] = []
  await store.backup(target, { onMissing: path => missing.push(path) })
  assert.deepEqual(missing, [segment])
  assert.deepEqual(
    (await problemsOf(storeIn(t, target))).map(({ kind }) => kind),
    ['missing-file'],
  )
})

test('compaction takes away what nobody refers to and moves the rest together; a source opened before stays readable', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder, { segmentSize: 100_000 })
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  const names = Array.from({ length: 60 }, (_, at) => `m${at}`)
  for (const name of names) await inbox.append([message(octetsOf(name, 9000))])
  const files = segmentsIn(folder).length
  assert.ok(files > 4)
  const opened: (MessageSource | undefined)[] = []
  for await (const page of inbox.records([{ first: 1 as Uid, last: 2 as Uid }], ['source']))
    for (const { source } of page) opened.push(source)
  await inbox.expunge([{ first: 2 as Uid, last: 50 as Uid }])
  await store.compact({ grace: 0 })
  const again = await store.compact({ grace: 0 })
  await store.compact({ grace: 0 })
  assert.ok(again.swept > 0, 'contents go at the second run that finds them unused')
  const octets = segmentsIn(folder).reduce((sum, path) => sum + statSync(path).size, 0)
  assert.ok(octets < 250_000, `${octets} octets are left of 540,000`)
  assert.deepEqual(await namesIn(store), ['m0', ...names.slice(50)])
  assert.deepEqual(await problemsOf(store), [])
  // It was moved after it was opened.
  assert.deepEqual(await opened[0]?.read(0, opened[0].size), octetsOf('m0', 9000))
  assert.throws(
    () => opened[1]?.read(0, opened[1].size),
    (error: unknown) => error instanceof MailError && error.kind === 'no-such-message',
  )
})

test('two processes’ stores compact the same folder at once, and both go on delivering', async t => {
  const folder = folderOf(t)
  const [one, two] = [storeIn(t, folder), storeIn(t, folder)]
  const names: string[] = []
  for (let round = 0; round < 6; round++) {
    await Promise.all(
      [one, two].map(async (store, side) => {
        for (let at = 0; at < 5; at++) {
          const name = `m-${round}-${side}-${at}`
          await store.deliver([{ account: 'ann', message: message(octetsOf(name, 5000)) }])
          names.push(name)
        }
        await store.compact({ grace: 0 })
      }),
    )
  }
  assert.deepEqual(new Set(await namesIn(one)), new Set(names))
  assert.deepEqual(await namesIn(two), await namesIn(one))
  assert.deepEqual(
    (await problemsOf(one)).filter(({ kind }) => kind !== 'stray-file'),
    [],
  )
})

test('octets that come again while they wait to be swept stay', async t => {
  const store = storeIn(t, folderOf(t))
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  await inbox.append([message(octetsOf('phoenix'))])
  await inbox.expunge(ALL_UIDS)
  await store.compact({ grace: 0 })
  await inbox.append([message(octetsOf('phoenix'))])
  await store.compact({ grace: 0 })
  await store.compact({ grace: 0 })
  assert.deepEqual(await namesIn(store), ['phoenix'])
  assert.deepEqual(await problemsOf(store), [])
})

test('contents are stored once, whoever sends them and however often', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const octets = octetsOf('newsletter', 100_000)
  const content = message(octets).content
  const accounts = Array.from({ length: 20 }, (_, at) => `user${at}`)
  await store.deliver(
    accounts.map(account => ({ account, message: message(octets, { content, prefix: new TextEncoder().encode(`To: ${account}\r\n`) }) })),
  )
  for (const account of accounts) await store.deliver([{ account, message: message(octets) }])
  const size = segmentsIn(folder).reduce((sum, path) => sum + statSync(path).size, 0)
  assert.ok(size < 110_000, `${size} octets`)
})

test('other octets with the same sums are other contents, in one step and in two', async t => {
  const store = storeIn(t, folderOf(t))
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  // Two words that have the same CRC-32, and so have they between the same octets.
  const [one, other] = [Buffer.from('Subject: plumless\r\n\r\n'), Buffer.from('Subject: buckeroo\r\n\r\n')]
  assert.equal(crc32(one), crc32(other))
  assert.notDeepEqual(one, other)
  await inbox.append([message(one), message(other)])
  await inbox.append([message(other)])
  await inbox.append([message(one)])
  const found: (readonly [string, string])[] = []
  for await (const page of inbox.records(ALL_UIDS, ['source', 'emailId'])) {
    for (const { source, emailId = '' } of page) found.push([Buffer.from((await source?.read(0, one.length)) ?? []).toString(), emailId])
  }
  assert.deepEqual(
    found.map(([text]) => text),
    [one, other, other, one].map(String),
  )
  assert.equal(new Set(found.map(([, id]) => id)).size, 2)
  assert.deepEqual(await problemsOf(store), [])
})

test('what came through a file is stored once too, whether the other copy came so or not, and its email id is the same (RFC 8474 §4)', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  const octets = octetsOf('large', 400_000)
  const path = join(folder, 'large.eml')
  writeFileSync(path, octets)
  const file = { path, start: 0 }
  const inFile = message(octets, { content: { size: octets.length, file, read: (start, end) => octets.subarray(start, end) } })
  const inMemory = message(octets, {
    content: { size: octets.length, pieces: [octets], read: (start, end) => octets.subarray(start, end) },
  })
  await inbox.append([inFile, inMemory])
  await inbox.append([inMemory])
  await inbox.append([inFile, inFile])
  const ids = new Set<string | undefined>()
  for await (const page of inbox.records(ALL_UIDS, ['emailId'])) for (const { emailId } of page) ids.add(emailId)
  assert.equal(ids.size, 1)
  assert.equal((await namesIn(store)).length, 5)
  const size = segmentsIn(folder).reduce((sum, segment) => sum + statSync(segment).size, 0)
  assert.ok(size < 1_000_000, `${size} octets`)
  assert.deepEqual(await problemsOf(store), [])
})

test('octets that came again are stored again where those from before are damaged', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const octets = octetsOf('phoenix', 2000)
  await store.deliver([{ account: 'ann', message: message(octets) }])
  const [segment = ''] = segmentsIn(folder)
  flipBit(segment, 1000)
  await store.deliver([{ account: 'bob', message: message(octets) }])
  assert.deepEqual(await namesIn(store, 'bob'), ['phoenix'])
})

test('compaction runs by itself in the background, and closing does not wait for the next one', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder, { compactEvery: 20 })
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  await inbox.append([message(octetsOf('gone')), message(octetsOf('stays'))])
  await inbox.expunge([{ first: 1 as Uid, last: 1 as Uid }])
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  t.after(() => database.close())
  const count = database.prepare('SELECT count(*) AS n FROM content')
  while (count.get()?.['n'] !== 1) await new Promise(resolve => setTimeout(resolve, 10))
  assert.deepEqual(await namesIn(store), ['stays'])
  await store.close()
})

test('rebuild makes every summary again and changes nothing else', async t => {
  const store = storeIn(t, folderOf(t))
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  for (let at = 0; at < 250; at++) await inbox.append([message(octetsOf(`m${at}`, 100))])
  const before = await inbox.status()
  const told: number[] = []
  const done = await store.rebuild({
    summarise: source => new TextEncoder().encode(`size ${source.size}`),
    onProgress: progress => told.push(progress.done),
  })
  assert.equal(done, 250)
  assert.deepEqual(told, [100, 200, 250])
  assert.deepEqual(await inbox.status(), before)
  for await (const page of inbox.records(ALL_UIDS, ['summary'])) {
    for (const { size, summary } of page) assert.equal(new TextDecoder().decode(summary), `size ${size}`)
  }
})

test('where history was cut, VANISHED is a superset and never names a living UID (RFC 7162 §3.2.5)', async t => {
  const store = storeIn(t, folderOf(t), { history: 100 })
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  await inbox.append(Array.from({ length: 20 }, (_, at) => message(octetsOf(`m${at}`, 50))))
  await inbox.expunge([{ first: 3 as Uid, last: 5 as Uid }])
  for (let at = 0; at < 600; at++) {
    await inbox.flag([{ first: 1 as Uid, last: 1 as Uid }], { kind: at % 2 === 0 ? 'add' : 'remove', flags: ['\\Seen'] })
  }
  await inbox.expunge([{ first: 9 as Uid, last: 9 as Uid }])
  const { highestModSeq } = await inbox.status()
  assert.deepEqual(await inbox.vanishedSince?.((highestModSeq - 1) as ModSeq), [{ first: 9, last: 9 }])
  assert.deepEqual(await inbox.vanishedSince?.(2 as ModSeq), [
    { first: 3, last: 5 },
    { first: 9, last: 9 },
  ])
  // The flags changed last although the change's row is gone.
  const changed: Uid[] = []
  for await (const page of inbox.records(ALL_UIDS, [], { changedSince: 3 as ModSeq })) for (const { uid } of page) changed.push(uid)
  assert.deepEqual(changed, [1])
})

test('large messages that a process did not get to store are removed by the next one, also when it has the same number', async t => {
  const folder = folderOf(t)
  const incoming = join(folder, 'incoming')
  mkdirSync(incoming)
  // No process has the first number: it is above the kernel's limit. In a container every start has the second.
  for (const pid of [4194305, process.pid]) writeFileSync(join(incoming, `${pid}-0123abcd-4567-89ab-cdef-0123456789ab`), 'left behind')
  await inboxOf(storeIn(t, folder))
  assert.deepEqual(readdirSync(incoming), [])
})
