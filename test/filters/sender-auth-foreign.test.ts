import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { MessageSource } from 'mailwright/contracts'
import { generateKey, KeyCache } from 'mailwright/dkim'
import { fakeResolver, seededRandom } from 'mailwright/testing'
import { SMTPServer } from 'smtp-server'
import { milters } from '../../bench/lib/milters.ts'
import { postfix } from '../../bench/lib/postfix.ts'
import { latin1Bytes } from '../../src/bytes/index.ts'
import { Examiner } from '../../src/filters/sender-auth/examine.ts'
import { machineClock } from '../../src/filters/machine-clock.ts'
import { readResults } from '../../src/filters/sender-auth/results-reader.ts'
import { signedMessage } from '../dkim/messages.ts'
import { requireProgram } from '../support/programs.ts'

const HERE = '127.0.0.1'
/** Who the client says that it is (XCLIENT): OpenDMARC lets loopback pass whatever SPF says. */
const CLIENT = '203.0.113.7'
const MESSAGES = 120
const skip =
  requireProgram('postfix', 'opendkim', 'opendmarc', 'nsd') ||
  (process.getuid?.() === 0 ? false : 'Postfix and a network of its own are for root only')
const key = await generateKey('rsa')
const DOMAINS = ['example.org', 'sub.example.org', 'strict.example.org', 'quiet.example.org', 'deep.sub.example.org'] as const
const TEXTS: Readonly<Record<string, string>> = {
  'example.org': 'v=spf1 ip4:203.0.113.7 -all',
  'sub.example.org': 'v=spf1 ip4:192.0.2.1 -all',
  'strict.example.org': 'v=spf1 ip4:203.0.113.7 -all',
  'deep.sub.example.org': 'v=spf1 include:example.org ~all',
  '_dmarc.example.org': 'v=DMARC1; p=reject; sp=quarantine',
  '_dmarc.strict.example.org': 'v=DMARC1; p=reject; adkim=s; aspf=s',
  '_dmarc.quiet.example.org': 'v=DMARC1; p=none',
  'rsa._domainkey.example.org': key.record,
}

test(`${MESSAGES} messages: OpenDKIM and OpenDMARC, milters of Postfix, find DKIM and DMARC as we do`, { skip }, async () => {
  const arrived = new Map<string, string>()
  let wake: () => void = () => undefined
  const sink = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _, callback) {
      let text = ''
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      stream.on('end', () => {
        arrived.set(/^X-Number: (\d+)/m.exec(text)?.[1] ?? '', text)
        wake()
        callback()
      })
    },
  })
  await new Promise<void>(resolve => void sink.listen(0, HERE, resolve))
  const at = sink.server.address()
  assert.ok(at !== null && typeof at === 'object')
  const both = await milters(TEXTS)
  const peer = await postfix(
    { 'out.example': at.port },
    `${both.settings}smtpd_authorized_xclient_hosts = 127.0.0.1\nrelay_domains = out.example\n`,
  )
  try {
    const random = seededRandom(7489)
    const cases = Array.from({ length: MESSAGES }, (_, n) => {
      const plain = `From: Ann <ann@${random.pick(DOMAINS)}>\r\nX-Number: ${n}\r\nTo: box@out.example\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\nMessage-ID: <${n}@example.org>\r\n\r\nText\r\n`
      const signed =
        random.below(3) > 0
          ? Buffer.from(
              signedMessage(latin1Bytes(plain), key, ['From', 'Subject', 'Date'], 'relaxed', random.pick(['simple', 'relaxed'] as const)),
            ).toString('latin1')
          : plain
      const message = random.below(3) === 0 ? signed.replace('\r\n\r\nText', '\r\n\r\nTest') : signed
      return { message, sender: `x@${random.pick(DOMAINS)}` }
    })
    await deliver(peer.smtpPort ?? 0, cases)
    for (const end = performance.now() + 120_000; arrived.size < MESSAGES && performance.now() < end;) {
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      const timer = setTimeout(resolve, 1000)
      await promise
      clearTimeout(timer)
    }
    const differ: string[] = []
    const tally: Record<string, number> = {}
    for (const [n, { message, sender }] of cases.entries()) {
      const ours = await found(latin1Bytes(message), sender)
      const theirs = told(arrived.get(String(n)) ?? '')
      tally[ours] = (tally[ours] ?? 0) + 1
      if (ours !== theirs) differ.push(`${n} of ${sender}: ${ours}, there ${theirs}; ${/^From: .*/m.exec(message)?.[0] ?? ''}`)
    }
    console.log(`OpenDKIM, OpenDMARC and we: ${MESSAGES} messages, ${differ.length} judged differently; ${JSON.stringify(tally)}`)
    for (const line of differ.slice(0, 10)) console.log(line)
    assert.equal(differ.length, 0)
  } finally {
    await peer.stop()
    await both.stop()
    await new Promise<void>(resolve => sink.close(resolve))
  }
})

function told(message: string): string {
  const fields = message
    .slice(0, message.indexOf('\r\n\r\n'))
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const results = fields
    .filter(field => /^authentication-results:/i.test(field))
    .flatMap(field => readResults(field.slice(field.indexOf(':') + 1))?.results ?? [])
  const of = (wanted: string): string => results.find(({ method }) => method === wanted)?.result ?? 'none'
  return `dkim=${of('dkim') === 'pass' ? 'pass' : 'no pass'} dmarc=${of('dmarc')}`
}

async function found(octets: Uint8Array, sender: string): Promise<string> {
  const examiner = new Examiner({
    resolver: fakeResolver(Object.fromEntries(Object.entries(TEXTS).map(([name, text]) => [name, { txt: [text] }]))),
    clock: machineClock,
    keys: new KeyCache(),
    fallback: undefined,
    questions: 60,
    within: 10_000,
    sealers: new Set(),
    unsignedContentType: 'unaligned',
    iprev: false,
    bimi: false,
  })
  const source: MessageSource = { size: octets.length, read: (start, end) => octets.subarray(start, end) }
  const examined = { source, client: CLIENT, helo: 'client.example.org', sender, fromCount: 1, receiver: 'mx.bench.example' }
  const { signatures, dmarc } = await examiner.examine(examined, new AbortController().signal)
  return `dkim=${signatures[0]?.result === 'pass' ? 'pass' : 'no pass'} dmarc=${dmarc.result}`
}

/** Sends all messages over one connection. */
async function deliver(port: number, cases: readonly { readonly message: string; readonly sender: string }[]): Promise<void> {
  const socket = connect({ port, host: HERE })
  const replies = socket[Symbol.asyncIterator]()
  let rest = ''
  const reply = async (wanted: string): Promise<void> => {
    for (;;) {
      const end = rest.indexOf('\r\n')
      if (end >= 0) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (line[3] === '-') continue
        assert.ok(line.startsWith(wanted), line)
        return
      }
      const { value, done } = (await replies.next()) as IteratorResult<Buffer>
      assert.ok(done !== true, 'the server has left')
      rest += value.toString('latin1')
    }
  }
  await reply('220')
  socket.write(`EHLO client.example.org\r\n`)
  await reply('250')
  socket.write(`XCLIENT ADDR=${CLIENT} NAME=[UNAVAILABLE]\r\n`)
  await reply('220')
  socket.write('EHLO client.example.org\r\n')
  await reply('250')
  for (const { message, sender } of cases) {
    for (const [command, wanted] of [
      [`MAIL FROM:<${sender}>`, '250'],
      ['RCPT TO:<box@out.example>', '250'],
      ['DATA', '354'],
      [`${message}.`, '250'],
    ] as const) {
      socket.write(`${command}\r\n`, 'latin1')
      await reply(wanted)
    }
  }
  socket.end('QUIT\r\n')
}
