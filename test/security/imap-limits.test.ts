/** Literals, nesting, floods, sets, names and flags of a hostile IMAP client (P1, P3-P6, P9, P10). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from 'mailwright/contracts'
import { transcript } from 'mailwright/testing'
import { mail, makeWorld, world } from '../imap/world.ts'
import { rawClient } from '../pop3/raw.ts'
import type { RawClient } from '../pop3/raw.ts'
import { processorTime } from '../support/processor-time.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
`
const SELECT = `${LOGIN}
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
`

const text = (octets: Uint8Array): string => new TextDecoder().decode(octets)
const count = (heard: string, pattern: RegExp): number => heard.match(pattern)?.length ?? 0

const clientOf = (engine: Engine): Promise<RawClient> =>
  rawClient({ ...engine, serve: (transport, connection) => engine.serve(transport, { ...connection, protocol: 'imap' }) })

test('literals of impossible sizes are refused before login, and the session goes on (RFC 9051 §4.3, P1)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN {4294967295}
  S: a1 NO [TOOBIG] *
  C: a2 LOGIN {99999999999999999999999999}
  S: a2 NO [TOOBIG] *
  C: a3 LOGIN {8192}
  S: a3 NO [TOOBIG] *
  C: a4 LOGIN {-1}
  S: a4 BAD *
  C: a5 LOGIN {1e9}
  S: a5 BAD *
  C: a6 LOGIN {}
  S: a6 BAD *
  C: a8 LOGIN {+}
  S: a8 BAD *
  C: a9 LOGIN {0}
  S: + *
  C:  {0}
  S: + *
  C:
  S: a9 NO [AUTHENTICATIONFAILED] *
  C: b1 LOGIN ann secret
  S: b1 OK *
`,
  ))

test('LITERAL+ beyond the limit ends the connection, so that its octets never run (RFC 7888 §4, P1, P2)', async () => {
  const rest = 'x9 LOGIN ann secret\\r\\nx10 CREATE evil\\r\\n'
  for (const size of ['8192+', '65536+', '4294967295+', '99999999999999999999+']) {
    for (const start of size === '8192+' ? ['S: * OK *'] : ['S: * OK *', LOGIN]) {
      await transcript(
        world(),
        `${start}
  C~ a2 LOGIN {${size}}\\r\\n${rest}
  S: a2 BAD *
  S: * BYE *
  S: (closed)
`,
      )
    }
  }
})

test('after login, too: only APPEND takes more than a command, and that up to its limit (RFC 9051 §4.3, RFC 7889 §3, P1)', () =>
  transcript(
    world({ imap: { appendLimit: 1000 } }),
    `${LOGIN}
  C: a2 CREATE {4294967295}
  S: a2 NO [TOOBIG] *
  C: a3 APPEND INBOX {4294967295}
  S: a3 NO [TOOBIG] *
  C: a4 APPEND {4294967295}
  S: a4 NO [TOOBIG] *
  C: a5 CREATE {0}
  S: + *
  C:
  S: a5 NO [CANNOT] *
  C: a6 NOOP
  S: a6 OK *
`,
  ))

test('many small literals share one budget (RFC 9051 §4.3, P1)', async () => {
  const { engine, errors } = await makeWorld()
  const client = await clientOf(engine)
  const heard = text(await client.say(`a1 LOGIN${' {1000+}\r\n'.concat('x'.repeat(1000)).repeat(20)}\r\n`))
  assert.match(heard, /^(a1|\*) BAD .*\r\n\* BYE .*\r\n$/)
  await client.done
  assert.deepEqual(errors, [])
})

test('4,000 parentheses cost an answer, wherever they stand (RFC 9051 §6.4.4, P3)', () => {
  const open = '('.repeat(4000)
  return transcript(
    world({ messages: [mail('one')] }),
    `${SELECT}
  C: a3 SEARCH ${open}
  S: a3 BAD *
  C: a4 SEARCH ${open}ALL${')'.repeat(4000)}
  S: a4 BAD *
  C: a5 FETCH 1 ${open}
  S: a5 BAD *
  C: a6 STORE 1 FLAGS ${open}
  S: a6 BAD *
  C: a7 LIST ${open}
  S: a7 BAD *
  C: a8 ID ${open}
  S: a8 BAD *
  C: a9 APPEND INBOX ${open}
  S: a9 BAD *
  C: b1 ${open}
  S: b1 BAD *
  C: b2 SEARCH ALL
  S: * SEARCH 1
  S: b2 OK *
`,
  )
})

test('an endless line costs its limit, one answer and the connection (RFC 9051 §2.2.1, P4)', async () => {
  const { engine, errors } = await makeWorld()
  for (const before of ['', 'a1 LOGIN ann secret\r\n']) {
    const client = await clientOf(engine)
    await client.say(before)
    const heard = text(await client.say(`a2 ${'x'.repeat(1 << 20)}`))
    assert.match(heard, /^(a2|\*) BAD [^\r]*\r\n\* BYE [^\r]*\r\n$/)
    await client.done
    assert.ok(client.peer.closed)
  }
  assert.deepEqual(errors, [])
})

test('twenty thousand pipelined NOOPs are answered, each once, in order (RFC 9051 §5.5, P4)', async () => {
  const { engine, errors } = await makeWorld()
  const client = await clientOf(engine)
  await client.say('a1 LOGIN ann secret\r\n')
  const tags = Array.from({ length: 20_000 }, (_, index) => `n${index}`)
  const heard = text(await client.say(tags.map(tag => `${tag} NOOP\r\n`).join('')))
  assert.deepEqual(
    heard
      .replaceAll(/ OK [^\r]*/g, '')
      .trimEnd()
      .split('\r\n'),
    tags,
  )
  client.peer.vanish()
  await client.done
  assert.deepEqual(errors, [])
})

test('a client that says nothing but nonsense is shown out (RFC 9051 §7.1.5, P4)', async () => {
  const { engine } = await makeWorld()
  const client = await clientOf(engine)
  const heard = text(await client.say('GET / HTTP/1.1\r\n'.repeat(1000)))
  assert.equal(count(heard, /^GET BAD /gm), 30)
  assert.match(heard, /\* BYE [^\r]*\r\n$/)
  await client.done
})

test('huge, reversed and repeated sets cost what the mailbox holds, not what they name (RFC 9051 §9, P5)', async () => {
  const { engine, errors } = await makeWorld({ messages: [mail('one'), mail('two')] })
  const client = await clientOf(engine)
  await client.say('a1 LOGIN ann secret\r\na2 SELECT INBOX\r\n')
  const began = processorTime()
  for (const set of ['1:4294967295', '4294967295:1', '*:1', '1:*,*:1,4294967295:1', '1:*,'.repeat(10_000) + '2']) {
    for (const command of ['UID FETCH', 'UID SEARCH UID', 'UID STORE', 'UID COPY']) {
      const rest = { 'UID FETCH': ' UID', 'UID SEARCH UID': '', 'UID STORE': ' +FLAGS (x)', 'UID COPY': ' INBOX/none' }[command] ?? ''
      const heard = text(await client.say(`b ${command} ${set}${rest}\r\n`))
      assert.match(heard, command === 'UID COPY' ? /^b NO \[TRYCREATE\]/m : /^b OK/m, `${command} ${set.slice(0, 40)}`)
      assert.ok(count(heard, /^\* \d+ FETCH/gm) <= 2)
      if (command === 'UID SEARCH UID') assert.match(heard, /^\* SEARCH 1 2\r\n/)
    }
  }
  for (const set of ['0', '4294967296', '99999999999999999999', '1:', ':1', ',1', '1,', '-1', '1:2:3', '**']) {
    assert.match(text(await client.say(`c UID FETCH ${set} UID\r\n`)), /^c BAD/, set)
  }
  assert.ok(processorTime() - began < 5_000)
  client.peer.vanish()
  await client.done
  assert.deepEqual(errors, [])
})

test('NOT and OR nest fifty deep and no deeper, and keys are counted (RFC 9051 §6.4.4, P6)', () =>
  transcript(
    world({ messages: [mail('one')] }),
    `${SELECT}
  C: a3 SEARCH ${'NOT '.repeat(5000)}ALL
  S: a3 BAD *
  C: a4 SEARCH ${'OR '.repeat(5000)}${'ALL '.repeat(5001).trimEnd()}
  S: a4 BAD *
  C: a5 SEARCH ${'OR ALL '.repeat(5000)}ALL
  S: a5 BAD *
  C: a6 SEARCH ${'NOT ('.repeat(2000)}ALL${')'.repeat(2000)}
  S: a6 BAD *
  C: a7 SEARCH ${'ALL '.repeat(2500).trimEnd()}
  S: a7 BAD *
  C: a8 SEARCH ${'NOT '.repeat(50)}ALL
  S: * SEARCH 1
  S: a8 OK *
  C: a9 SEARCH ${'OR UNSEEN '.repeat(50)}ALL
  S: * SEARCH 1
  S: a9 OK *
`,
  ))

test('a name has one spelling in modified UTF-7; the others are refused (RFC 3501 §5.1.3, P9)', async () => {
  const { engine, account, errors } = await makeWorld()
  const before = (await account.mailboxes()).length
  const client = await clientOf(engine)
  await client.say('a1 LOGIN ann secret\r\n')
  for (const name of [
    '&AAA-',
    '&AC8-',
    '&AC4ALg-/x',
    '&AGEAYg-',
    '&',
    '&AOk',
    '&AO-',
    '&!-',
    '&2AA-',
    '&3AA-',
    '&AA0ACg-',
    '&IKwAAA-',
    '&AH8-',
  ]) {
    for (const command of ['CREATE', 'SUBSCRIBE', 'SELECT', 'DELETE', 'RENAME INBOX'])
      assert.match(text(await client.say(`b ${command} "${name}"\r\nc NOOP\r\n`)), /^b NO [^\r]*\r\nc OK [^\r]*\r\n$/, `${command} ${name}`)
  }
  assert.equal((await account.mailboxes()).length, before)
  client.peer.vanish()
  await client.done
  assert.deepEqual(errors, [])
})

test('names that look like paths are names in one account, and no more (RFC 9051 §5.1, P9)', () =>
  transcript(
    world({ messages: [mail('one')] }),
    `${LOGIN}
  C: a2 CREATE "../x"
  S: a2 OK *
  C: a3 CREATE "INBOX/.."
  S: a3 OK *
  C: a4 SELECT "INBOX/../INBOX"
  S: a4 NO [NONEXISTENT] *
  C: a5 STATUS "INBOX/.." (MESSAGES)
  S: * STATUS INBOX/.. (MESSAGES 0)
  S: a5 OK *
  C: a6 LIST "" "../%"
  S: * LIST (\\HasNoChildren) "/" ../x
  S: a6 OK *
  C: a7 LIST "../" "*ann*"
  S: a7 OK *
  C: a8 CREATE "/etc/passwd"
  S: a8 NO [CANNOT] *
  C: a9 CREATE "${'x/'.repeat(200)}x"
  S: a9 NO [CANNOT] *
  C: b1 CREATE "${'y'.repeat(1001)}"
  S: b1 NO [CANNOT] *
`,
  ))

test('names, flags and searches in the words of SQL are taken as they are (RFC 9051 §9, P10)', () =>
  transcript(
    world({ messages: [mail('one')] }),
    `${SELECT}
  C: a3 CREATE "x' OR '1'='1"
  S: a3 OK *
  C: a4 DELETE "x' OR '1'='2"
  S: a4 NO [NONEXISTENT] *
  C: a5 LIST "" "x' OR _'"
  S: a5 OK *
  C: a6 STORE 1 +FLAGS (';DROP--)
  S: * FLAGS (*';DROP--)
  S: * OK [PERMANENTFLAGS (*';DROP-- \\*)] *
  S: * 1 FETCH (UID 1 FLAGS (';DROP--))
  S: a6 OK *
  C: a7 SEARCH KEYWORD ';DROP-- NOT KEYWORD _;DROP--
  S: * SEARCH 1
  S: a7 OK *
  C: a8 SEARCH SUBJECT "' OR 1=1 --"
  S: * SEARCH
  S: a8 OK *
`,
  ))
