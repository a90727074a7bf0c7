import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { requireProgram } from '../support/programs.ts'
import { wireTo } from './cut.ts'
import { doorFor, password, run, started, user } from './started.ts'
import { Deeds, TRANSPORTS } from './table.ts'

const SSL_TYPE = { plain: 'None', starttls: 'STARTTLS', implicit: 'IMAPS' } as const

/** A Maildir folder's files: the subject of each, with its place. */
function filesIn(folder: string): readonly { readonly place: string; readonly name: string; readonly subject: string }[] {
  return ['new', 'cur'].flatMap(kind => {
    const place = join(folder, kind)
    return readdirSync(place).map(name => {
      const [, subject = ''] = /^Subject: (\w+)/m.exec(readFileSync(join(place, name), 'utf8')) ?? []
      return { place, name, subject }
    })
  })
}

test(
  'mbsync mirrors a mailbox both ways over every transport, and after the wire broke (RFC 9051 §6.4)',
  { skip: requireProgram('mbsync'), timeout: 90_000 },
  async () => {
    await using server = await started()
    const deeds = new Deeds('mbsync')
    const sender = createTransport({ host: '127.0.0.1', port: server.port('smtp'), ignoreTLS: true })
    const certificate = server.personal.server.certificates?.facts[0]?.file ?? ''
    for (const transport of TRANSPORTS) {
      await using wire = await wireTo(server.port(doorFor('imap', transport)))
      for (const subject of ['stays', 'goes', 'large']) {
        const text = subject === 'large' ? 'x'.repeat(70).concat('\r\n').repeat(10_000) : 'Hello'
        await sender.sendMail({ from: 'zoe@far.example', to: user, subject, text })
      }
      const folder = join(server.folder, transport)
      mkdirSync(join(folder, 'mail'), { recursive: true })
      const rc = join(folder, 'rc')
      writeFileSync(
        rc,
        `IMAPAccount a
Host localhost
Port ${wire.port}
User ${user}
Pass "${password}"
SSLType ${SSL_TYPE[transport]}
AuthMechs ${transport === 'plain' ? 'LOGIN' : 'PLAIN'}
${transport === 'plain' ? '' : `CertificateFile ${certificate}\n`}
IMAPStore far
Account a
Trash Trash

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
      const mirror = (): Promise<unknown> => run('mbsync', ['-c', rc, '-a'])
      wire.breakAfter(100_000, 'to the client')
      await assert.rejects(mirror(), 'in the middle of the large one')
      wire.mend()
      await mirror()
      const files = filesIn(join(folder, 'mail', 'INBOX'))
      assert.deepEqual(
        files.map(({ subject }) => subject).sort((one, other) => (one < other ? -1 : 1)),
        ['goes', 'large', 'stays'],
        'each once',
      )
      deeds.did(transport, 'list', 'read', 'reconnect')

      for (const { place, name, subject } of files) {
        const flags = subject === 'stays' ? 'FS' : 'T'
        renameSync(join(place, name), join(folder, 'mail', 'INBOX', 'cur', `${name.replace(/:2,.*$/, '')}:2,${flags}`))
      }
      await mirror()
      const left = await server.mail()
      assert.equal(left.length, 1)
      assert.match(left[0] ?? '', /Subject: stays/)
      deeds.did(transport, 'delete')
      assert.equal((await server.mail('Trash')).filter(text => /Subject: (?:goes|large)/.test(text)).length, 2, 'it copies to Trash first')
      deeds.did(transport, 'move')
      const imap = ['-sS', '--user', `${user}:${password}`, `imap://127.0.0.1:${server.port('imap')}/INBOX`]
      assert.match(await run('curl', [...imap, '-X', 'SEARCH FLAGGED SEEN']), /^\* SEARCH 1\r$/m)
      deeds.did(transport, 'flag')
      for (const box of ['INBOX', 'Trash']) {
        const url = `imap://127.0.0.1:${server.port('imap')}/${box}`
        await run('curl', ['-sS', '--user', `${user}:${password}`, url, '-X', String.raw`STORE 1:* +FLAGS.SILENT (\Deleted)`])
        await run('curl', ['-sS', '--user', `${user}:${password}`, url, '-X', 'EXPUNGE'])
      }
    }
    sender.close()
    deeds.complete()
  },
)
