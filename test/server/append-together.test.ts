/** A client that uploads a mailbox does not wait for the disk after each message. RFC 9051 §5.5, §6.3.12; RFC 7888 §4. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { personalServer } from 'mailwright/server'
import { Client } from './served.ts'

/** Small ones, some that lie in several blocks of the spool, and some that wait in a file. */
function octetsOf(n: number): number {
  if (n % 40 === 7) return 400_000
  return n % 7 === 3 ? 70_000 : 20 + n
}

test('APPENDs without a pause are told in order, have UIDs in order, and each has its own octets (RFC 9051 §6.3.12)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'append-together-'))
  t.after(() => rmSync(data, { recursive: true }))
  const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
  await using personal = await personalServer({
    data,
    user: 'ann@home.test',
    password: 'correct horse',
    ports,
    outbound: false,
    filters: false,
    allowPlaintextLogin: true,
  })
  const client = await Client.dial(personal.server.ports.imap)
  client.say('a LOGIN ann@home.test "correct horse"')
  await client.hear(/^a OK /m)

  const count = 200
  for (let n = 0; n < count; n++) {
    const head = `Subject: ${n}\r\n\r\n`
    client.say(`t${n} APPEND INBOX {${octetsOf(n)}+}`)
    client.say(head + String.fromCharCode(97 + (n % 26)).repeat(octetsOf(n) - head.length))
  }
  client.say('b SELECT INBOX')
  const heard = await client.hear(/^b OK /m)
  const told = [...heard.matchAll(/^t(\d+) OK \[APPENDUID \d+ (\d+)\]/gm)].map(([, tag, uid]) => [Number(tag), Number(uid)])
  assert.deepEqual(
    told,
    Array.from({ length: count }, (_, n) => [n, n + 1]),
  )
  assert.match(heard, new RegExp(`^\\* ${count} EXISTS`, 'm'))

  client.say('c FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[]<25.1>)')
  const fetched = (await client.hear(/^c OK /m)).split(/^\* \d+ FETCH /m).slice(1)
  assert.equal(fetched.length, count)
  for (const [n, response] of fetched.entries()) {
    assert.match(response, new RegExp(`RFC822\\.SIZE ${octetsOf(n)}\\b`))
    assert.match(response, new RegExp(`^Subject: ${n}\\r$`, 'm'))
    if (octetsOf(n) > 25) assert.match(response, new RegExp(`<25> (?:"|\\{1\\}\\r\\n)${String.fromCharCode(97 + (n % 26))}`))
  }
  client.socket.destroy()
})
