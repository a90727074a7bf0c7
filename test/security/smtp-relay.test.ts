import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bridge } from '../smtp-server/bridge.ts'

/** Forty ways in which servers were talked into relaying. The server is mx.example.org for example.org; the client is a stranger. */
const RECIPIENTS: readonly string[] = [
  '<victim@far.example>',
  '<victim@FAR.EXAMPLE>',
  'victim@far.example',
  '<victim%far.example@example.org>',
  '<victim%far.example@mx.example.org>',
  '<victim%far.example@[192.0.2.1]>',
  '<victim%far.example>',
  '<"victim%far.example"@example.org>',
  '<far.example!victim>',
  '<far.example!victim@example.org>',
  '<far.example!victim@[192.0.2.1]>',
  '<example.org!victim@far.example>',
  '<@example.org:victim@far.example>',
  '<@mx.example.org,@example.org:victim@far.example>',
  '<@[192.0.2.1]:victim@far.example>',
  '<"victim@far.example">',
  '<"victim@far.example"@example.org>',
  '<"victim@far.example"@[192.0.2.1]>',
  '<"victim\\@far.example"@example.org>',
  '<victim@far.example@example.org>',
  '<victim@example.org@far.example>',
  '<victim@[192.0.2.1]>',
  '<victim@[127.0.0.1]>',
  '<victim@[IPv6:::1]>',
  '<victim@127.0.0.1>',
  '<victim@2130706433>',
  '<victim@far.example.>',
  '<victim@example.org.far.example>',
  '<victim@sub.example.org>',
  '<victim@example.org%2efar.example>',
  '<victim@far%2eexample>',
  '<victim@xn--fr-eka.example>',
  '<victim@>',
  '<@far.example>',
  '<victim>',
  '<victim@far.example> <ann@example.org>',
  '<ann@example.org,victim@far.example>',
  '<ann@example.org;victim@far.example>',
  '<victim@far.example>ann@example.org',
  '<>',
]

const SENDERS: readonly string[] = ['<stranger@far.example>', '<ann@example.org>', '<>', '<postmaster@mx.example.org>']

test('forty forms of a stranger’s recipient, none is relayed (RFC 5321 §3.6, §7.8; S9)', async () => {
  assert.equal(RECIPIENTS.length, 40)
  for (const flavour of ['smtp', 'lmtp'] as const) {
    for (const sender of SENDERS) {
      await using server = await bridge({ flavour, remote: '198.51.100.9' })
      for (const recipient of RECIPIENTS) {
        using client = await server.client()
        client.write(flavour === 'lmtp' ? 'LHLO c.example\r\n' : 'EHLO c.example\r\n')
        await client.replies(2)
        client.write(`MAIL FROM:${sender}\r\n`)
        assert.match(await client.reply(), /^250 /)
        client.write(`RCPT TO:${recipient}\r\n`)
        assert.match(await client.reply(), /^5\d\d 5\./, `${sender} to ${recipient}`)
      }
    }
  }
})

test('XCLIENT, XFORWARD and a PROXY line make nobody trusted (S25)', async () => {
  await using server = await bridge({ remote: '198.51.100.9' })
  for (const line of [
    'XCLIENT ADDR=127.0.0.1 LOGIN=ann',
    'XFORWARD ADDR=127.0.0.1',
    'PROXY TCP4 127.0.0.1 127.0.0.1 1 25',
    'WIZ x',
    'SHELL',
  ]) {
    using client = await server.client()
    client.write('EHLO c.example\r\n')
    assert.doesNotMatch((await client.replies(2))[1] ?? '', /XCLIENT|XFORWARD/)
    client.write(`${line}\r\n`)
    assert.match(await client.reply(), /^500 5\.5\.1 /)
    client.write('MAIL FROM:<ann@example.org>\r\nRCPT TO:<victim@far.example>\r\n')
    assert.match((await client.replies(2))[1] ?? '', /^550 5\.7\.1 /)
  }
})

test('the postmaster needs no domain (RFC 5321 §4.5.1)', async () => {
  await using server = await bridge({ house: { people: { aliases: { postmaster: ['ann@example.org'] } } } })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO c.example
    S: 250-*
    C: MAIL FROM:<>
    S: 250 *
    C: RCPT TO:<Postmaster>
    S: 250 *
  `)
})
