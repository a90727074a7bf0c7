/** The fakes keep the promises of the contracts they stand in for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeClock, parseDuration } from '../../src/testing/fake-clock.ts'
import { fakeConnection } from '../../src/testing/fake-transport.ts'
import { memorySpool } from '../../src/testing/memory-spool.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)

test('the fake clock calls back in the order of time, and what a call-back sets too', () => {
  const clock = fakeClock(1000)
  const called: string[] = []
  clock.after(20, () => called.push(`b${clock.monotonic()}`))
  clock.after(10, () => {
    called.push(`a${clock.monotonic()}`)
    clock.after(5, () => called.push(`c${clock.monotonic()}`))
  })
  const cancel = clock.after(12, () => called.push('never'))
  cancel()
  assert.equal(clock.untilNext, 10)
  clock.advance(30)
  assert.deepEqual(called, ['a10', 'c15', 'b20'])
  assert.equal(clock.now(), 1030)
  assert.equal(clock.untilNext, undefined)
})

test('durations read as they are spoken', () => {
  assert.equal(parseDuration('31 minutes'), 1_860_000)
  assert.equal(parseDuration('1 second'), 1000)
  assert.equal(parseDuration('250 ms'), 250)
  assert.equal(parseDuration('1.5 hours'), 5_400_000)
  assert.equal(parseDuration('soon'), undefined)
})

test('a read gives at most what it may, waits, times out by the clock, and ends', async () => {
  const clock = fakeClock()
  const { transport, peer } = fakeConnection({ clock, octetsPerRead: 2 })
  peer.send(octets('abc'))
  assert.deepEqual(await transport.read(10), octets('ab'))
  assert.deepEqual(await transport.read(10), octets('c'))
  const late = transport.read(10)
  assert.ok(peer.engineWaits)
  await assert.rejects(transport.read(10), /two reads/)
  clock.advance(10)
  assert.equal(await late, 'timeout')
  peer.send(octets('d'))
  peer.end()
  assert.deepEqual(await transport.read(10), octets('d'))
  assert.equal(await transport.read(10), undefined)
})

test('a peer that does not read holds the writer back', async () => {
  const { transport, peer } = fakeConnection()
  assert.equal(transport.write(octets('x')), undefined)
  peer.stopReading()
  const held = transport.write(octets('y'))
  assert.ok(held instanceof Promise)
  peer.resumeReading()
  await held
  assert.deepEqual(peer.take(), octets('xy'))
})

test('a vanished peer fires the signal; writing to it does nothing', async () => {
  const { transport, peer } = fakeConnection()
  const waiting = transport.read(10)
  peer.vanish()
  assert.equal(await waiting, undefined)
  assert.ok(transport.signal.aborted)
  assert.equal(transport.write(octets('x')), undefined)
  assert.equal(peer.waiting, 0)
})

test('the memory spool gives back what was written and holds nothing afterwards', async () => {
  const spool = memorySpool({ capacity: 10 })
  const writer = spool.begin()
  await writer.write(octets('abc'))
  await writer.write(octets('def'))
  const message = await writer.finish()
  assert.equal(message.size, 6)
  assert.deepEqual(await message.read(2, 99), octets('cdef'))
  const full = spool.begin()
  assert.throws(() => full.write(octets('ghijk')), { kind: 'no-space' })
  full.discard()
  message.dispose()
  message.dispose()
  assert.equal(spool.held, 0)
  assert.throws(() => message.read(0, 1), { kind: 'no-such-message' })
})

test('the same seed gives the same octets, another seed others', () => {
  assert.deepEqual(seededRandom(7).bytes(64), seededRandom(7).bytes(64))
  assert.notDeepEqual(seededRandom(7).bytes(64), seededRandom(8).bytes(64))
  const random = seededRandom(3)
  const counts = [0, 0, 0, 0]
  for (let draw = 0; draw < 4000; draw++) {
    const drawn = random.below(4)
    counts[drawn] = (counts[drawn] ?? 0) + 1
  }
  assert.ok(counts.every(count => count > 800 && count < 1200))
})
