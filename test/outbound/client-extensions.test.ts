import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sevenBit } from 'mailwright/outbound'
import type { TlsRequirement } from 'mailwright/outbound'
import { decodeTransfer } from 'mailwright/mime'
import { against, brief, mail, sent, source } from './client-world.ts'

/** A server with these extensions that takes one message. `mail`: the MAIL that it must hear. */
function taking(extensions: readonly string[], mailLine: string): string {
  const lines = ['mx.example', ...extensions]
  return `
    S: 220 mx.example
    C: EHLO us.example
    ${lines.map((line, at) => `S: 250${at === lines.length - 1 ? ' ' : '-'}${line}`).join('\n')}
    C: ${mailLine}
    S: 250 fine
    C: RCPT TO:<bob@mx.example>
    S: 250 fine
    C: DATA
    S: 354 go on
    C: ...
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)`
}

/** A server with these extensions that gets nothing. */
function offered(extensions: readonly string[]): string {
  const lines = ['mx.example', ...extensions]
  return `
    S: 220 mx.example
    C: EHLO us.example
    ${lines.map((line, at) => `S: 250${at === lines.length - 1 ? ' ' : '-'}${line}`).join('\n')}
    C: QUIT
    C: (leaves)`
}

test('a message that is too big is not even begun (RFC 1870 §6.1)', () =>
  against(offered(['SIZE 1000']), {}, async world => {
    const { outcomes, reusable } = await sent(world, mail(['bob@mx.example'], { body: 'x'.repeat(1001) }))
    assert.deepEqual(brief(outcomes), ['failed 5.3.4'])
    assert.equal(reusable, true)
  }))

test('SIZE without a limit, and a limit of 0 (RFC 1870 §4)', async () => {
  for (const size of ['SIZE', 'SIZE 0'])
    await against(taking([size], 'MAIL FROM:<ann@us.example> SIZE=33'), {}, async world => {
      assert.deepEqual(brief((await sent(world, mail(['bob@mx.example']))).outcomes), ['delivered 2.0.0'])
    })
})

test('8BITMIME is said where it is offered (RFC 6152 §3)', () =>
  against(taking(['8BITMIME'], 'MAIL FROM:<ann@us.example> BODY=8BITMIME'), {}, async world => {
    await sent(world, mail(['bob@mx.example'], { eightBit: true, body: 'Subject: x\r\n\r\n\u00fc\r\n' }))
  }))

test('without 8BITMIME the body is converted (RFC 6152 §3)', () =>
  against(taking([], 'MAIL FROM:<ann@us.example>').replace('C: ...', 'C: ...\nC: gr=C3=BC=C3=9Fe'), {}, async world => {
    const { outcomes } = await sent(world, mail(['bob@mx.example'], { eightBit: true, body: 'Subject: x\r\n\r\ngr\u00fc\u00dfe\r\n' }))
    assert.deepEqual(brief(outcomes), ['delivered 2.0.0'])
  }))

test('what cannot be converted fails with 5.6.3 (RFC 6152 §3)', () =>
  against(offered([]), {}, async world => {
    const { outcomes, elsewhere } = await sent(world, mail(['bob@mx.example'], { eightBit: true, body: 'Subject: \u00fc\r\n\r\nx\r\n' }))
    assert.deepEqual(brief(outcomes), ['failed 5.6.3'])
    assert.equal(elsewhere, true)
  }))

test('SMTPUTF8 for an address beyond ASCII; 5.6.7 where it is not offered (RFC 6531 §3.4, §3.5)', async () => {
  const message = { ...mail([]), recipients: [{ address: 'b\u00f6b@mx.example' }] }
  const script = taking(['8BITMIME', 'SMTPUTF8'], 'MAIL FROM:<ann@us.example> SMTPUTF8').replace('<bob@', '<b\u00f6b@')
  await against(script, {}, async world => {
    assert.deepEqual(brief((await sent(world, message)).outcomes), ['delivered 2.0.0'])
  })
  await against(offered(['8BITMIME']), {}, async world => {
    assert.deepEqual(brief((await sent(world, message)).outcomes), ['failed 5.6.7'])
  })
})

test('a message that came with SMTPUTF8 but does not need it goes without (RFC 6531 §3.4)', () =>
  against(taking([], 'MAIL FROM:<ann@us.example>'), {}, async world => {
    assert.deepEqual(brief((await sent(world, mail(['bob@mx.example'], { smtpUtf8: true }))).outcomes), ['delivered 2.0.0'])
  }))

test('UTF-8 in the header needs it (RFC 6532 §3.2)', () =>
  against(offered([]), {}, async world => {
    const { outcomes } = await sent(world, mail(['bob@mx.example'], { smtpUtf8: true, body: 'Subject: \u00fc\r\n\r\nx\r\n' }))
    assert.deepEqual(brief(outcomes), ['failed 5.6.7'])
  }))

test('a domain beyond ASCII has A-labels (RFC 5890 §2.3.2.1)', () =>
  against(taking([], 'MAIL FROM:<ann@xn--bcher-kva.example>'), {}, async world => {
    const { outcomes } = await sent(world, mail(['bob@mx.example'], { from: 'ann@b\u00fccher.example' }))
    assert.deepEqual(brief(outcomes), ['delivered 2.0.0'])
  }))

test('REQUIRETLS: only over verified TLS, only where it is offered, and never for the null sender (RFC 8689 §4.2.1, §5)', async () => {
  const tls: TlsRequirement = { level: 'verified', source: 'dane', serverName: 'mx.example', verify: () => undefined }
  const opening = `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
    C: (tls)`
  const first = 'S: 220 mx.example'
  await against(`${opening}${taking(['REQUIRETLS'], 'MAIL FROM:<ann@us.example> REQUIRETLS').replace(first, '')}`, { tls }, async world => {
    assert.deepEqual(brief((await sent(world, mail(['bob@mx.example'], { requireTls: true }))).outcomes), ['delivered 2.0.0'])
  })
  await against(`${opening}${offered([]).replace(first, '')}`, { tls }, async world => {
    assert.deepEqual(brief((await sent(world, mail(['bob@mx.example'], { requireTls: true }))).outcomes), ['failed 5.7.30'])
  })
  await against(offered(['REQUIRETLS']), {}, async world => {
    assert.deepEqual(brief((await sent(world, mail(['bob@mx.example'], { requireTls: true }))).outcomes), ['failed 5.7.10'])
  })
  await against(taking([], 'MAIL FROM:<>'), {}, async world => {
    assert.deepEqual(brief((await sent(world, mail(['bob@mx.example'], { requireTls: true, from: '' }))).outcomes), ['delivered 2.0.0'])
  })
})

test('S2: no address carries a command', () =>
  against(offered([]), {}, async world => {
    const evil = [
      'bob@mx.example>\r\nRCPT TO:<eve@mx.example',
      'b\nob@mx.example',
      'bob@mx.example\0',
      'bob@mx.example> NOTIFY=NEVER',
      '"b\r\n"@mx.example',
      'bob@[1.2.3.4]>',
      '@',
      'bob@',
      '@mx.example',
      '',
    ]
    const { outcomes } = await sent(world, mail(evil))
    assert.deepEqual(
      brief(outcomes),
      evil.map(() => 'failed 5.1.3'),
    )
  }))

test('a sender that is no address fails, wherever it is sent', () =>
  against(offered([]), {}, async world => {
    const { outcomes, elsewhere } = await sent(world, mail(['bob@mx.example'], { from: 'ann@us.example>\r\nX' }))
    assert.deepEqual(brief(outcomes), ['failed 5.1.7'])
    assert.equal(elsewhere, false)
  }))

const PARTS = [
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Transfer-Encoding: 8bit',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: 8bit',
  '',
  `gr\u00fc\u00dfe =  `,
  'y'.repeat(200),
  '--b',
  'Content-Type: application/octet-stream',
  '',
  '\u00ff\u00fe',
  '--b',
  'Content-Type: text/plain',
  'X-Kept: 1',
  '',
  'plain',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>\u00fc</p>',
  '--b--',
  '',
].join('\r\n')

test('conversion to seven bits, part by part (RFC 6152 §3, RFC 2045 §6)', async () => {
  const converted = await sevenBit(source(PARTS))
  assert.ok(converted !== undefined)
  const text = new TextDecoder().decode(await converted.read(0, converted.size))
  assert.ok(/^[\x00-\x7f]*$/.test(text))
  assert.ok(text.split('\r\n').every(line => line.length <= 76 || line.startsWith('y')))
  const [, first = '', second = '', third = '', fourth = ''] = text.split('--b')
  assert.match(text, /^MIME-Version: 1\.0\r\nContent-Type: multipart\/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n/)
  const bodyOf = (part: string): Uint8Array => new TextEncoder().encode(part.slice(part.indexOf('\r\n\r\n') + 4, -2))
  assert.match(first, /quoted-printable/)
  assert.equal(new TextDecoder().decode(decodeTransfer(bodyOf(first), 'quoted-printable')), `gr\u00fc\u00dfe =  \r\n${'y'.repeat(200)}`)
  assert.match(second, /base64/)
  assert.equal(new TextDecoder().decode(decodeTransfer(bodyOf(second), 'base64')), '\u00ff\u00fe')
  assert.equal(third, '\r\nContent-Type: text/plain\r\nX-Kept: 1\r\n\r\nplain\r\n')
  assert.match(
    fourth,
    /rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: inner\r\nContent-Type: text\/html; charset=utf-8\r\nMIME-Version: 1\.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C3=BC<\/p>\r\n$/,
  )
})

test('what stays as it is or not at all (RFC 6152 §3, RFC 1847 §2.1)', async () => {
  for (const head of [
    'Subject: \u00fc',
    'Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable',
    'Content-Type: message/partial',
    'Content-Type: message/global',
  ])
    assert.equal(await sevenBit(source(`${head}\r\n\r\n\u00fc\r\n`)), undefined, head)
  assert.equal(await sevenBit(source(PARTS.replace('multipart/mixed', 'multipart/signed'))), undefined)
  assert.equal(await sevenBit(source(PARTS.replace('\r\n\r\n--b', '\r\n\r\n\u00fc in the preamble\r\n--b'))), undefined)
})

test('the time that is left goes along where it is heeded, and a priority (RFC 2852 §4.1.4; RFC 6710 §4.2)', async () => {
  const bob = ['bob@mx.example']
  const extensions = ['DELIVERBY 30', 'MT-PRIORITY', 'DSN']
  for (const [mode, wanted] of [
    ['return', 'BY=90;R'],
    ['notify', 'BY=90;N'],
  ] as const)
    await against(taking(extensions, `MAIL FROM:<ann@us.example> ${wanted} MT-PRIORITY=-3`), {}, async world => {
      const deliverBy = { at: world.clock.now() + 90_000, mode }
      const { outcomes, timed } = await sent(world, mail(bob, { deliverBy, priority: -3 }))
      assert.deepEqual([brief(outcomes), timed], [['delivered 2.0.0'], true])
    })
  await against(taking(extensions, 'MAIL FROM:<ann@us.example> BY=-5;N'), {}, async world => {
    await sent(world, mail(bob, { deliverBy: { at: world.clock.now() - 5000, mode: 'notify' } }))
  })
})

test('what must be there in time or come back goes to no server that would not see to it, nor too late (RFC 2852 §4.1.3, §4.1.4.1)', async () => {
  for (const [extensions, ms, wanted, elsewhere] of [
    [[], 90_000, 'failed 5.3.3', true],
    [['DELIVERBY 120'], 90_000, 'failed 5.3.3', true],
    [['DELIVERBY'], 0, 'failed 5.4.7', false],
  ] as const)
    await against(offered(extensions), {}, async world => {
      const result = await sent(world, mail(['bob@mx.example'], { deliverBy: { at: world.clock.now() + ms, mode: 'return' } }))
      assert.deepEqual([brief(result.outcomes), result.elsewhere], [[wanted], elsewhere])
    })
})

test('who wants to hear of a delay asks for it by DSN where that is all the server knows (RFC 2852 §4.1.4.2)', async () => {
  for (const [notify, wanted] of [
    [undefined, ' NOTIFY=FAILURE,DELAY'],
    [['SUCCESS'], ' NOTIFY=SUCCESS,DELAY'],
    [['NEVER'], ' NOTIFY=NEVER'],
  ] as const) {
    const script = taking(['DSN'], 'MAIL FROM:<ann@us.example>').replace('<bob@mx.example>', `<bob@mx.example>${wanted}`)
    await against(script, {}, async world => {
      const message = mail([], { deliverBy: { at: world.clock.now() + 90_000, mode: 'notify' } })
      const recipients = [{ address: 'bob@mx.example', ...(notify === undefined ? {} : { notify }) }]
      assert.equal((await sent(world, { ...message, recipients })).timed, false)
    })
  }
})
