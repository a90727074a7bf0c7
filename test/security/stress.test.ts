/** When connections run short, strangers have ten seconds to go on, also those who wait already (RFC 5321 §4.5.3.2, §7.8; S26). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imapEngine } from 'mailwright/imap'
import { pop3Engine } from 'mailwright/pop3'
import { FAKE_TLS, testHost, transcript } from 'mailwright/testing'
import type { TestHost, TranscriptSubject } from 'mailwright/testing'
import { bridge } from '../smtp-server/bridge.ts'
import type { Bridge, RawClient } from '../smtp-server/bridge.ts'

async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** A server that is calm until told otherwise, and a client in the midst of what it says. */
async function client(...lines: readonly string[]): Promise<{ readonly stress: () => void; server: Bridge; client: RawClient }> {
  let isStressed = false
  const server = await bridge({ house: { isStressed: () => isStressed } })
  const raw = await server.client()
  assert.match(await raw.reply(), /^220 /)
  for (const line of lines) {
    raw.write(`${line}\r\n`)
    await raw.reply()
  }
  return { stress: () => (isStressed = true), server, client: raw }
}

test('silence of minutes is borne on calm days, and ends within seconds once connections run short (RFC 5321 §4.5.3.2.7)', async () => {
  const { stress, server, client: raw } = await client('EHLO c.example')
  await using _server = server
  server.house.clock.advance(200_000)
  raw.write('NOOP\r\n')
  assert.match(await raw.reply(), /^250 /)
  await settle()
  server.house.clock.advance(60_000)
  stress()
  server.house.clock.advance(10_000)
  assert.match(await raw.reply(), /^421 4\.4\.2 Timeout/)
})

test('under stress a client that goes on is served, a line that never ends is not (RFC 5321 §7.8)', async () => {
  const { stress, server, client: raw } = await client('EHLO c.example')
  await using _server = server
  stress()
  for (let turn = 0; turn < 5; turn++) {
    server.house.clock.advance(9_000)
    raw.write('NOOP\r\n')
    assert.match(await raw.reply(), /^250 /)
    await settle()
  }
  for (const letter of 'MAIL') {
    raw.write(letter)
    await settle()
    server.house.clock.advance(3_000)
  }
  assert.match(await raw.reply(), /^421 4\.4\.2 Timeout/)
})

test('under stress a message is measured over ten seconds: 100 octets a second pass, less does not (RFC 5321 §4.5.3.2.5)', async () => {
  for (const [octets, reply] of [
    [1100, /^250 /],
    [900, /^421 4\.4\.2 The message arrives too slowly/],
  ] as const) {
    const { stress, server, client: raw } = await client('HELO c.example', 'MAIL FROM:<a@b.example>', 'RCPT TO:<ann@example.org>', 'DATA')
    await using _server = server
    stress()
    for (let turn = 0; turn < 4; turn++) {
      raw.write(`${'x'.repeat(octets - 2)}\r\n`)
      await settle()
      server.house.clock.advance(10_000)
    }
    raw.write('.\r\n')
    assert.match(await raw.reply(), reply)
  }
})

/** A host that is calm at first. */
function subject(engineOf: (host: TestHost['host']) => TranscriptSubject['engine']): () => TranscriptSubject {
  return () => {
    let isStressed = false
    const made = testHost({ isStressed: () => isStressed })
    return { ...made, tls: FAKE_TLS, engine: engineOf(made.host), steps: { stress: () => (isStressed = true) } }
  }
}

test('IMAP: who has not logged in has ten seconds under stress, who has keeps the thirty minutes (RFC 9051 §5.4)', async () => {
  const world = subject(host => imapEngine(host))
  await transcript(
    world,
    `
    S: * OK *
    T: 8 seconds
    H: stress
    C: a1 NOOP
    S: a1 OK *
    T: 1 second
    S: (nothing)
    T: 1 second
    S: * BYE *
    S: (closed)
  `,
  )
  await transcript(
    world,
    `
    S: * OK *
    H: stress
    C: a1 LOGIN ann@example.org secret-of-ann
    S: a1 OK *
    T: 29 minutes
    C: a2 NOOP
    S: a2 OK *
  `,
  )
})

test('POP3: who has not logged in has ten seconds under stress, who has keeps the ten minutes (RFC 1939 §3)', async () => {
  const world = subject(host => pop3Engine(host))
  await transcript(
    world,
    `
    S: +OK *
    H: stress
    C: CAPA
    S: +OK *
    S: ...
    S: .
    T: 9 seconds
    S: (nothing)
    T: 1 second
    S: (closed)
  `,
  )
  await transcript(
    world,
    `
    S: +OK *
    H: stress
    C: USER ann@example.org
    S: +OK *
    C: PASS secret-of-ann
    S: +OK *
    T: 9 minutes
    C: NOOP
    S: +OK *
  `,
  )
})
