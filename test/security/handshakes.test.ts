/** Two hundred handshakes a second, and clients that want more of them within a connection (S27; RFC 9325 §3.5; RFC 8996). */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { mailwright } from '../../bench/lib/mailwright.ts'

const RATE = 200
const SECONDS = 5

async function shaken(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

test(`${RATE} TLS handshakes a second leave the event loop free (S27; G21)`, { timeout: 60_000 }, async t => {
  const server = await mailwright()
  try {
    ;(await shaken(server.imapsPort)).destroy()
    await server.longestTurn()
    let done = 0
    let failed = 0
    const all: Promise<void>[] = []
    const began = performance.now()
    while (performance.now() - began < SECONDS * 1000) {
      while (all.length < ((performance.now() - began) / 1000) * RATE) {
        // No session is resumed: every handshake costs the server a signature.
        all.push(
          shaken(server.imapsPort).then(
            socket => {
              done++
              socket.destroy()
            },
            () => {
              failed++
            },
          ),
        )
      }
      await sleep(5)
    }
    await Promise.all(all)
    const seconds = (performance.now() - began) / 1000
    const longest = await server.longestTurn()
    t.diagnostic(
      `${done} handshakes in ${seconds.toFixed(1)} s, ${failed} failed; a turn of the loop took ${longest.toFixed(0)} ms at most`,
    )
    assert.equal(failed, 0)
    assert.ok(longest < 100, `a turn of the loop took ${longest} ms`)
  } finally {
    await server.stop()
  }
})

test(
  'a client that asks for another handshake is cut off, and TLS 1.1 is not spoken (RFC 9325 §3.1.1, §3.5; RFC 8996 §4)',
  { timeout: 60_000 },
  async () => {
    const server = await mailwright()
    try {
      const socket = await shaken(server.imapsPort, { maxVersion: 'TLSv1.2' })
      await once(socket, 'data')
      const closed = once(socket, 'close')
      socket.renegotiate({ rejectUnauthorized: false }, () => undefined)
      await closed
      for (const version of ['TLSv1', 'TLSv1.1'] as const) {
        await assert.rejects(shaken(server.imapsPort, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }))
      }
      const next = await shaken(server.imapsPort)
      assert.equal(next.getProtocol(), 'TLSv1.3')
      next.destroy()
    } finally {
      await server.stop()
    }
  },
)
