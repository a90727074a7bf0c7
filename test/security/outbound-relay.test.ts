import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { test } from 'node:test'
import { memoryDirectory } from 'mailwright/directories/memory'
import { senderRewriting } from 'mailwright/outbound'
import { world } from '../world/world.ts'

/** Says lines to a server one by one and answers the last line of each reply. */
async function dialogue(port: number, lines: readonly string[]): Promise<string[]> {
  const socket = createConnection(port, '127.0.0.1')
  let buffer = ''
  let wake: (() => void) | undefined
  socket.on('data', piece => {
    buffer += piece.toString('utf8')
    wake?.()
  })
  socket.on('close', () => wake?.())
  socket.on('error', () => wake?.())
  const reply = async (): Promise<string> => {
    for (;;) {
      const found = /^(?:\d{3}-.*\r\n)*(\d{3} .*)\r\n/.exec(buffer)
      if (found !== null) {
        buffer = buffer.slice(found[0].length)
        return found[1] ?? ''
      }
      if (socket.destroyed) return 'closed'
      await new Promise<void>(resolve => void (wake = resolve))
    }
  }
  const replies: string[] = []
  await reply()
  for (const line of lines) {
    socket.write(`${line}\r\n`)
    replies.push(await reply())
  }
  socket.destroy()
  return replies
}

test('a rewritten sender that somebody saw lets notifications through, and nobody’s own mail (RFC 5321 §4.5.5; S9)', async () => {
  await using earth = world()
  const rewriting = senderRewriting({ domain: 'middle.example', secret: 'a secret of sixteen octets or more' })
  const middle = await earth.citizen('middle.example', { outbound: { returns: { rewriting } } })
  await earth.citizen('victim.example')
  const { local } = rewriting.forward({ local: 'ann', domain: 'victim.example' })
  const again = rewriting.forward({ local: 'SRS0=aaaaaaaa=aa=victim.example=ann', domain: 'first.example' })
  for (const target of [local, local.toLowerCase(), local.toUpperCase(), `"${local}"`, again.local]) {
    const replies = await dialogue(middle.server.ports.smtp ?? 0, [
      'EHLO c.example',
      'MAIL FROM:<spammer@far.example>',
      `RCPT TO:<${target}@middle.example>`,
      'RSET',
      'MAIL FROM:<>',
      `RCPT TO:<${target}@middle.example>`,
    ])
    assert.match(replies[2] ?? '', /^550 5\.7\.1 /, target)
    assert.match(replies[5] ?? '', /^250 /, target)
  }
})

test('forty forms of a stranger’s recipient against a server that can send: none is relayed (RFC 5321 §3.6, §7.8; S9)', async () => {
  await using earth = world()
  const directory = memoryDirectory({ accounts: { 'ann@example.org': 'correct horse' }, hashCost: { memory: 256, passes: 1 } })
  await directory.setAlias('list@example.org', ['zoe@friend.example'])
  const rewriting = senderRewriting({ domain: 'example.org', secret: 'a secret of sixteen octets or more' })
  const server = await earth.citizen('example.org', { directory, outbound: { returns: { rewriting } } })
  const queued: unknown[] = []
  server.server.on('queued', event => void queued.push(event))
  const forms = [
    '<victim@far.example>',
    '<victim%far.example@example.org>',
    '<victim%far.example>',
    '<"victim%far.example"@example.org>',
    '<far.example!victim@example.org>',
    '<@example.org:victim@far.example>',
    '<@mx.example.org,@example.org:victim@far.example>',
    '<"victim@far.example"@example.org>',
    '<"victim@far.example"@mx.example.org>',
    '<victim@far.example@example.org>',
    '<victim@far.example.>',
    '<victim@[127.0.0.1]>',
    '<victim@127.0.0.1>',
    '<victim@sub.example.org>',
    '<list+victim%far.example@sub.example.org>',
    '<"list@friend.example"@example.org>',
    '<zoe@friend.example>',
    '<SRS0=aaaaaaaa=aa=far.example=victim@example.org>',
    '<SRS0+aaaaaaaa=aa=far.example=victim@example.org>',
    '<SRS0==far.example=victim@example.org>',
    '<SRS0=far.example=victim@example.org>',
    '<SRS1=aaaaaaaa=far.example==aaaaaaaa=aa=far.example=victim@example.org>',
    '<SRS1=aaaaaaaa=example.org=SRS0=aaaaaaaa=aa=far.example=victim@example.org>',
    '<"SRS0=aaaaaaaa=aa=far.example=victim"@example.org>',
    '<SRS0=aaaaaaaa=aa=far.example=victim@mx.example.org>',
    '<bounce+aa-aaaaaaaa-victim=far.example@example.org>',
    '<bounce+victim=far.example@example.org>',
  ]
  for (const sender of [
    '<x@far.example>',
    '<ann@example.org>',
    '<>',
    '<list@example.org>',
    '<SRS0=aaaaaaaa=aa=far.example=v@example.org>',
  ]) {
    const lines = forms.flatMap(form => ['RSET', `MAIL FROM:${sender}`, `RCPT TO:${form}`])
    // So many refusals end a session: a few at a time.
    for (let at = 0; at < lines.length; at += 9) {
      const said = await dialogue(server.server.ports.smtp ?? 0, ['EHLO c.example', ...lines.slice(at, at + 9)])
      for (let index = 3; index < said.length; index += 3)
        assert.match(said[index] ?? '', /^5\d\d 5\./, `${sender} ${lines[at + index - 1] ?? ''}`)
    }
  }
  assert.deepEqual(queued, [])
})
