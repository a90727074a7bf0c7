/** The first sync that fails under the whole server: from then on nothing is acknowledged, until somebody looked and started it again (D3, D7, G5). */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ImapClient } from '../../bench/lib/imap-client.ts'
import { Ledger } from '../../bench/lib/ledger.ts'
import { check, verified } from '../../bench/lib/torture.ts'
import { requireProgram } from '../support/programs.ts'
import { password, sendOne, serverOn, user } from './child.ts'

const SENDERS = 6

for (const [call, when] of [
  ['fsync', 12],
  ['fsync', 40],
  ['fdatasync', 6],
  ['fdatasync', 25],
] as const) {
  test(
    `after ${call} number ${when} of the writer failed, every sender keeps its mail (RFC 5321 §6.1; D3)`,
    { skip: requireProgram('strace'), timeout: 120_000 },
    async t => {
      const folder = mkdtempSync(join(tmpdir(), 'mailwright-sync-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const data = join(folder, 'data')
      // The folder is made first, so that the syncs of making it are not counted.
      await (await serverOn(data)).stop()
      const inject = `inject=${call}:error=EIO:when=${when}`
      const strace = ['strace', '-f', '-qq', '-o', join(folder, 'trace'), '-e', `trace=${call}`, '-e', inject]
      const server = await serverOn(data, strace)
      const ledger = new Ledger(join(folder, 'ledger'))
      const { ports } = server
      const refusals: string[] = []
      try {
        async function sender(): Promise<void> {
          for (let sent = 0; sent < 200; sent++) {
            const reply = await sendOne(ports, ledger)
            if (reply.startsWith('250 ')) continue
            refusals.push(reply)
            return
          }
        }
        await Promise.all(Array.from({ length: SENDERS }, sender))
        const acknowledged = ledger.acknowledged.size
        assert.equal(refusals.length, SENDERS, 'every sender was refused at last')
        for (let more = 0; more < 10; more++) refusals.push(await sendOne(ports, ledger))
        for (const reply of refusals) assert.match(reply, /^451 4\.3\.0 /)
        assert.equal(ledger.acknowledged.size, acknowledged)

        const imap = await ImapClient.login({ host: '127.0.0.1', port: ports.imap, user, password })
        await imap.run('SELECT INBOX')
        await assert.rejects(imap.run(String.raw`STORE 1 +FLAGS (\Seen)`), /NO \[UNAVAILABLE\]/)
        assert.match(String(await imap.run('FETCH 1 (BODY.PEEK[HEADER])')), /^X-Ledger: /m, 'what is there can be read')
        imap.close()
        t.diagnostic(`${acknowledged} acknowledged before`)
      } finally {
        await server.stop()
      }
      const told = server.told().match(/nothing more is written; check the disk, then start again\. Until then mail can be read/g) ?? []
      assert.ok(told.length > 0, `the operator reads what to do, not ${server.told()}`)

      const again = await serverOn(data)
      const seen = new Map<string, string>()
      const [corrupt, duplicate] = [new Set<string>(), new Set<string>()]
      try {
        await check({ imapPort: again.ports.imap, user, password }, 1, seen, ledger, corrupt, duplicate)
        for (const id of ledger.acknowledged.keys()) assert.ok(seen.has(id), `${id} was acknowledged`)
        assert.deepEqual([...corrupt, ...duplicate], [])
        assert.match(await sendOne(again.ports, ledger), /^250 /)
      } finally {
        await again.stop()
        ledger.close()
      }
      assert.deepEqual(await verified(data), [])
    },
  )
}
