import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { gateway } from '../../examples/relay.ts'
import { world } from '../world/world.ts'

test('examples/relay.ts stands between a mail server and the internet, and filters both ways', { timeout: 60_000 }, async context => {
  const data = mkdtempSync(join(tmpdir(), 'mailwright-relay-'))
  context.after(() => rmSync(data, { recursive: true, force: true }))
  await using earth = world()
  const inner = await earth.citizen('inner.example', { accounts: ['ann'] })
  const far = await earth.citizen('far.example', { accounts: ['zoe'] })
  await using server = await gateway({
    domain: 'inner.example',
    inner: `127.0.0.1:${inner.server.ports.smtp}`,
    smarthost: `127.0.0.1:${far.server.ports.smtp}`,
    data,
    password: 'correct horse',
    smtpPort: 0,
    submissionPort: 0,
  })
  const outside = createTransport({ host: '127.0.0.1', port: server.ports.smtp ?? 0, tls: { rejectUnauthorized: false } })
  await outside.sendMail({
    from: 'zoe@far.example',
    to: 'ann@inner.example',
    subject: 'In',
    text: 'Hello',
    headers: { 'X-Gateway': 'forged' },
  })
  const [received = ''] = await inner.inbox('ann', 1)
  assert.match(received, /^Return-Path: <zoe@far\.example>\n/)
  assert.match(received, /\nX-Gateway: passed by mx\.inner\.example\n/)
  assert.doesNotMatch(received, /forged/)
  const program = { filename: 'game.exe', content: 'MZ' }
  await assert.rejects(outside.sendMail({ from: 'zoe@far.example', to: 'ann@inner.example', attachments: [program] }), /550 5\.7\.1/)
  await assert.rejects(outside.sendMail({ from: 'zoe@far.example', to: 'zoe@far.example', text: 'x' }), /5\.7\.1/)
  outside.close()

  const auth = { user: 'inner@inner.example', pass: 'correct horse' }
  const inside = createTransport({ host: '127.0.0.1', port: server.ports.submission ?? 0, auth, tls: { rejectUnauthorized: false } })
  await inside.sendMail({ from: 'ann@inner.example', to: 'zoe@far.example', subject: 'Out', text: 'Hello' })
  assert.match((await far.inbox('zoe', 1))[0] ?? '', /Subject: Out/)
  await assert.rejects(inside.sendMail({ from: 'ann@other.example', to: 'zoe@far.example', text: 'x' }), /5\.7\.1/)
  inside.close()
})
