/** Floods, endless lines, slow readers and rubbish (P4, P10, P15). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, transcript } from 'mailwright/testing'
import { rawClient } from '../pop3/raw.ts'
import { LOGIN, lines, mailOf, makeWorld, world } from '../pop3/world.ts'

const text = (octets: Uint8Array): string => new TextDecoder().decode(octets)
const LOGIN_LINES = 'USER ann@example.org\r\nPASS correct horse\r\n'

test('an endless line costs its limit and one answer, in every state (P4)', async () => {
  const { engine } = await makeWorld()
  for (const before of ['', LOGIN_LINES, 'AUTH PLAIN\r\n']) {
    const client = await rawClient(engine)
    await client.say(before)
    const megabyte = new Uint8Array(1 << 20).fill(0x41)
    const held = process.memoryUsage().arrayBuffers
    let heard = ''
    for (let sent = 0; sent < 64; sent++) heard += text(await client.say(megabyte))
    assert.ok(process.memoryUsage().arrayBuffers - held < 16 << 20)
    heard += text(await client.say('\r\nCAPA\r\n'))
    assert.equal(heard.match(/^-ERR/gm)?.length, 1)
    assert.match(heard, /^\+OK This server can/m)
    client.peer.vanish()
    await client.done
  }
})

test('a hundred thousand pipelined commands are answered, each once, without recursion (P4)', async () => {
  const { engine } = await makeWorld()
  const client = await rawClient(engine)
  await client.say(LOGIN_LINES)
  const heard = text(await client.say('NOOP\r\n'.repeat(100_000)))
  assert.equal(heard, '+OK Still here\r\n'.repeat(100_000))
  client.peer.vanish()
  await client.done
})

test('a client that does not read holds the server back: it neither reads nor answers on (P4)', async () => {
  const { engine } = await makeWorld({ messages: [lines('Subject: large', '', 'x'.repeat(900_000))] })
  const client = await rawClient(engine)
  await client.say(LOGIN_LINES)
  client.peer.stopReading()
  client.peer.send(new TextEncoder().encode('RETR 1\r\n'.repeat(200)))
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  assert.ok(client.peer.waiting < 2 << 20, `${client.peer.waiting} octets were sent to a client that does not read`)
  client.peer.vanish()
  await client.done
})

test('a client that says nothing but nonsense is shown out', () =>
  transcript(
    world(),
    `
    S: +OK *
    ${'C: GET / HTTP/1.1\n'.repeat(20)}
    ${'S: -ERR *\n'.repeat(20)}
    S: -ERR [SYS/PERM] Too many commands that are none
    S: (closed)
  `,
  ))

test('names with quotes, percent signs and escapes are names of nobody (P10)', async () => {
  const { engine, errors } = await makeWorld()
  for (const name of [
    "' OR '1'='1",
    '"; DROP TABLE account; --',
    "ann@example.org' --",
    '%',
    '../ann',
    '${7*7}',
    'ann@example.org\u0000',
  ]) {
    const client = await rawClient(engine)
    const heard = text(await client.say(`USER ${name}\r\nPASS correct horse\r\n`))
    assert.ok(!heard.includes('maildrop') && heard.includes('-ERR'), name)
    client.peer.vanish()
    await client.done
  }
  assert.deepEqual(errors, [])
})

test('no octets, in no state, break the engine or get more than an error (P4, fuzz)', async () => {
  const { engine, errors, inbox } = await makeWorld({ messages: [mailOf(100), mailOf(100), mailOf(100)] })
  const random = seededRandom(1939)
  const words = [
    'USER',
    'PASS',
    'LIST',
    'RETR',
    'TOP',
    'UIDL',
    'STAT',
    'RSET',
    'NOOP',
    'CAPA',
    'UTF8',
    'AUTH PLAIN',
    'AUTH LOGIN',
    '=',
    '*',
    '\0',
    '\r',
    '\n',
    '\r\n',
    ' ',
    '1',
    '0',
    '-1',
    '4294967296',
    '99999999999999999999',
    'é',
    '\u0080',
    '.',
    'AAAA',
    'x'.repeat(300),
  ] as const
  for (let round = 0; round < 300; round++) {
    const client = await rawClient(engine)
    if (round % 3 > 0) await client.say(round % 3 === 1 ? LOGIN_LINES : 'AUTH PLAIN\r\n')
    const said = Array.from({ length: 1 + random.below(60) }, () =>
      random.below(12) === 0 ? random.bytes(5) : Buffer.from(random.pick(words)),
    )
    const heard = text(await client.say(Buffer.concat([...said, Buffer.from('\r\n')])))
    for (const line of heard.split('\r\n')) assert.doesNotMatch(line, /undefined|NaN|Error:|\[object|at .*\.ts/)
    client.peer.vanish()
    await client.done
  }
  assert.deepEqual(errors, [])
  assert.equal((await inbox.status()).messages, 3)
})

test('the reply to a bug is not the bug: nothing of it is quoted, the session goes on', () =>
  transcript(
    async () => {
      const made = await makeWorld({
        messages: [mailOf(100)],
        errorsExpected: true,
        wrapStore: store => ({
          open: async (account, options) => {
            const opened = await store.open(account, options)
            const mailbox: typeof opened.mailbox = id => {
              const inner = opened.mailbox(id)
              return Object.assign(Object.create(inner) as typeof inner, {
                records: (...given: Parameters<typeof inner.records>) => {
                  if (given[1].includes('source')) throw new TypeError('secret path /var/mail/ann')
                  return inner.records(...given)
                },
                expunge: () => Promise.reject(new Error('disk 7 is on fire')),
              })
            }
            return {
              id: opened.id,
              mailboxes: given => opened.mailboxes(given),
              create: (...given) => opened.create(...given),
              rename: (...given) => opened.rename(...given),
              remove: (...given) => opened.remove(...given),
              subscriptions: given => opened.subscriptions(given),
              subscribe: (...given) => opened.subscribe(...given),
              unsubscribe: (...given) => opened.unsubscribe(...given),
              watch: listener => opened.watch(listener),
              mailbox,
            }
          },
          close: () => store.close(),
        }),
      })
      return made
    },
    `${LOGIN}
    C: RETR 1
    S: -ERR [SYS/TEMP] Something went wrong on our side; it was noted
    C: DELE 1
    S: +OK *
    C: QUIT
    S: -ERR [SYS/TEMP] The deleted messages could not be removed
    S: (closed)
  `,
  ))

test('half a message never looks like a whole one: what breaks off in the middle ends the connection (P15)', async () => {
  const { engine, errors } = await makeWorld({
    messages: [lines('Subject: x', '', 'y'.repeat(600_000))],
    wrapStore: store => ({
      open: async (account, options) => {
        const opened = await store.open(account, options)
        return Object.assign(Object.create(opened) as typeof opened, {
          mailboxes: () => opened.mailboxes(),
          mailbox: (id: string) => {
            const inner = opened.mailbox(id)
            return Object.assign(Object.create(inner) as typeof inner, {
              async *records(...given: Parameters<typeof inner.records>) {
                for await (const page of inner.records(...given)) {
                  yield page.map(record => ({
                    ...record,
                    source: {
                      size: record.size,
                      read: (start: number, end: number) => {
                        if (start > 0) throw new Error('the disk is gone')
                        return record.source?.read(start, end) ?? new Uint8Array(0)
                      },
                    },
                  }))
                }
              },
            })
          },
        })
      },
      close: () => store.close(),
    }),
  })
  const client = await rawClient(engine)
  await client.say(LOGIN_LINES)
  const heard = text(await client.say('RETR 1\r\nNOOP\r\n'))
  await client.done
  assert.ok(client.peer.closed)
  assert.match(heard, /^\+OK 600016 octets\r\nSubject: x/)
  assert.ok(!heard.endsWith('\r\n.\r\n') && !heard.includes('Still here'))
  assert.equal(errors?.length, 1)
})
