import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { against, brief, CLEAR, mail, OPPORTUNISTIC, sent } from '../outbound/client-world.ts'
import type { ClientWorld, WorldOptions } from '../outbound/client-world.ts'
import type { TlsRequirement } from 'mailwright/outbound'

const HELLO = `
  S: 220 mx.example
  C: EHLO us.example
  S: 250-mx.example
  S: 250 PIPELINING`

const TO_DATA = `${HELLO}
  C: MAIL FROM:<ann@us.example>
  C: RCPT TO:<bob@mx.example>
  C: DATA
  S: 250 fine
  S: 250 fine
  S: 354 go on`

const WITH_TLS = `
  S: 220 mx.example
  C: EHLO us.example
  S: 250-mx.example
  S: 250 STARTTLS
  C: STARTTLS`

async function refusal(world: ClientWorld): Promise<string> {
  const opened = await world.open()
  return opened.kind === 'refused' ? `${opened.status.code} ${opened.status.text}` : 'open'
}

/** What one recipient's outcome is, and whether the session may be used again. */
function outcome(title: string, script: string, expected: string, reusable: boolean, options: WorldOptions = {}): void {
  test(title, () =>
    against(script, options, async world => {
      const result = await sent(world, mail(['bob@mx.example']))
      assert.deepEqual(brief(result.outcomes), [expected])
      assert.equal(result.reusable, reusable)
    }),
  )
}

test('S31: endless lines of 250 (RFC 5321 §4.2)', () =>
  against(`S: 220 mx.example\nC: EHLO us.example\n${'S: 250-more\n'.repeat(150)}C: (leaves)`, {}, async world => {
    assert.match(await refusal(world), /^4\.5\.0 the server sent a reply without end/)
  }))

test('S31: a reply without a line end is cut off at 2,048 octets (RFC 5321 §4.5.3.1.5)', () =>
  against(`S~ 220 ${'x'.repeat(5000)}\nC: (leaves)`, {}, async world => {
    assert.match(await refusal(world), /^4\.5\.0 the server sent a line of more than 2048 octets/)
  }))

test('S31: many long lines are bounded as a whole', () =>
  against(`S: 220 mx.example\nC: EHLO us.example\n${`S: 250-${'x'.repeat(1900)}\n`.repeat(60)}C: (leaves)`, {}, async world => {
    assert.match(await refusal(world), /^4\.5\.0 the server sent a reply without end/)
  }))

test('S31: what is no reply at all', async () => {
  for (const line of [
    'hello',
    '',
    '25',
    '250x fine',
    '150 fine',
    '650 fine',
    '-250',
    '\\x00\\xff\\xfe',
    'HTTP/1.1 400 Bad Request',
    'SSH-2.0-OpenSSH',
  ])
    await against(`S~ ${line}\\r\\n\nC: (leaves)`, {}, async world => {
      assert.match(await refusal(world), /^4\.5\.0 the server sent a line that is no reply/, line)
    })
})

test('S31: a multi-line reply of two codes (RFC 5321 §4.2.1)', () =>
  against('S: 220 mx.example\nC: EHLO us.example\nS: 250-mx.example\nS: 550 no\nC: (leaves)', {}, async world => {
    assert.match(await refusal(world), /^4\.5\.0 the server sent a reply of two codes/)
  }))

test('S31: an answer before the question (RFC 5321 §4.2)', () =>
  against(
    'S~ 220 mx.example\\r\\n250 hello to you too\\r\\n\nC: EHLO us.example\nS: 250-mx.example\nS: 250 DSN\nC: (leaves)',
    { loose: true },
    async world => {
      const opened = await world.open()
      // Read in one piece it is seen at once; read octet by octet it answers EHLO, and what answers EHLO is one too many.
      if (opened.kind === 'open') {
        assert.equal(opened.session.facts.capabilities.dsn, false)
        opened.session.rest()
        await new Promise(resolve => setImmediate(resolve))
        assert.equal(opened.session.isOver, true)
      } else assert.match(opened.status.text, /^the server said more than it was asked/)
    },
  ))

test('S31: control characters do not reach the operator', () =>
  against('S~ 554 5.7.1 go \\x1b[31maway\\x00\\x07\\xe2\\x80\\xae!\\r\\n\nC: QUIT\nC: (leaves)', {}, async world => {
    assert.equal(await refusal(world), '4.7.1 go  [31maway !')
  }))

test('S31: a greeting of 554 says nothing about the message (RFC 5321 §3.1)', () =>
  against('S: 554 no SMTP service here\nC: QUIT\nC: (leaves)', {}, async world => {
    assert.match(await refusal(world), /^4\.3\.2 no SMTP service here/)
  }))

test('S31: no greeting within five minutes (RFC 5321 §4.5.3.2.1)', () =>
  against('T: 6 minutes\nS: 220 mx.example', { loose: true }, async world => {
    const begun = world.clock.monotonic()
    assert.match(await refusal(world), /^4\.4\.2 no reply within 300000 ms \(waiting for the greeting\)/)
    assert.equal(world.clock.monotonic() - begun, 300_000)
  }))

test('S31: an octet a minute does not buy more time (RFC 5321 §4.5.3.2)', () =>
  against(
    `${Array.from('220 mx.exa', octet => `S~ ${octet === ' ' ? '\\x20' : octet}\nT: 50 seconds`).join('\n')}\nC: (leaves)`,
    { loose: true },
    async world => {
      const begun = world.clock.monotonic()
      assert.match(await refusal(world), /^4\.4\.2 no reply within 300000 ms/)
      assert.ok(world.clock.monotonic() - begun <= 300_000)
    },
  ))

outcome(
  'S31: 421 in place of an answer closes (RFC 5321 §3.8)',
  `${HELLO}\nC: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@mx.example>\nC: DATA\nS: 421 4.3.2 going down\nC: (leaves)`,
  'deferred 4.3.2',
  false,
)

outcome(
  'S31: 421 after 354, and gone (RFC 5321 §3.8)',
  `${TO_DATA}\nC: ...\nC: .\nS: 421 4.3.2 going down\nC: (leaves)`,
  'deferred 4.3.2',
  false,
)

outcome(
  'S31: gone after the final dot: it may have arrived, and is sent again (RFC 5321 §6.1)',
  `${TO_DATA}\nC: ...\nC: .\nS: (ends)`,
  'deferred 4.4.2',
  false,
)

outcome('S31: silence after the final dot (RFC 5321 §4.5.3.2.6)', `${TO_DATA}\nC: ...\nC: .\nC: (leaves)`, 'deferred 4.4.2', false)

outcome('S31: gone after 354', `${TO_DATA}\nS: (ends)`, 'deferred 4.4.2', false)

outcome(
  'S31: 250 to everything: 250 is not the answer to DATA (RFC 5321 §4.1.1.4)',
  `${HELLO}\nC: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@mx.example>\nC: DATA\nS: 250 fine\nS: 250 fine\nS: 250 fine\nC: (leaves)`,
  'deferred 4.5.0',
  false,
)

outcome(
  'S31: 354 to MAIL',
  `${HELLO}\nC: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@mx.example>\nC: DATA\nS: 354 go on\nC: (leaves)`,
  'deferred 4.5.0',
  false,
)

outcome('S31: 354 to the end of the message', `${TO_DATA}\nC: ...\nC: .\nS: 354 and?\nC: (leaves)`, 'deferred 4.5.0', false)

outcome(
  'S31: garbage in place of a reply to RCPT',
  `${HELLO}\nC: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@mx.example>\nC: DATA\nS: 250 fine\nS: \\o/\nC: (leaves)`,
  'deferred 4.5.0',
  false,
)

outcome(
  'a code that nobody knows counts by its first digit (RFC 5321 §4.2)',
  `${TO_DATA}\nC: ...\nC: .\nS: 571 5.7.1 blocked\nC: QUIT\nC: (leaves)`,
  'failed 5.7.1',
  true,
)

outcome(
  'an enhanced code that contradicts its reply is not believed (RFC 2034 §4)',
  `${TO_DATA}\nC: ...\nC: .\nS: 451 5.7.1 confused\nC: QUIT\nC: (leaves)`,
  'deferred 4.3.0',
  true,
)

test('an answer too many after the message: the session is not used again (RFC 2920 §3.1)', () =>
  against(`${TO_DATA}\nC: ...\nC: .\nS~ 250 taken\\r\\n250 and again\\r\\n\nC: (leaves)`, {}, async world => {
    const opened = await world.open()
    assert.ok(opened.kind === 'open')
    assert.deepEqual(brief((await opened.session.send(mail(['bob@mx.example']))).outcomes), ['delivered 2.0.0'])
    opened.session.rest()
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(opened.session.isOver, true)
  }))

test('S31: 552 in the middle of a large message; the rest is not sent (RFC 5321 §3.8)', () =>
  against(`${TO_DATA}\nC: ${'x'.repeat(70)}\nS: (stalls)\nS~ 552 5.3.4 too much\\r\\n\nC: (leaves)`, {}, async world => {
    const result = await sent(world, mail(['bob@mx.example'], { body: `${'x'.repeat(70)}\r\n`.repeat(10_000) }))
    assert.deepEqual(brief(result.outcomes), ['failed 5.3.4'])
    assert.equal(result.reusable, false)
  }))

test('S31: 250 in the middle of a large message is believed by nobody', () =>
  against(`${TO_DATA}\nC: ${'x'.repeat(70)}\nS: (stalls)\nS~ 250 taken\\r\\n\nC: (leaves)`, {}, async world => {
    const result = await sent(world, mail(['bob@mx.example'], { body: `${'x'.repeat(70)}\r\n`.repeat(10_000) }))
    assert.deepEqual(brief(result.outcomes), ['deferred 4.5.0'])
  }))

test('S31: a server that takes nothing is left after the time for the whole (RFC 5321 §4.5.3.2.5)', () =>
  against(`${TO_DATA}\nS: (stalls)\nC: (leaves)`, {}, async world => {
    const opened = await world.open()
    assert.ok(opened.kind === 'open')
    const result = opened.session.send(mail(['bob@mx.example'], { body: `${'x'.repeat(70)}\r\n`.repeat(10_000) }))
    await new Promise(resolve => setImmediate(resolve))
    world.clock.advance(3_600_000)
    assert.deepEqual(brief((await result).outcomes), ['deferred 4.4.2'])
  }))

test('S31: the connection is refused, or does not come about', () =>
  against([new MailError('unavailable', 'refused')], {}, async world => {
    assert.match(await refusal(world), /^4\.4\.1 refused/)
  }))

test('S7: octets behind the 220 of STARTTLS are the end of it (RFC 3207 §6)', () =>
  against(`${WITH_TLS}\nS~ 220 go\\r\\n250-mx.example\\r\\n250 AUTH PLAIN\\r\\n\nC: (leaves)`, { tls: OPPORTUNISTIC }, async world => {
    assert.match(await refusal(world), /^4\.5\.0 (?:the server said more than it was asked|octets came in the clear)/)
    assert.equal(world.dialled.length, 1, 'never again in the clear')
  }))

test('S7: half a line behind the 220 as well', () =>
  against(`${WITH_TLS}\nS~ 220 go\\r\\n2\nC: (leaves)`, { tls: OPPORTUNISTIC }, async world => {
    assert.match(await refusal(world), /^4\.5\.0/)
  }))

test('S7: what was offered in the clear does not count after the handshake (RFC 3207 §4.2)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250-STARTTLS
    S: 250-CHUNKING
    S: 250 DSN
    C: STARTTLS
    S: 220 go
    C: (tls)
    C: EHLO us.example
    S: 250 mx.example
    C: MAIL FROM:<ann@us.example>
    S: 250 fine
    C: RCPT TO:<bob@mx.example>
    S: 250 fine
    C: DATA
    S: 354 go
    C: ...
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    { tls: OPPORTUNISTIC },
    async world => {
      assert.equal((await sent(world, mail(['bob@mx.example']))).notifies, false)
    },
  ))

const VERIFIED: TlsRequirement = {
  level: 'verified',
  source: 'sts',
  serverName: 'mx.example',
  verify: peer => (peer.trusted ? undefined : { type: 'certificate-not-trusted', text: 'no' }),
}
const ENCRYPTED: TlsRequirement = { level: 'encrypted', source: 'dane', serverName: 'mx.example' }

for (const tls of [VERIFIED, ENCRYPTED]) {
  test(`S8: STARTTLS stripped, TLS ${tls.level}: deferred, nothing of the message is told (RFC 8461 §5, RFC 7672 §2.2)`, () =>
    against(`S: 220 mx.example\nC: EHLO us.example\nS: 250 mx.example\nC: (leaves)`, { tls }, async world => {
      const opened = await world.open()
      assert.ok(opened.kind === 'refused')
      assert.equal(opened.status.code, '4.7.10')
      assert.equal(opened.tls.failure?.type, 'starttls-not-supported')
    }))

  test(`S8: STARTTLS refused, TLS ${tls.level}: deferred (RFC 3207 §4)`, () =>
    against(`${WITH_TLS}\nS: 454 not now\nC: (leaves)`, { tls }, async world => {
      assert.match(await refusal(world), /^4\.7\.10/)
    }))

  test(`S8: the handshake fails, TLS ${tls.level}: deferred, no second connection`, () =>
    against(`${WITH_TLS}\nS: 220 go\nC: (tls fails)`, { tls }, async world => {
      assert.match(await refusal(world), /^4\.7\.5/)
      assert.equal(world.dialled.length, 1)
    }))
}

test('S8: a certificate that the policy finds fault with: QUIT at once, deferred (RFC 3207 §4.1)', () =>
  against(`${WITH_TLS}\nS: 220 go\nC: (tls)\nC: QUIT\nC: (leaves)`, { tls: VERIFIED, peer: { trusted: false } }, async world => {
    const opened = await world.open()
    assert.ok(opened.kind === 'refused')
    assert.equal(opened.status.code, '4.7.5')
    assert.equal(opened.tls.failure?.type, 'certificate-not-trusted')
  }))

test('opportunistic: the handshake fails, a fresh connection goes in the clear, and the report says so (RFC 7435 §3)', () =>
  against(
    [
      `${WITH_TLS}\nS: 220 go\nC: (tls fails)`,
      'S: 220 mx.example\nC: EHLO us.example\nS: 250-mx.example\nS: 250 STARTTLS\nC: QUIT\nC: (leaves)',
    ],
    { tls: OPPORTUNISTIC },
    async world => {
      const opened = await world.open()
      assert.ok(opened.kind === 'open')
      assert.equal(opened.tls.encrypted, false)
      assert.equal(opened.tls.failure?.type, 'validation-failure')
      opened.session.quit()
    },
  ))

test('neighbours without TLS are not asked for it', () =>
  against(
    'S: 220 mx.example\nC: EHLO us.example\nS: 250-mx.example\nS: 250 STARTTLS\nC: QUIT\nC: (leaves)',
    { tls: CLEAR },
    async world => {
      const opened = await world.open()
      assert.ok(opened.kind === 'open')
      opened.session.quit()
    },
  ))
