import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { memorySpool } from '../../src/testing/memory-spool.ts'
import { compose } from '../../src/outbound/api/compose.ts'
import type { OutgoingMail } from '../../src/outbound/api/outgoing-mail.ts'

async function text(mail: OutgoingMail): Promise<{ readonly text: string; readonly envelope: unknown }> {
  const { content, envelope } = await compose(mail, memorySpool(), 'mx.example.org')
  const octets = await content.read(0, content.size)
  return { text: new TextDecoder('latin1').decode(octets), envelope }
}

test('a message is composed with the fields it needs, and Bcc stays out of it (RFC 5322 §3.6.3)', async () => {
  const made = await text({
    from: 'Ann Lee <ann@example.org>',
    to: [{ name: 'Bob', address: 'bob@far.example' }, 'bea@far.example'],
    bcc: 'secret@far.example',
    subject: 'Grüße',
    text: 'Hello\n',
    html: '<p>Hello</p>',
    attachments: [{ filename: 'a.txt', content: new TextEncoder().encode('file') }],
    headers: { 'List-Id': '<news.example.org>' },
    date: new Date(Date.UTC(2026, 10, 24)),
  })
  assert.match(made.text, /(?:^|\r\n)From: Ann Lee <ann@example\.org>\r\n/)
  assert.match(made.text, /\r\nMessage-ID: <[\w-]+@mx\.example\.org>\r\n/)
  assert.match(made.text, /\r\nDate: Tue, 24 Nov 2026 00:00:00 \+0000\r\n/)
  assert.match(made.text, /List-ID: <news\.example\.org>\r\n/)
  assert.doesNotMatch(made.text, /secret|[^\r]\n/)
  assert.deepEqual(made.envelope, { from: 'ann@example.org', to: ['bob@far.example', 'bea@far.example', 'secret@far.example'] })
})

test('nothing a caller hands in becomes a field of its own, and no file or address is fetched (S13, S29)', async () => {
  const base = { from: 'ann@example.org', to: 'bob@far.example', text: 'x' }
  const hostile: OutgoingMail[] = [
    { ...base, subject: 'a\r\nBcc: x@y.example' },
    { ...base, subject: 'a\u2028b' },
    { ...base, to: 'bob@far.example\nBcc: x@y.example' },
    { ...base, headers: { 'X-A': 'b\r\nX-C: d' } },
    { ...base, headers: { 'X-A\r\nX-C': 'd' } },
    { ...base, headers: { 'X A': 'd' } },
    { ...base, messageId: '<a@b>\r\nX: y' },
    { ...base, attachments: [{ filename: 'a\r\nX: y', content: 'x' }] },
  ]
  for (const mail of hostile) {
    await assert.rejects(text(mail), error => error instanceof MailError && error.kind === 'invalid', JSON.stringify(mail))
  }
  const fetched = { ...base, attachments: [{ filename: 'x', content: { path: '/etc/hostname' } as unknown as string }] }
  await assert.rejects(text(fetched), error => error instanceof MailError)
})

test('a raw message keeps its octets but for its line ends (RFC 5321 §2.3.8)', async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const octet of new TextEncoder().encode('A: b\r\n\r\none\ntwo\rthree\r\r\n.\r\nlast')) yield Uint8Array.of(octet)
  }
  assert.equal((await text({ raw: pieces() })).text, 'A: b\r\n\r\none\r\ntwo\r\nthree\r\n\r\n.\r\nlast\r\n')
  assert.equal((await text({ raw: 'A: b\n\nc\n' })).text, 'A: b\r\n\r\nc\r\n')
  assert.equal((await text({ raw: 'a\r' })).text, 'a\r\n')
})
