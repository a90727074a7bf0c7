import assert from 'node:assert/strict'
import { test } from 'node:test'
import { houseOf, mailOf } from '../pipeline/house.ts'
import type { TestHouse } from '../pipeline/house.ts'
import { bridge, RawClient } from '../smtp-server/bridge.ts'
import type { BridgeOptions } from '../smtp-server/bridge.ts'
import { processorTime } from '../support/processor-time.ts'

const LINE_ENDS: Readonly<Record<string, string>> = { LF: '\n', CR: '\r', CRLF: '\r\n', CRCRLF: '\r\r\n', CRNUL: '\r\0' }

/** CR CRLF.CRLF is a true end behind a bare CR, so it is not among them. */
const TRUE_END = '\r\r\n.\r\n'

/** What some server somewhere once took for the end of a message; only CRLF.CRLF is. */
const BAD_TERMINATORS: readonly string[] = [
  ...['LF', 'CR', 'CRCRLF', 'CRNUL']
    .flatMap(first => ['LF', 'CR', 'CRLF'].map(last => `${LINE_ENDS[first]}.${LINE_ENDS[last]}`))
    .filter(end => end !== TRUE_END),
  '\r\n.\r\0\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\n.\0\r\n',
  '\n..\r\n',
  '\r\n. \r\n',
]

const SMUGGLED = 'MAIL FROM:<evil@b.example>\r\nRCPT TO:<ben@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled'

/** One connection: a message with `terminator` and a smuggled transaction in its middle, then the true end. Octets cut at `cut`. */
async function attack(
  house: BridgeOptions,
  terminator: string,
  cut: number | 'bytes',
): Promise<{ readonly replies: string[]; readonly house: TestHouse }> {
  await using server = await bridge(house)
  using client = await server.client()
  const isLmtp = server.engine.protocol === 'lmtp'
  client.write(isLmtp ? 'LHLO c.example\r\n' : 'EHLO c.example\r\n')
  await client.replies(2)
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
  await client.replies(3)
  const octets = Buffer.from(`Subject: x\r\n\r\nbody${terminator}${SMUGGLED}\r\n.\r\nQUIT\r\n`, 'latin1')
  if (cut === 'bytes') {
    for (const octet of octets) {
      client.write(Uint8Array.of(octet))
      await new Promise(resolve => setImmediate(resolve))
    }
  } else {
    client.write(octets.subarray(0, cut))
    await new Promise(resolve => setImmediate(resolve))
    client.write(octets.subarray(cut))
  }
  return { replies: await client.replies(2), house: server.house }
}

test('eighteen false ends of data end nothing, at every cut (RFC 5321 §2.3.8, §4.1.1.4; S1)', async () => {
  assert.equal(BAD_TERMINATORS.length, 18)
  for (const flavour of ['smtp', 'lmtp'] as const) {
    for (const terminator of BAD_TERMINATORS) {
      const begin = 'Subject: x\r\n\r\nbody'.length
      const cuts: (number | 'bytes')[] = Array.from({ length: terminator.length + 1 }, (_, at) => begin + at)
      for (const cut of [...cuts, 'bytes' as const]) {
        const { replies, house } = await attack({ flavour }, terminator, cut)
        const isClean = terminator === '\r\n. \r\n'
        const shown = `${JSON.stringify(terminator)} cut at ${cut}: ${replies.join(' | ')}`
        assert.match(replies[0] ?? '', isClean ? /^250 / : /^550 5\.5\.2 /, shown)
        assert.match(replies[1] ?? '', /^221 /, shown)
        assert.equal((await mailOf(house.store, 'ben')).length, 0, shown)
        assert.equal((await mailOf(house.store, 'ann')).length, isClean ? 1 : 0, shown)
      }
    }
  }
})

test('the two true ends of data end a message, at every cut (RFC 5321 §4.1.1.4; S1)', async () => {
  for (const body of ['body\r\n.\r\n', '.\r\n']) {
    for (let cut = 0; cut <= body.length; cut++) {
      await using server = await bridge()
      using client = await server.client()
      client.write('EHLO c.example\r\n')
      await client.replies(2)
      client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
      await client.replies(3)
      client.write(body.slice(0, cut))
      await new Promise(resolve => setImmediate(resolve))
      client.write(body.slice(cut))
      assert.match(await client.reply(), /^250 2\.6\.0 /)
      assert.equal((await mailOf(server.house.store, 'ann')).length, 1)
    }
  }
})

test('listed networks have bare line ends put right, never NUL (S1)', async () => {
  const normaliseFrom = { has: (address: string) => address === '127.0.0.1' }
  const good = await attack({ normaliseFrom }, '\n.\n', 0)
  assert.match(good.replies[0] ?? '', /^250 /)
  const [mail = ''] = await mailOf(good.house.store, 'ann')
  assert.ok(mail.includes('\nbody\n.\nMAIL FROM'), mail)
  assert.match((await attack({ normaliseFrom }, '\r\n.\0\r\n', 0)).replies[0] ?? '', /^550 5\.5\.2 /)
})

test('every clean message comes through octet by octet (RFC 5321 §4.5.2; S3)', async () => {
  const house = houseOf()
  let stored = ''
  const store = { ...house.store, open: house.store.open.bind(house.store), close: house.store.close.bind(house.store) }
  const keep: typeof house.store = {
    ...store,
    async deliver(targets) {
      const content = targets[0]?.message.content
      if (content !== undefined) stored = Buffer.from(await content.read(0, content.size)).toString('utf8')
      return targets.map(({ account }) => ({ ok: false as const, account, error: new Error('not kept') }))
    },
  }
  await using server = await bridge({ house: { store: keep } })
  let client = await server.client()
  let used = 0
  const begin = async (): Promise<void> => {
    client.write('EHLO c.example\r\n')
    await client.replies(2)
  }
  await begin()
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff
    return seed % below
  }
  const pieces = ['.', '..', '\r\n', '\r\n.', 'a', '\r\n\r\n', ' ', 'é', '.\r\n', 'x'.repeat(70)]
  for (let round = 0; round < 400; round++) {
    const body = `${Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join('')}\r\n`
    client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
    await client.replies(3)
    const stuffed = Buffer.from(`${body.replace(/^\./gm, '..')}.\r\n`, 'utf8')
    for (let at = 0; at < stuffed.length;) {
      const next = at + 1 + random(stuffed.length)
      client.write(stuffed.subarray(at, next))
      at = next
    }
    assert.match(await client.reply(), /^451 /)
    assert.equal(stored, body)
    if (++used === 50) {
      client.socket.destroy()
      client = await server.client()
      used = 0
      await begin()
    }
  }
  client.socket.destroy()
})

test('command lines end with CRLF alone (RFC 5321 §2.3.8; S4)', async () => {
  await using server = await bridge()
  using client = await server.client()
  await client.reply()
  client.write('NOOP\n')
  assert.match(await client.reply(), /^500 5\.5\.2 /)
  client.write('NOOP\r\nNOOP\r\n')
  assert.match(await client.reply(), /^250 /)
  for (let at = 2; at < 10; at++) {
    client.write('NO\rOP\r\n')
    assert.match(await client.reply(), /^500 5\.5\.2 /)
  }
  client.write('NO\0OP\r\n')
  assert.match(await client.reply(), /^421 4\.7\.0 /)
})

test('eight megabytes of stuffed dots take less than a second', async () => {
  await using server = await bridge()
  using client = await RawClient.open(server.port)
  client.write('EHLO c.example\r\n')
  await client.replies(2)
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n')
  await client.replies(3)
  const body = Buffer.alloc(8 * 1024 * 1024, '..\r\n', 'latin1')
  const began = processorTime()
  client.write('Subject: dots\r\n\r\n')
  client.write(body)
  client.write('.\r\n')
  assert.match(await client.reply(), /^250 /)
  const took = processorTime() - began
  assert.ok(took < 1000, `${took} ms`)
})
