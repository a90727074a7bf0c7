import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { LiveConnection } from 'mailwright/contracts'
import { earlyTalker } from 'mailwright/filters/early-talker'
import { listen } from 'mailwright/net'
import { smtpEngine } from 'mailwright/smtp-server'
import { fakeClock } from 'mailwright/testing'
import { connectionOf, houseOf } from '../pipeline/house.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const from = (address: string): Partial<LiveConnection> => ({ remote: { address, port: 1 } })

test('a stranger waits for the greeting, once (RFC 5321 §3.1)', async () => {
  const clock = fakeClock()
  const { host } = houseOf({ middleware: [earlyTalker({ clock, wait: 3000 })] })
  let greeted = false
  const first = host.connect(connectionOf('smtp', from('203.0.113.7'))).then(verdict => {
    greeted = true
    return verdict
  })
  clock.advance(2999)
  await turn()
  assert.equal(greeted, false)
  clock.advance(1)
  assert.equal((await first).kind, 'accept')
  assert.equal((await host.connect(connectionOf('smtp', from('203.0.113.99')))).kind, 'accept', 'a neighbour')
  clock.advance(86_400_000)
  const again = host.connect(connectionOf('smtp', from('203.0.113.7')))
  await turn()
  assert.equal(clock.pending > 0, true)
  clock.advance(3000)
  assert.equal((await again).kind, 'accept')
})

test('who leaves meanwhile has no good name', async () => {
  const clock = fakeClock()
  const { host } = houseOf({ middleware: [earlyTalker({ clock })] })
  const hasty = connectionOf('smtp', from('203.0.113.7'))
  const waiting = host.connect(hasty)
  hasty.leave()
  assert.equal((await waiting).kind, 'defer')
  assert.equal(clock.pending, 0, 'the wait was ended')
  void host.connect(connectionOf('smtp', from('203.0.113.7')))
  assert.equal(clock.pending, 1)
  clock.advance(3000)
})

test('nearby networks, Unix sockets and other protocols are greeted at once', async () => {
  const { host } = houseOf({ middleware: [earlyTalker({ clock: fakeClock() })] })
  for (const near of ['127.0.0.1', '::1', '10.0.0.1', ''])
    assert.equal((await host.connect(connectionOf('smtp', from(near)))).kind, 'accept')
  for (const protocol of ['submission', 'imap', 'pop3', 'lmtp'] as const) {
    assert.equal((await host.connect(connectionOf(protocol, from('203.0.113.7')))).kind, 'accept')
  }
})

test('S26: a flood is not kept waiting: beyond a number, strangers are greeted at once', async () => {
  const clock = fakeClock()
  const { host } = houseOf({ middleware: [earlyTalker({ clock, atOnce: 3 })] })
  const connects = Array.from({ length: 6 }, (_, n) => host.connect(connectionOf('smtp', from(`203.0.${n}.1`))))
  await Promise.all(connects.slice(3))
  assert.equal(clock.pending, 3)
  clock.advance(3000)
  await Promise.all(connects)
})

test('a client that talks before it was greeted is refused by the engine (RFC 5321 §4.3.1)', async () => {
  const house = houseOf({ middleware: [earlyTalker({ wait: 400 })] })
  const engine = smtpEngine(house.host, { flavour: 'smtp' })
  const runs: Promise<void>[] = []
  const listener = await listen({
    onConnection({ socket, local }) {
      const gone = new AbortController()
      socket.on('close', () => gone.abort())
      const remote = { address: '203.0.113.7', port: 1 }
      const live: LiveConnection = { ...connectionOf('smtp', { remote, local, clientName: undefined }), signal: gone.signal }
      runs.push(engine.connect(socket, live, () => Promise.reject(new Error('no TLS here'))))
    },
  })
  const talk = async (before: string): Promise<string> => {
    const socket = connect(listener.port, '127.0.0.1')
    let read = ''
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      read += text
      if (read.startsWith('220') && !read.includes('221')) socket.write('QUIT\r\n')
    })
    socket.on('error', () => undefined)
    if (before !== '') socket.write(before)
    await once(socket, 'close')
    return read
  }
  try {
    assert.match(await talk('EHLO impatient.example\r\n'), /^(?:421|554) /)
    assert.match(await talk(''), /^220 .*\r\n221 /)
  } finally {
    listener.close()
    engine.shutdown()
    await Promise.all(runs)
  }
})

test('a wait that the phase has no time for is refused at once', () => {
  assert.throws(() => earlyTalker({ wait: 60_000 }), { code: 'MW_EARLY_TALKER_WAIT' })
  assert.throws(() => earlyTalker({ wait: 0 }), { code: 'MW_EARLY_TALKER_WAIT' })
})
