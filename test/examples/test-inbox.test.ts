import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { testInbox } from '../../examples/test-inbox.ts'

test('examples/test-inbox.ts runs by itself', { timeout: 60_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--conditions=mailwright-source', 'examples/test-inbox.ts'], {
    cwd: join(import.meta.dirname, '..', '..'),
    encoding: 'utf8',
    timeout: 50_000,
  })
  assert.equal(status, 0, stderr)
  assert.equal(stdout, 'Your order: It is on its way.\n')
})

test('an inbox gives each message once, by subject, before or after it came', async () => {
  await using inbox = await testInbox()
  const application = createTransport({ host: '127.0.0.1', port: inbox.port, ignoreTLS: true })
  const send = (subject: string): Promise<unknown> =>
    application.sendMail({ from: 'shop@example.org', to: `anybody@${inbox.domain}`, subject, text: subject })
  const later = inbox.next({ subject: 'second' })
  await send('first')
  await send('second')
  assert.equal((await later).subject, 'second')
  assert.equal((await inbox.next()).subject, 'first')
  await assert.rejects(inbox.next({ within: 1 }), /no message came within 1 ms/)
  application.close()
})
