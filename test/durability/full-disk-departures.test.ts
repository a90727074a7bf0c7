/** A disk that fills with mail that waits to leave: submission is refused, nothing is lost, and it leaves in the end (RFC 5321 §4.2.3; D4). */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { NextServer } from '../../bench/lib/departures.ts'
import { Ledger } from '../../bench/lib/ledger.ts'
import { freePort } from '../../bench/lib/ports.ts'
import { verified } from '../../bench/lib/torture.ts'
import { Client } from '../server/served.ts'
import { requireProgram } from '../support/programs.ts'
import { password, serverOn, transact, untilRefused, user } from './child.ts'
import type { Ports } from './child.ts'
import { fileSystems, fill, smallDisk } from './small-disk.ts'

/** Submits one message of the ledger for somebody elsewhere; the reply that decided. */
async function submitOne(ports: Ports, ledger: Ledger): Promise<string> {
  const client = await Client.dial(ports.submission)
  try {
    await client.hear(/^220 /m)
    client.say('EHLO load.example')
    await client.hear(/^250 /m)
    client.say(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`)
    await client.hear(/^235 /m)
    return await transact(client, user, 'bob@far.example', ledger)
  } finally {
    client.socket.destroy()
  }
}

for (const [name, { programs, mount }] of Object.entries(fileSystems)) {
  test(
    `a disk full of waiting mail refuses with 452, and all of it leaves later: ${name} (RFC 5321 §4.2.3; D4)`,
    { skip: requireProgram(...programs), timeout: 120_000 },
    async t => {
      const disk = smallDisk(t, mount)
      if (disk === undefined) return
      const book = mkdtempSync(join(tmpdir(), 'mailwright-ledger-'))
      t.after(() => rmSync(book, { recursive: true }))
      const ledger = new Ledger(join(book, 'ledger'))
      const data = join(disk, 'data')
      const others = fill(disk, 'others', 10 * 1024 * 1024)
      // Nobody listens there yet: what is taken waits.
      const port = await freePort()
      const next = new NextServer()
      const smarthost = ['--smarthost', `127.0.0.1:${port}`]
      let server = await serverOn(data, [], smarthost)
      try {
        await untilRefused(() => submitOne(server.ports, ledger))
        const first = ledger.acknowledged.size
        assert.ok(first > 20, `${first} were taken before`)
        const ballast = fill(disk, 'ballast', 0)
        await untilRefused(() => submitOne(server.ports, ledger))
        rmSync(ballast)
        rmSync(others)
        assert.match(await submitOne(server.ports, ledger), /^250 /, 'it takes mail again, without a restart')

        // A destination that was away rests for a while; a new start knows nothing of that.
        await server.stop()
        await next.listen(port)
        server = await serverOn(data, [], smarthost)
        const store = sqliteStore({ path: join(data, 'mail') })
        try {
          for (let waits = await store.queue.counts(); waits.messages > 0; waits = await store.queue.counts()) {
            await store.queue.retry({})
            await sleep(100)
          }
        } finally {
          await store.close()
        }
      } finally {
        await server.stop()
        await next.close()
        ledger.close()
      }
      const arrived = new Map(Array.from(next.arrivals, ([id, { hash }]) => [id, hash]))
      for (const [id, hash] of ledger.acknowledged) assert.equal(arrived.get(id), hash, `${id} was acknowledged`)
      for (const id of arrived.keys()) assert.ok(ledger.acknowledged.has(id), `${id} was refused, and yet it left`)
      assert.deepEqual(await verified(data), [])
      t.diagnostic(`${name}: ${ledger.acknowledged.size} acknowledged, 0 lost`)
    },
  )
}
