/** A full disk under the whole server: mail waits with its senders, nothing is lost, and no restart is needed (RFC 5321 §4.2.3; D4, G6). */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ImapClient } from '../../bench/lib/imap-client.ts'
import { Ledger } from '../../bench/lib/ledger.ts'
import { check, verified } from '../../bench/lib/torture.ts'
import { Client } from '../server/served.ts'
import { requireProgram } from '../support/programs.ts'
import { FULL, password, sendOne, serverOn, user } from './child.ts'
import type { Ports } from './child.ts'
import { fileSystems, fill, smallDisk } from './small-disk.ts'

const SENDERS = 8

/** Removes the first messages over IMAP, as who makes room does; the ids of the ledger that they had. */
async function removeSome(ports: Ports): Promise<readonly string[]> {
  const imap = await ImapClient.login({ host: '127.0.0.1', port: ports.imap, user, password })
  await imap.run('SELECT INBOX')
  const fields = String(await imap.run('FETCH 1:3 (BODY.PEEK[HEADER.FIELDS (X-LEDGER)])'))
  await imap.run(String.raw`STORE 1:3 +FLAGS.SILENT (\Deleted)`)
  assert.equal(String(await imap.run('EXPUNGE')).match(/^\* \d+ EXPUNGE\r$/gm)?.length, 3)
  imap.close()
  return [...fields.matchAll(/^X-Ledger: (\w+)/gm)].map(([, id = '']) => id)
}

/** Eight senders until each was refused twice; milliseconds that each refusal took from connect to reply. */
async function sendUntilRefused(ports: Ports, ledger: Ledger): Promise<readonly number[]> {
  const waits: number[] = []
  async function sender(): Promise<void> {
    for (let refused = 0; refused < 2;) {
      const began = performance.now()
      const reply = await sendOne(ports, ledger)
      if (reply.startsWith('250 ')) continue
      assert.match(reply, FULL)
      waits.push(performance.now() - began)
      refused++
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
  return waits
}

/** Reading, marking and removing over IMAP, reading over POP3, and the answer to APPEND: all while the disk is full. */
async function othersServe(ports: Ports): Promise<void> {
  const imap = await ImapClient.login({ host: '127.0.0.1', port: ports.imap, user, password })
  assert.match(String(await imap.run('SELECT INBOX')), /\* \d+ EXISTS/)
  assert.match(String(await imap.run('FETCH 1 (UID ENVELOPE BODY.PEEK[])')), /^X-Ledger: /m)
  const refused = await imap
    .raw(new TextEncoder().encode('x APPEND INBOX {300000+}\r\n' + 'y'.repeat(299_998) + '\r\n\r\n'), 'x')
    .then(String)
  assert.match(refused, /^x NO \[UNAVAILABLE\] /m)
  imap.close()
  const pop3 = await Client.dial(ports.pop3)
  pop3.say(`USER ${user}\r\nPASS ${password}\r\nSTAT\r\nRETR 1\r\nQUIT`)
  assert.match(await pop3.rest(), /X-Ledger: [^]*\r\n\.\r\n\+OK/)
}

for (const [name, { programs, mount }] of Object.entries(fileSystems)) {
  test(
    `a disk that fills under the server refuses with 452 and recovers by itself: ${name} (RFC 5321 §4.2.3; D4)`,
    { skip: requireProgram(...programs), timeout: 120_000 },
    async t => {
      const disk = smallDisk(t, mount)
      if (disk === undefined) return
      const book = mkdtempSync(join(tmpdir(), 'mailwright-ledger-'))
      t.after(() => rmSync(book, { recursive: true }))
      const ledger = new Ledger(join(book, 'ledger'))
      const others = fill(disk, 'others', 10 * 1024 * 1024)
      const server = await serverOn(join(disk, 'data'))
      const { ports } = server
      const seen = new Map<string, string>()
      const [corrupt, duplicate] = [new Set<string>(), new Set<string>()]
      const removed = new Set<string>()
      const nothingIsLost = async (): Promise<void> => {
        seen.clear()
        await check({ imapPort: ports.imap, user, password }, 1, seen, ledger, corrupt, duplicate)
        assert.deepEqual([...corrupt, ...duplicate], [])
        for (const id of ledger.acknowledged.keys()) assert.equal(seen.has(id), !removed.has(id), `${id} was acknowledged`)
        for (const id of seen.keys()) assert.ok(ledger.acknowledged.has(id), `${id} was refused, and yet it is there`)
      }
      try {
        // What the store keeps free for itself is not to be had: first that, then the very last octet.
        const waits = [...(await sendUntilRefused(ports, ledger))]
        const first = ledger.acknowledged.size
        assert.ok(first > 20, `${first} were taken before`)
        await othersServe(ports)
        // The store moves its log into the database when it rests for 200 ms, which takes room too.
        await sleep(500)
        for (const id of await removeSome(ports)) removed.add(id)
        const ballast = fill(disk, 'ballast', 0)
        waits.push(...(await sendUntilRefused(ports, ledger)))
        assert.match(await sendOne(ports, ledger, 500_000), FULL, 'what needs a spool file is refused too')
        await othersServe(ports)
        await nothingIsLost()

        rmSync(ballast)
        rmSync(others)
        const began = performance.now()
        assert.match(await sendOne(ports, ledger), /^250 /, 'it takes mail again, without a restart')
        const resumed = performance.now() - began
        await nothingIsLost()
        const worst = Math.max(...waits)
        t.diagnostic(
          `${name}: ${ledger.acknowledged.size} acknowledged, 0 lost; ${waits.length} refusals, the first after ${waits[0]?.toFixed(0)} ms, the slowest ${worst.toFixed(0)} ms; taken again within ${resumed.toFixed(0)} ms`,
        )
        assert.ok(worst < 1000, `a refusal took ${worst} ms`)
        assert.match(server.told(), /make room, no restart is needed/, 'the operator reads what to do')
      } finally {
        await server.stop()
        ledger.close()
      }
      assert.deepEqual(await verified(join(disk, 'data')), [])
    },
  )
}
