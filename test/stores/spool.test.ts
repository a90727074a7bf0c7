/** The spool: small messages in memory, large ones in a file as they arrive, and nothing left behind. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MailError, type SpooledMessage, type SpoolWriter } from 'mailwright/contracts'
import { fileSpool } from 'mailwright/stores/sqlite'
import { folderOf } from './sqlite-fixtures.ts'

/** Octets that tell where they stand. */
function counted(size: number, from: number = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (from + at) % 251)
}

async function spooled(writer: SpoolWriter, size: number, chunk: number): Promise<SpooledMessage> {
  for (let at = 0; at < size; at += chunk) await writer.write(counted(Math.min(chunk, size - at), at))
  return writer.finish()
}

/** Waits for what `discard` does in the background. */
async function emptied(directory: string): Promise<void> {
  while (readdirSync(directory).length > 0) await new Promise(setImmediate)
}

test('a small message stays in memory and can be read in any order', async t => {
  const directory = folderOf(t)
  const message = await spooled(fileSpool({ directory }).begin(), 1000, 300)
  assert.deepEqual(readdirSync(directory), [])
  assert.equal(message.file, undefined)
  assert.equal(message.size, 1000)
  assert.deepEqual(await message.read(500, 9999), counted(500, 500))
  assert.deepEqual(await message.read(0, 10), counted(10))
  message.dispose()
  assert.throws(
    () => message.read(0, 1),
    (error: unknown) => error instanceof MailError && error.kind === 'no-such-message',
  )
})

test('a message in memory lies where other threads can read it, and what was read of it stays', async t => {
  const spool = fileSpool({ directory: folderOf(t) })
  const message = await spooled(spool.begin(), 200_000, 1234)
  const pieces = message.pieces ?? []
  assert.ok(pieces.length > 1 && pieces.every(piece => piece.buffer instanceof SharedArrayBuffer))
  assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), counted(200_000))
  const part = await message.read(16_000, 90_000)
  assert.deepEqual(part, counted(74_000, 16_000))
  message.dispose()
  const another = spool.begin()
  await another.write(new Uint8Array(200_000).fill(255))
  assert.deepEqual(part, counted(74_000, 16_000), 'the blocks are used again, the copy is not touched')
  another.discard()
})

test('a large message becomes a file as it arrives, and the file goes with it', async t => {
  const directory = folderOf(t)
  const message = await spooled(fileSpool({ directory }).begin(), 3_000_001, 65_536)
  assert.ok(message.file !== undefined && existsSync(message.file.path))
  assert.deepEqual(await message.read(0, message.size), counted(3_000_001))
  const small = message.read(1_000_000, 1_000_010)
  assert.ok(small instanceof Uint8Array, 'small ranges are answered at once')
  assert.deepEqual(small, counted(10, 1_000_000))
  const pending = message.read(0, 2_000_000)
  message.dispose()
  assert.equal((await pending).length, 2_000_000, 'a read that had begun ends well')
  assert.deepEqual(readdirSync(directory), [])
})

test('a message that comes faster than the disk takes it is held back', async t => {
  const writer = fileSpool({ directory: folderOf(t) }).begin()
  let waits = 0
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let at = 0; at < 800; at++) {
    const room = writer.write(new Uint8Array(65_536))
    if (room !== undefined) {
      waits++
      await room
    }
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  const message = await writer.finish()
  assert.equal(message.size, 800 * 65_536)
  t.diagnostic(`50 MB: ${waits} waits, at most ${(most / 1e6).toFixed(1)} MB of buffers at once, collected or not`)
  assert.ok(waits > 50)
  message.dispose()
})

test('memory that is given away is let go of once it is written, and a large message leaves none of it behind', async t => {
  const writer = fileSpool({ directory: folderOf(t) }).begin()
  const given: Uint8Array[] = []
  for (let at = 0; at < 40; at++) {
    const octets = counted(65_536, at * 65_536)
    given.push(octets)
    await writer.writeOwned?.(octets)
  }
  const message = await writer.finish()
  assert.deepEqual(await message.read(0, message.size), counted(40 * 65_536))
  assert.ok(given.filter(octets => octets.byteLength > 0).length <= 1, 'what was written last may wait for the collector')
  message.dispose()
})

test('when many small messages fill the budget, the next ones become files', async t => {
  const directory = folderOf(t)
  const spool = fileSpool({ directory, memoryBudget: 20_000 })
  const first = await spooled(spool.begin(), 6000, 6000)
  const second = await spooled(spool.begin(), 6000, 6000)
  assert.equal(first.file, undefined)
  assert.notEqual(second.file, undefined)
  first.dispose()
  second.dispose()
  const third = await spooled(spool.begin(), 6000, 6000)
  assert.equal(third.file, undefined, 'the room came back')
  third.dispose()
})

test('what is discarded leaves nothing, in memory or on the disk', async t => {
  const directory = folderOf(t)
  const spool = fileSpool({ directory, memoryBudget: 1_000_000 })
  for (const size of [1000, 600_000]) {
    const writer = spool.begin()
    for (let at = 0; at < size; at += 1000) void writer.write(new Uint8Array(1000))
    writer.discard()
    writer.discard()
    assert.throws(() => writer.write(new Uint8Array(1)))
  }
  await emptied(directory)
  const whole = await spooled(spool.begin(), 200_000, 1000)
  assert.equal(whole.file, undefined, 'the budget is whole again')
  whole.dispose()
})

test('files of a process that died are removed at the start, files of the living stay', async t => {
  const directory = folderOf(t)
  const spool = fileSpool({ directory })
  const living = await spooled(spool.begin(), 300_000, 100_000)
  // No process has this number: it is above the kernel's limit.
  writeFileSync(join(directory, '4194305-0123abcd-1.spool'), 'left behind')
  writeFileSync(join(directory, `${process.pid}-0123abcd-1.spool`), 'left behind by an earlier process of this number')
  writeFileSync(join(directory, 'notes.txt'), 'not ours')
  fileSpool({ directory })
  assert.deepEqual(new Set(readdirSync(directory)), new Set([living.file?.path.split('/').at(-1), 'notes.txt']))
  living.dispose()
})
