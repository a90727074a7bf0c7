import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defer, MailError, reject } from 'mailwright/contracts'
import type { MailStore, Spool, Verdict } from 'mailwright/contracts'
import { memoryStore } from 'mailwright/stores/memory'
import { memorySpool } from '../../src/testing/memory-spool.ts'
import { mailOf } from '../pipeline/house.ts'
import { bridge } from './bridge.ts'

const SEND = `
  C: MAIL FROM:<a@b.example>
  S: 250 *
  C: RCPT TO:<ann@example.org>
  S: 250 *
  C: DATA
  S: 354 *
  C: Subject: x
  C:
  C: text
  C: .
`

test('a filter that throws or hangs costs the client a 451, and the next message nothing (M8)', async () => {
  let mood: 'throw' | 'hang' | 'well' = 'throw'
  let isHanging = false
  await using server = await bridge({
    house: {
      middleware: [
        {
          name: 'moody',
          message: (_context, next) => {
            if (mood === 'throw') throw new Error('/etc/secret')
            if (mood === 'well') return next()
            isHanging = true
            return new Promise(() => undefined)
          },
        },
      ],
    },
  })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO c.example
    S: 250-*
    ${SEND}
    S: 451 4.3.0 Temporary server problem, please try again later
  `)
  mood = 'hang'
  const reply = client.transcript(`${SEND}
    S: 451 4.3.0 *`)
  while (!isHanging) await new Promise(resolve => setImmediate(resolve))
  server.house.clock.advance(120_000)
  await reply
  mood = 'well'
  await client.transcript(`${SEND}
    S: 250 2.6.0 *`)
  assert.equal((await mailOf(server.house.store, 'ann')).length, 1)
  assert.equal(server.house.told('error').length, 2)
  assert.equal(server.house.spool.held, 0)
})

test('a full spool answers 452 and takes mail again when there is room (RFC 5321 §4.2.3)', async () => {
  const spool = memorySpool({ capacity: 2000 })
  await using server = await bridge({ house: { spool } })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO c.example
    S: 250-*
    C: MAIL FROM:<a@b.example>
    S: 250 *
    C: RCPT TO:<ann@example.org>
    S: 250 *
    C: DATA
    S: 354 *
  `)
  client.write(`Subject: x\r\n\r\n${`${'y'.repeat(98)}\r\n`.repeat(30)}.\r\n`)
  await client.transcript(`
    S: 452 4.3.1 *
    ${SEND}
    S: 250 2.6.0 *
  `)
  assert.equal(spool.held, 0)
})

test('what a store reports has its own reply (RFC 3463 §3.3, §3.4)', async () => {
  let error: Error = new Error('bug')
  const memory = memoryStore()
  const store: MailStore = {
    open: memory.open.bind(memory),
    close: memory.close.bind(memory),
    deliver: () => Promise.reject(error),
  }
  await using server = await bridge({ house: { store } })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO c.example
    S: 250-*
  `)
  for (const [failure, reply] of [
    [new Error('SQLITE_CORRUPT /var'), '451 4.3.0 *later'],
    [new MailError('unavailable', 'locked'), '451 4.3.0 *'],
    [new MailError('no-space', 'full'), '452 4.3.1 *'],
    [new MailError('over-quota', 'full'), '552 5.2.2 *'],
    [new MailError('too-big', 'big'), '552 5.3.4 *'],
  ] as const) {
    error = failure
    await client.transcript(`${SEND}
      S: ${reply}`)
  }
})

test('a connection may be refused before it begins (RFC 5321 §3.1, §4.2.4)', async () => {
  for (const [verdict, reply] of [
    [reject('Your network is not welcome', '5.7.1'), '554 5.7.1 Your network is not welcome'],
    [defer('Come back later', '4.7.0'), '421 4.7.0 Come back later'],
  ] as const satisfies readonly (readonly [Verdict, string])[]) {
    await using server = await bridge({ house: { middleware: [{ name: 'door', connect: async () => verdict }] } })
    using client = await server.client()
    assert.equal(await client.reply(), reply)
    assert.equal(await client.reply(), 'closed')
  }
})

test('the client leaves while a filter thinks: nothing is stored, and the filter is told', async () => {
  let signal: AbortSignal | undefined
  await using server = await bridge({
    house: {
      middleware: [
        {
          name: 'thinker',
          message(context) {
            ;({ signal } = context)
            return new Promise(() => undefined)
          },
        },
      ],
    },
  })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO c.example
    S: 250-*
    ${SEND}
  `)
  while (signal === undefined) await new Promise(resolve => setImmediate(resolve))
  // A reset; after a mere end the client may still be reading.
  client.socket.resetAndDestroy()
  await server.idle()
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(signal.aborted, true)
  assert.equal((await mailOf(server.house.store, 'ann')).length, 0)
  assert.equal(server.house.spool.held, 0)
})

test('a client that closes its side after its last command still reads the replies', async () => {
  await using server = await bridge()
  using client = await server.client()
  await client.reply()
  client.write('EHLO c.example\r\n')
  await client.reply()
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
  await client.replies(3)
  client.socket.end(Buffer.from('Subject: x\r\n\r\ntext\r\n.\r\nQUIT\r\n'))
  assert.match(await client.reply(), /^250 2\.6\.0 /)
  assert.match(await client.reply(), /^221 /)
  await server.idle()
})

test('a spool that fails to let go of a message changes no reply: it is stored, and each recipient has one (RFC 5321 §4.2.5; RFC 2033 §4.2)', async () => {
  const plain = memorySpool()
  const sticky: Spool = {
    begin() {
      const writer = plain.begin()
      return {
        write: octets => writer.write(octets),
        discard: () => writer.discard(),
        async finish() {
          const message = await writer.finish()
          const dispose = (): void => {
            message.dispose()
            throw new Error('its file cannot be removed')
          }
          return { size: message.size, read: (start, end) => message.read(start, end), dispose }
        },
      }
    },
  }
  await using server = await bridge({ flavour: 'lmtp', house: { spool: sticky } })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: LHLO c.example
    S: 250-*
    C: MAIL FROM:<a@b.example>
    S: 250 *
    C: RCPT TO:<ann@example.org>
    S: 250 *
    C: RCPT TO:<ben@example.org>
    S: 250 *
    C: DATA
    S: 354 *
    C: Subject: x
    C:
    C: text
    C: .
    S: 250 *
    S: 250 *
    C: NOOP
    S: 250 2.0.0 OK
  `)
  assert.equal((await mailOf(server.house.store, 'ann')).length, 1)
  assert.match(String(server.house.told('error')[0]?.['error']), /cannot be removed/)
})
