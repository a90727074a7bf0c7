/** `copyTo` of a stored message gives what `read` gives, and throws what it throws. */

import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ALL_UIDS, type Mailbox, type MessageSource } from 'mailwright/contracts'
import { folderOf, inboxOf, message, octetsOf, storeIn } from './sqlite-fixtures.ts'

async function sourcesIn(box: Mailbox): Promise<readonly MessageSource[]> {
  const sources: MessageSource[] = []
  for await (const page of box.records(ALL_UIDS, ['source'])) for (const { source } of page) if (source !== undefined) sources.push(source)
  return sources
}

function copyOf(source: MessageSource): Uint8Array {
  const target = new Uint8Array(source.size + 2).fill(0x2e)
  source.copyTo?.(target, 1)
  assert.deepEqual([target[0], target.at(-1)], [0x2e, 0x2e], 'nothing is written beside it')
  return target.subarray(1, -1)
}

test('a copied message is the message, its prefix in front, whatever its size', async t => {
  const store = storeIn(t, folderOf(t))
  const box = (await store.open('ann')).mailbox(await inboxOf(store))
  const prefix = new TextEncoder().encode('Delivered-To: ann\r\n')
  const sizes = [0, 1, 900, 65_536 - 92, 65_536, 65_537, 200_000]
  await box.append(sizes.flatMap(size => [message(octetsOf('m', size)), message(octetsOf('p', size), { prefix })]))
  const sources = await sourcesIn(box)
  assert.equal(sources.length, 2 * sizes.length)
  for (const source of sources) assert.deepEqual(copyOf(source), await source.read(0, source.size))
})

test('damaged octets are found while they are copied', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const box = (await store.open('ann')).mailbox(await inboxOf(store))
  await box.append([message(octetsOf('m', 5000))])
  const [segment = ''] = readdirSync(join(folder, 'segments'))
  const file = openSync(join(folder, 'segments', segment), 'r+')
  writeSync(file, Uint8Array.of(0), 0, 1, 2000)
  closeSync(file)
  const [source] = await sourcesIn(box)
  assert(source)
  assert.throws(() => copyOf(source), { name: 'MailError', kind: 'corrupt' })
})
