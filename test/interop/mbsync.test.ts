import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createTransport } from 'nodemailer'
import { requireProgram } from '../support/programs.ts'
import { password, started, user } from './started.ts'

const run = promisify(execFile)

test('mbsync mirrors an inbox both ways over each kind of connection', { skip: requireProgram('mbsync'), timeout: 90_000 }, async () => {
  await using server = await started()
  const sender = createTransport({ host: '127.0.0.1', port: server.port('smtp'), ignoreTLS: true })
  await sender.sendMail({ from: 'zoe@far.example', to: user, subject: 'one', text: 'Hello' })
  await sender.sendMail({ from: 'zoe@far.example', to: user, subject: 'two', text: 'Hello' })
  sender.close()
  const certificate = server.personal.server.certificates?.facts[0]?.file ?? ''
  for (const [kind, port] of [
    ['None', server.port('imap')],
    ['STARTTLS', server.port('imap')],
    ['IMAPS', server.port('imaps')],
  ] as const) {
    const folder = join(server.folder, kind)
    mkdirSync(join(folder, 'mail'), { recursive: true })
    writeFileSync(
      join(folder, 'rc'),
      `IMAPAccount a
Host localhost
Port ${port}
User ${user}
Pass "${password}"
SSLType ${kind}
AuthMechs ${kind === 'None' ? 'LOGIN' : 'PLAIN'}
${kind === 'None' ? '' : `CertificateFile ${certificate}\n`}
IMAPStore far
Account a

MaildirStore near
Path ${folder}/mail/
Inbox ${folder}/mail/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX Archive
Create Near
Expunge Both
SyncState ${folder}/state-
`,
    )
    const mirror = (): Promise<unknown> => run('mbsync', ['-c', join(folder, 'rc'), '-a'], { timeout: 20_000 })
    await mirror()
    const fresh = join(folder, 'mail', 'INBOX', 'new')
    const seen = join(folder, 'mail', 'INBOX', 'cur')
    const files = [fresh, seen].flatMap(place => readdirSync(place).map(name => [place, name] as const))
    assert.equal(files.length, 2, kind)
    const subjects = files.map(([place, name]) => /^Subject: (\w+)/m.exec(readFileSync(join(place, name), 'utf8'))?.[1])
    assert.deepEqual(
      subjects.sort((a = '', b = '') => a.localeCompare(b)),
      ['one', 'two'],
    )
    const [place, name] = files[0] ?? ['', '']
    renameSync(join(place, name), join(seen, `${name.replace(/:2,.*$/, '')}:2,FS`))
    await mirror()
    const { stdout } = await run('curl', [
      '-s',
      '--user',
      `${user}:${password}`,
      `imap://127.0.0.1:${server.port('imap')}/INBOX`,
      '-X',
      'SEARCH FLAGGED SEEN',
    ])
    assert.match(stdout, /^\* SEARCH \d/)
  }
})
