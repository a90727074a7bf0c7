/** Mail made to hurt filters: each message ends in a verdict, in bounded time, with no filter at fault and nothing lost. M1-M9, S18. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import type { Host, Middleware, Reception, TraceEntry } from 'mailwright/contracts'
import { attachments } from 'mailwright/filters/attachments'
import { bayes } from 'mailwright/filters/bayes'
import { dnsbl } from 'mailwright/filters/dnsbl'
import { domainBlocklist } from 'mailwright/filters/domain-blocklist'
import { greylist } from 'mailwright/filters/greylist'
import { reputation } from 'mailwright/filters/reputation'
import { sanity } from 'mailwright/filters/sanity'
import { score } from 'mailwright/filters/score'
import { memoryState } from 'mailwright/stores/memory'
import { fakeResolver, seededRandom } from 'mailwright/testing'
import { address, connectionOf, houseOf, mailOf, spooled } from '../pipeline/house.ts'
import { letterWith, zip } from './archives.ts'
import { mail, source } from './mails.ts'
import { longestTurn } from '../support/processor-time.ts'

const HEAD = 'From: <bob@example.com>\nSubject: hello\nDate: Fri, 02 Jan 2026 03:00:00 +0000\nMessage-ID: <1@example.com>\n'
const HTML = `${HEAD}Content-Type: text/html; charset=utf-8\n\n`
const PLAIN = `${HEAD}Content-Type: text/plain; charset=utf-8\n\n`

/** A shape again and again, in lines that every server takes. */
function filled(shape: string, octets: number = 400_000, line: number = 900): string {
  const text = shape.repeat(Math.ceil(octets / shape.length))
  const lines: string[] = []
  for (let at = 0; at < text.length; at += line) lines.push(text.slice(at, at + line))
  return lines.join('\n')
}

function bomb(depth: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array(5_000_000)
  for (let level = 0; level < depth; level++) inner = zip([{ name: 'in.zip', content: inner }])
  return inner
}

const random = seededRandom(9)
const noise = (octets: number): Uint8Array => random.bytes(octets)

const HOSTILE: Readonly<Record<string, string>> = {
  nothing: '',
  'a header alone': HEAD,
  'M1: deep multiparts': `${HEAD}${Array.from({ length: 5000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join('')}x`,
  'M1: messages in messages': `${HEAD}${'Content-Type: message/rfc822\n\n'.repeat(5000)}x`,
  'M1: a boundary that comes back inside': `${HEAD}${'Content-Type: multipart/mixed; boundary=b\n\n--b\n'.repeat(20_000)}x`,
  'M2: many parts': `${HEAD}Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(50_000)}`,
  'M2: many attachments': `${HEAD}Content-Type: multipart/mixed; boundary=b\n\n${'--b\nContent-Disposition: attachment; filename=a.exe\n\nx\n'.repeat(8000)}`,
  'M2: an empty boundary': `${HEAD}Content-Type: multipart/mixed; boundary=""\n\n--\n--\n--\n`,
  'M3: many fields': `${'X-Many: x\n'.repeat(900)}${HEAD}\nx`,
  'M3: many addresses': `To: ${filled('a@example.org, ', 60_000, 890).replaceAll('\n', '\n ')}\n${HEAD}\nx`,
  'M3: many authors': `Reply-To: ${filled('<a@h.example>, ', 60_000, 890).replaceAll('\n', '\n ')}\n${HEAD}\nx`,
  'M3: encoded-words': `X-Words: ${filled('=?utf-8?Q?a?= ', 60_000, 896).replaceAll('\n', '\n ')}\n${HEAD}\nx`,
  'M3: broken encoded-words': `X-Words: ${filled('=?', 60_000, 896).replaceAll('\n', '\n ')}\n${HEAD}\nx`,
  'M3: RFC 2231 parameters': `${HEAD}Content-Type: application/x${Array.from({ length: 3000 }, (_, n) => `;\n name*${n}*=%41`).join('')}\n\nx`,
  'M4: base64 of nothing': `${HEAD}Content-Transfer-Encoding: base64\n\n${filled('====')}`,
  'M4: quoted-printable of nothing': `${HEAD}Content-Transfer-Encoding: quoted-printable\n\n${filled('= \t')}`,
  'M4: UTF-7': `${HEAD}Content-Type: text/plain; charset=utf-7\n\n${filled('+ADw-')}`,
  'M4: a charset that is none': `${HEAD}Content-Type: text/plain; charset=__proto__\n\n${filled('ab ')}`,
  'M5: a bomb': letterWith(bomb(1), 'a.zip'),
  'M5: a bomb in bombs': letterWith(bomb(4), 'a.zip'),
  'M5: a deflate stream without an end': letterWith(deflateRawSync(new Uint8Array(1_000_000)).subarray(0, 500), 'a.gz'),
  'M5: noise that begins as a zip file': letterWith(Buffer.concat([Buffer.from('PK\u0003\u0004'), noise(50_000)]), 'a.zip'),
  'M5: noise that begins as gzip': letterWith(Buffer.concat([Uint8Array.of(0x1f, 0x8b, 8, 0), noise(50_000)]), 'a.gz'),
  'M6: tags': HTML + filled('<'),
  'M6: comments': HTML + filled('<!--'),
  'M6: attributes': HTML + filled('<a href="http://h.example/x">'),
  'M6: blanks in a tag': `${HTML}<a href${filled(' ')}="x">`,
  'M6: entities': HTML + filled('&#x41;&amp;'),
  'M6: links': PLAIN + filled('http://u:p@h.example:1/ www.h.example '),
  'M6: different hosts': PLAIN + Array.from({ length: 10_000 }, (_, n) => `http://h${n}.x${n}.example/`).join('\n'),
  'M6: marks': `${PLAIN}a${filled('\u0301\u0323', 300_000, 400)}`,
  'M6: ligatures': PLAIN + filled('\ufdfa', 300_000, 300),
  'M6: unseen characters': PLAIN + filled('\u200b\u200d\u00ad', 300_000, 300),
  'M7: names of prototypes': `__proto__: x\nconstructor: y\ntoString: z\n${HEAD}\n__proto__ constructor toString hasOwnProperty`,
  'S15: groups and comments as author': HEAD.replace('<bob@example.com>', `${'('.repeat(400)}x:;`) + '\nx',
  'S18: long lines': `${HEAD}\n${'x'.repeat(60_000)}\n${' '.repeat(60_000)}\n`,
  'S18: line ends': `${HEAD}\n${'\n'.repeat(300_000)}`,
  NUL: `${HEAD}\n${'\0'.repeat(60_000)}`,
  noise: `${HEAD}\n${Buffer.from(noise(300_000))
    .toString('latin1')
    .replaceAll(/[\r\n]/g, ' ')
    .replaceAll(/.{900}/gs, '$&\n')}`,
}

async function chain(): Promise<readonly Middleware[]> {
  const state = memoryState()
  const words = bayes({ state, minimum: 5 })
  for (let n = 0; n < 5; n++) {
    await words.learn('ann', source(mail('spam', n)), 'spam')
    await words.learn('ann', source(mail('ham', n)), 'ham')
  }
  const resolver = fakeResolver({ '2.0.0.127.bl.example': { a: ['127.0.0.2'] } })
  return [
    score({ headerAt: Number.NEGATIVE_INFINITY }),
    sanity({ hostnames: ['mx.example.org'] }),
    dnsbl({ resolver, lists: [{ zone: 'bl.example' }] }),
    domainBlocklist({ resolver, lists: [{ zone: 'dbl.example' }] }),
    greylist({ state, from: 1000 }),
    attachments({ dangerous: 'weigh', disguised: 'weigh' }),
    words,
    reputation({ state }),
  ]
}

/** A message that comes as from a socket: 64 KiB a turn. */
async function arrival(host: Host, reception: Reception, letter: string): Promise<Awaited<ReturnType<Reception['message']>>> {
  const message = spooled(letter)
  const survey = host.survey()
  for (let at = 0; at < message.size; at += 65_536) {
    survey.push(Uint8Array.from(await message.read(at, Math.min(message.size, at + 65_536))))
    await new Promise(setImmediate)
  }
  return reception.message(message, survey)
}

test('every hostile message ends in a verdict of its own, and a plain one after it is delivered', async () => {
  const middleware = await chain()
  const slow: string[] = []
  for (const [name, letter] of Object.entries(HOSTILE)) {
    const house = houseOf({ middleware })
    const connection = connectionOf('smtp', { remote: { address: '203.0.113.7', port: 1 }, clientName: '[\0__proto__' })
    const { reception } = await house.host.receive(connection, { sender: address('bob@example.com') })
    await reception.recipient(address('ann@example.org'))
    const cpu = process.cpuUsage()
    const { result, longest } = await longestTurn(() => arrival(house.host, reception, letter))
    const { outcomes } = result
    const { user, system } = process.cpuUsage(cpu)
    const seconds = (user + system) / 1e6
    const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
    const faults = trace.flatMap(({ middleware: who, fault }) => (fault === undefined ? [] : `${who}: ${fault}`))
    assert.deepEqual(faults, [], name)
    assert.deepEqual(
      house.told('error').map(({ error }) => String(error)),
      [],
      name,
    )
    const [outcome] = outcomes
    assert.ok(outcome !== undefined && outcome.kind !== 'defer', `${name}: ${JSON.stringify(outcome)}`)
    const stored = [...(await mailOf(house.store, 'ann')), ...(await mailOf(house.store, 'ann', 'Junk'))].length
    assert.equal(stored, outcome.kind === 'accept' ? 1 : 0, name)
    assert.ok(seconds < 10, `${name}: ${seconds.toFixed(1)} s of CPU`)
    if (longest >= 100) slow.push(`${name}: ${longest.toFixed(0)} ms`)
  }
  assert.deepEqual(slow, [], 'the loop stood still')
  const house = houseOf({ middleware })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bob@example.com') })
  await reception.recipient(address('ann@example.org'))
  assert.equal((await reception.message(spooled(mail('ham', 1)))).outcomes[0]?.kind, 'accept')
  assert.equal((await mailOf(house.store, 'ann')).length, 1)
})
