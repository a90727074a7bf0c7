/**
 * What a server pays in memory for a thousand connections that announce 4 GB or open parentheses, and for sets of a million messages
 * (P1, P3, P5; RFC 9051 §4.3, §9).
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Guest, guests, largeServer, roomyServer } from './roomy.ts'
import type { RoomyServer } from './roomy.ts'

const CONNECTIONS = 1000
const MB = 1e6

/** Lets a server meet what will come, so that its code is compiled and its heap has grown before anything is measured. */
async function warmed(server: RoomyServer, attack: (guests: readonly Guest[]) => Promise<void>): Promise<number> {
  const first = await guests(server, 200)
  await attack(first)
  for (const { socket } of first) socket.destroy()
  return server.settled()
}

/** The nth of these, again and again. */
const each = (all: readonly Guest[], run: (guest: Guest, index: number) => Promise<void>): Promise<void[]> => Promise.all(all.map(run))

test(
  'a thousand connections announce literals of 4 GB and send nothing: memory stays as it is (P1, G23)',
  { timeout: 120_000 },
  async t => {
    await using server = await roomyServer()
    async function announce(all: readonly Guest[]): Promise<void> {
      await each(all, async (guest, index) => {
        switch (index % 4) {
          case 0:
            for (let turn = 0; turn < 10; turn++) {
              guest.say('a LOGIN {4294967295}\r\n')
              await guest.hear(/^a NO \[TOOBIG\]/m)
            }
            // As much as is taken: it waits for octets, and none come.
            guest.say('b LOGIN {8000}\r\n')
            await guest.hear(/^\+ /m)
            return
          case 1:
            guest.say('a LOGIN {4294967295+}\r\n')
            await guest.hear(/^\* BYE/m)
            return
          case 2:
            for (const command of ['CREATE', 'APPEND INBOX', 'SEARCH SUBJECT', 'STATUS']) {
              guest.say(`a ${command} {4294967295}\r\n`)
              await guest.hear(/^a NO \[TOOBIG\]/m)
            }
            guest.say('b APPEND INBOX {60000000}\r\n')
            await guest.hear(/^\+ /m)
            return
          default:
            guest.say(index % 8 === 3 ? 'a CREATE {4294967295+}\r\n' : 'a APPEND INBOX {4294967295+}\r\n')
            await guest.hear(/^\* BYE/m)
        }
      })
    }
    const open = async (count: number): Promise<Guest[]> => {
      const all = await guests(server, count)
      for (const [index, guest] of all.entries()) if (index % 4 > 1) await guest.logIn()
      return all
    }
    await warmed(server, async all => {
      for (const [index, guest] of all.entries()) if (index % 4 > 1) await guest.logIn()
      await announce(all)
    })
    const all = await open(CONNECTIONS)
    const before = await server.settled()
    await announce(all)
    const grown = (await server.settled()) - before
    t.diagnostic(`${CONNECTIONS} connections: ${(before / MB).toFixed(0)} MB before, ${(grown / MB).toFixed(1)} MB more after`)
    assert.ok(grown < 20 * MB, `${(grown / MB).toFixed(1)} MB`)
    for (const { socket } of all) socket.destroy()
  },
)

test(
  'a thousand connections of 4,000 open parentheses cost at most 50 MB, lines that never end included (P3)',
  { timeout: 120_000 },
  async t => {
    await using server = await roomyServer()
    const parentheses = '('.repeat(4000)
    async function nest(all: readonly Guest[]): Promise<void> {
      await each(all, async (guest, index) => {
        for (const command of ['NOOP', 'SEARCH', 'FETCH 1', 'LIST', 'ID']) {
          guest.say(`a ${command} ${parentheses}\r\n`)
          await guest.hear(/^a BAD/m)
        }
        guest.say(`b ${index % 2 === 0 ? 'NOOP' : 'SEARCH'} ${parentheses}`)
      })
    }
    const before = await warmed(server, nest)
    const all = await guests(server, CONNECTIONS)
    await nest(all)
    const grown = (await server.settled()) - before
    t.diagnostic(`${CONNECTIONS} connections: ${(before / MB).toFixed(0)} MB before, ${(grown / MB).toFixed(1)} MB more after`)
    assert.ok(grown < 50 * MB, `${(grown / MB).toFixed(1)} MB`)
    assert.ok(
      all.every(({ socket }) => !socket.closed),
      'all of them are open still',
    )
    for (const { socket } of all) socket.destroy()
  },
)

test(
  'flags of a million messages are told as they are read, and at no cost in memory, to slow readers too (RFC 9051 §9; P5)',
  { timeout: 120_000 },
  async t => {
    const MESSAGES = 1_000_000
    await using server = await largeServer(MESSAGES)
    const guest = new Guest(server.imap)
    await guest.hear(/^\* OK/m)
    await guest.logIn()
    guest.say('s SELECT INBOX\r\n')
    await guest.hear(/^s OK/m)
    await server.settled()
    server.collect()
    const view = await server.settled()
    let peak = view
    const watch = setInterval(() => (peak = Math.max(peak, server.resident())), 10)
    /** Runs a command; how many messages it told, and how long it took. */
    async function told(command: string, pause: number = 0): Promise<{ readonly count: number; readonly ms: number }> {
      let count = 0
      const counted = (octets: Uint8Array): void => {
        for (let at = octets.indexOf(0x2a); at >= 0; at = octets.indexOf(0x2a, at + 1)) count++
      }
      const began = performance.now()
      guest.say(`f ${command}\r\n`)
      // Somebody who reads nothing for a while: what the server keeps for them is what is measured.
      if (pause > 0) {
        guest.socket.pause()
        await new Promise(resolve => setTimeout(resolve, pause))
        guest.socket.resume()
      }
      guest.socket.on('data', counted)
      await guest.hear(/^f OK/m)
      guest.socket.off('data', counted)
      return { count, ms: performance.now() - began }
    }
    try {
      const all = await told('UID FETCH 1:* (FLAGS)')
      assert.equal(all.count, MESSAGES)
      assert.equal((await told('UID FETCH 1:* (FLAGS)', 1500)).count, MESSAGES)
      for (const set of ['4294967295:*', '*:4294967295', '4294967294:4294967295,*'])
        assert.equal((await told(`UID FETCH ${set} (FLAGS)`)).count, 1, set)
      // Thousands of ranges, each of which names everything, from the end to the beginning.
      const many = await told(`UID FETCH ${Array.from({ length: 6000 }, () => '*:1').join(',')} (FLAGS)`)
      assert.equal(many.count, MESSAGES)
      t.diagnostic(
        `${(view / MB).toFixed(0)} MB with the view, ${((peak - view) / MB).toFixed(1)} MB more at most; ` +
          `${all.ms.toFixed(0)} ms for all, ${many.ms.toFixed(0)} ms through 6,000 ranges`,
      )
      assert.ok(peak - view < 20 * MB, `${((peak - view) / MB).toFixed(1)} MB over the view`)
    } finally {
      clearInterval(watch)
      guest.socket.destroy()
    }
  },
)
