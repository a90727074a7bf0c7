import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, composed } from './served.ts'

/** What a client behind a proxy hears when it tries to log in without TLS. */
async function tries(client: Client, protocol: 'submission' | 'imap' | 'pop3'): Promise<string> {
  switch (protocol) {
    case 'submission':
      await client.hear(/^220/)
      client.say('EHLO there.example')
      await client.hear(/^250 /m)
      client.say(`AUTH PLAIN ${Buffer.from('\0ann@home.test\0correct horse').toString('base64')}`)
      return client.hear(/^\d{3} /m)
    case 'imap':
      await client.hear(/^\* OK/)
      client.say('a LOGIN ann@home.test "correct horse"')
      return client.hear(/^a /m)
    case 'pop3':
      await client.hear(/^\+OK/)
      client.say('USER ann@home.test')
      client.say('PASS correct horse')
      return client.hear(/^[+-].*\r\n[+-].*\r\n/)
  }
}

const refused = { submission: /^5\d\d /m, imap: /^a NO /m, pop3: /^-ERR .*\r\n-ERR /m }
const taken = { submission: /^235 /m, imap: /^a OK /m, pop3: /^\+OK .*\r\n\+OK /m }

test('nobody logs in without TLS unless the host says so, and then only from this machine (RFC 8314 §3)', async () => {
  const doors = ['submission', 'imap', 'pop3'] as const
  await using strict = await composed().listen()
  for (const door of doors) assert.match(await tries(await Client.dial(strict.ports[door]), door), refused[door], door)
  await using lenient = await composed({ allowPlaintextLogin: 'loopback' }).listen()
  for (const door of doors) assert.match(await tries(await Client.dial(lenient.ports[door]), door), taken[door], door)
  const proxied = { port: 0, proxies: ['127.0.0.1'] }
  await using behind = await composed({
    allowPlaintextLogin: 'loopback',
    listeners: { submission: proxied, imap: proxied, pop3: proxied },
  }).listen()
  for (const door of doors) {
    const client = await Client.dial(behind.ports[door])
    client.say('PROXY TCP4 192.0.2.7 198.51.100.1 5000 25')
    assert.match(await tries(client, door), refused[door], `${door} for a client behind a proxy`)
  }
})

test('one connection too many is told so in the words of its protocol (RFC 5321 §3.1; RFC 9051 §7.1.5; RFC 3206 §4)', async () => {
  await using server = await composed({ connections: { total: 1 } }).listen()
  const first = await Client.dial(server.ports.smtp)
  await first.hear(/^220/)
  const heard: string[] = []
  for (const door of ['smtp', 'submission', 'imap', 'pop3'] as const) heard.push(await (await Client.dial(server.ports[door])).rest())
  assert.deepEqual(heard, [
    '421 4.3.2 mx.example Too many connections, please try again later\r\n',
    '421 4.3.2 mx.example Too many connections, please try again later\r\n',
    '* BYE [UNAVAILABLE] Too many connections, please try again later\r\n',
    '-ERR [SYS/TEMP] Too many connections, please try again later\r\n',
  ])
  first.say('QUIT')
  await first.rest()
  const next = await Client.dial(server.ports.imap)
  await next.hear(/^\* (?:OK|BYE)/)
})

test('failed logins are borne only so often, whatever the protocol (S23)', async () => {
  await using server = await composed({ allowPlaintextLogin: 'loopback', loginBudget: { delays: [0], perAccount: 5 } }).listen()
  const client = await Client.dial(server.ports.imap)
  await client.hear(/^\* OK/)
  for (let attempt = 0; attempt < 5; attempt++) client.say(`a${attempt} LOGIN ann@home.test "wrong horse"`)
  const heard = await client.rest()
  assert.doesNotMatch(heard, /OK/)
  assert.match(heard, /^\* BYE /m)
  const other = await Client.dial(server.ports.pop3)
  await other.hear(/^\+OK/)
  for (let attempt = 0; attempt < 2; attempt++) {
    other.say('USER ann@home.test')
    other.say('PASS wrong horse')
    await other.hear(/\r\n-ERR .*\r\n/)
  }
  other.say('USER ann@home.test')
  other.say('PASS correct horse')
  assert.match(await other.hear(/\r\n[+-].*\r\n/), /^\+OK .*\r\n-ERR \[SYS\/TEMP\]/, 'the right password, too late')
})
