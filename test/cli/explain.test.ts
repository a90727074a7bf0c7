import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { reject } from 'mailwright'
import { personalServer } from 'mailwright/server'
import { createTransport } from 'nodemailer'

const data = mkdtempSync(join(tmpdir(), 'mailwright-explain-'))
after(() => rmSync(data, { recursive: true, force: true }))

function explain(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  return spawnSync(process.execPath, ['--conditions=mailwright-source', main, 'explain', ...words, '--data', data], {
    encoding: 'utf8',
    timeout: 30_000,
  })
}

test('why a message was taken or refused is told by its id, by its file, and by the latest', { timeout: 60_000 }, async () => {
  const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
  await using personal = await personalServer({
    data,
    ports,
    outbound: false,
    filters: false,
    middleware: [
      {
        name: 'no-lottery',
        async message(context, next) {
          context.trace.symbol('LOTTERY', 5, 'a prize is promised')
          context.trace.note(`subject was ${context.header('subject') ?? ''}`)
          return context.header('subject') === 'You won' ? reject('No lotteries here\u001b[31m', '5.7.1') : next()
        },
      },
    ],
  })
  const client = createTransport({ host: '127.0.0.1', port: personal.server.ports.smtp ?? 0, ignoreTLS: true })
  const mail = { from: 'zoe@far.example', to: personal.user, text: 'Hello' }
  const { response } = await client.sendMail({ ...mail, subject: 'Hello' })
  await assert.rejects(client.sendMail({ ...mail, subject: 'You won' }), /No lotteries here/)
  client.close()
  const [, id = ''] = /id (\w+)/.exec(response) ?? []
  assert.equal((await personal.server.explain(id))?.verdict.kind, 'accept')
  await personal.close()

  const told = explain(id).stdout
  assert.match(
    told,
    new RegExp(
      `^\\d{4}-.*Z  ${id}  accept\\n  \\d+ octets from zoe@far\\.example to me@home\\.test\\n  by smtp from 127\\.0\\.0\\.1 \\(.*\\), in the clear\\n`,
    ),
  )
  assert.match(
    told,
    /message +no-lottery +accept \(\d+(?:\.\d)? ms\)\n +\+5 LOTTERY: a prize is promised\n +subject was Hello\n {2}score 5\n/,
  )
  const file = join(data, 'message.eml')
  writeFileSync(
    file,
    `Return-Path: <zoe@far.example>\r\nReceived: from x\r\n\tby mail.home.test with ESMTP id ${id};\r\n\tTue, 24 Nov 2026 08:00:00 +0000\r\n\r\nHello\r\n`,
  )
  assert.equal(explain(file).stdout, told)
  const latest = explain().stdout
  assert.match(latest, /accept[^]*reject 5\.7\.1 No lotteries here \[31m/)
  assert.equal(explain('--last', '1', '--json').stdout.trim().split('\n').length, 1)
  assert.match(explain('nothing').stderr, /nothing is known of nothing/)
  assert.match(explain(join(data, 'nothing.eml')).stderr, /^mailwright: there is no file \/.*nothing\.eml\n$/)
  assert.match(explain(data).stderr, /is a folder: name the file of a message/)
  writeFileSync(file, 'Subject: Hello\r\n\r\nHello\r\n')
  assert.match(explain(file).stderr, /has no Received field with an id that a server like this writes/)
})

test('a dry run judges a file as if it came from there now, and leaves nothing behind', { timeout: 60_000 }, () => {
  const file = join(data, 'imagined.eml')
  writeFileSync(
    file,
    'From: zoe@far.example\r\nTo: me@home.test\r\nSubject: Imagine\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\n\r\nHello\r\n',
  )
  const { stdout, stderr, status } = explain(file, '--from', 'zoe@far.example', '--ip', '192.0.2.7', '--dns', '127.0.0.1:9')
  assert.equal(status, 0, stderr)
  assert.match(stderr, /a dry run: nothing was delivered/)
  assert.match(stdout, /message +sender-auth +accept/)
  assert.match(stdout, /deliver +score +accept/)
  assert.doesNotMatch(explain().stdout, /imagined|192\.0\.2\.7/)
  assert.equal(explain(file, '--from', 'zoe@far.example').status, 2)
})
