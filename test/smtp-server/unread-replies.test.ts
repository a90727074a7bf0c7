/** Clients that do not read what they are told, and sockets that cannot be written to. */

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { smtpEngine } from 'mailwright/smtp-server'
import { connectionOf, houseOf } from '../pipeline/house.ts'
import type { TestHouse } from '../pipeline/house.ts'

/** A client on a socket of its own; what it is told stays in the socket while it does not read. */
class Peer {
  readonly socket: Socket
  /** What it read. */
  heard = ''
  isReading = true
  /** What writing to it throws. */
  fault: Error | undefined
  isOver = false
  #reads: (() => void) | undefined

  constructor(house: TestHouse) {
    const duplex = new Duplex({
      writableHighWaterMark: 4096,
      read: () => undefined,
      write: (octets: Buffer, _encoding, done) => {
        const read = (): void => {
          this.heard += octets.toString('latin1')
          done()
        }
        if (this.isReading) read()
        else this.#reads = read
      },
    })
    const write = duplex.write.bind(duplex)
    duplex.write = (...values: readonly unknown[]) => {
      if (this.fault !== undefined) throw this.fault
      return (write as (...values: readonly unknown[]) => boolean)(...values)
    }
    this.socket = duplex as Socket
    void smtpEngine(house.host, { flavour: 'smtp' })
      .connect(this.socket, connectionOf())
      .then(() => (this.isOver = true))
  }

  /** Says something, and lets the server answer. */
  async say(text: string): Promise<void> {
    this.socket.push(Buffer.from(text, 'latin1'))
    for (let at = 0; at < 4; at++) await turn()
  }

  async readsAgain(): Promise<void> {
    this.isReading = true
    this.#reads?.()
    for (let at = 0; at < 20; at++) await turn()
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

async function greeted(house: TestHouse): Promise<Peer> {
  const peer = new Peer(house)
  while (peer.heard === '') await turn()
  await peer.say('EHLO c.example\r\n')
  assert.match(peer.heard, /^220 [^]*\r\n250 [^\r]*\r\n$/)
  peer.heard = ''
  return peer
}

/** A client that has said 201 commands and read none of the replies. */
async function askingFor201(house: TestHouse): Promise<Peer> {
  const peer = await greeted(house)
  peer.isReading = false
  await peer.say('MAIL FROM:<a@b.example>\r\n')
  for (let at = 0; at < 200; at++) await peer.say('RCPT TO:<ann@example.org>\r\n')
  return peer
}

test('a client that reads no replies is given a bounded number of them, whatever it asks for (P4)', async () => {
  using peer = await greeted(houseOf())
  peer.isReading = false
  for (let at = 0; at < 300; at++) await peer.say('EHLO c.example\r\n')
  assert.ok(peer.socket.writableLength < 5000, `${peer.socket.writableLength} octets wait for a client that does not read`)
})

test('a client that reads no replies has as long as for a command, then it is told so (RFC 5321 §4.5.3.2.7)', async () => {
  const house = houseOf()
  using peer = await askingFor201(house)
  house.clock.advance(299_000)
  assert.equal(peer.socket.writableEnded, false)
  house.clock.advance(2000)
  assert.equal(peer.socket.writableEnded, true)
  await peer.readsAgain()
  assert.match(peer.heard, /^250 2\.1\.0 [^]*\r\n421 4\.4\.2 [^\r]*\r\n$/)
})

test('a client that reads late has every reply, and all the time there is for its next command', async () => {
  const house = houseOf()
  using peer = await askingFor201(house)
  house.clock.advance(299_000)
  await peer.readsAgain()
  assert.equal(peer.heard.split('\r\n').length - 1, 201)
  house.clock.advance(299_000)
  assert.equal(peer.socket.writableEnded, false)
  house.clock.advance(2000)
  assert.equal(peer.socket.writableEnded, true)
})

test('a socket that cannot be written to costs nobody else a reply', async () => {
  const house = houseOf()
  using first = await greeted(house)
  using second = await greeted(house)
  first.fault = new Error('this socket is broken')
  first.socket.push(Buffer.from('NOOP\r\n'))
  await second.say('NOOP\r\n')
  assert.equal(second.heard, '250 2.0.0 OK\r\n')
  assert.equal(first.isOver, true)
  assert.ok(first.socket.destroyed)
})
