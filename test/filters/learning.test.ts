/** The filters that learn, in a whole server on SQLite: mail comes by SMTP, is sorted by IMAP, and the next mail is where it belongs. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { createMailServer } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { attachments } from 'mailwright/filters/attachments'
import { bayes } from 'mailwright/filters/bayes'
import { junkTeacher } from 'mailwright/filters/junk-teacher'
import { reputation } from 'mailwright/filters/reputation'
import { sanity } from 'mailwright/filters/sanity'
import { score } from 'mailwright/filters/score'
import { certificates } from 'mailwright/net'
import { sqliteState, sqliteStore } from 'mailwright/stores/sqlite'
import { pair } from '../server/served.ts'
import { mail } from './mails.ts'

const LESSONS = 8

test('what is moved to Junk over IMAP teaches, and the next of its kind goes there by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-learning-'))
  const store = sqliteStore({ path: join(folder, 'mail') })
  const state = sqliteState({ path: join(folder, 'state.sqlite') })
  const directory = memoryDirectory({ accounts: { 'ann@home.test': 'correct horse' }, hashCost: { memory: 256, passes: 1 } })
  const words = bayes({ state, minimum: LESSONS })
  const people = reputation({ state })
  const errors: unknown[] = []
  const lessons: string[] = []
  const teacher = junkTeacher({
    store,
    pupils: [words, people],
    report: error => errors.push(error),
    onLesson: ({ as, why, result }) => lessons.push(`${as}, ${why}: ${result}`),
  })
  const server = createMailServer({
    hostname: 'mx.example',
    store,
    directory,
    tls: certificates([pair]),
    listeners: { smtp: 0, imap: 0 },
  })
  for (const filter of [score(), teacher, sanity(), attachments(), words, people]) server.use(filter)
  server.on('error', ({ error }) => void errors.push(error))
  await server.listen()
  const ann = await directory.resolve({ local: 'ann', domain: 'home.test' })
  assert.ok(ann.kind === 'account')
  const account = await store.open(ann.account.id)
  const known = await account.mailboxes()
  for (const use of ['Junk', 'Archive'] as const)
    if (!known.some(({ name }) => name === use)) await account.create(use, { specialUse: use })
  const smtp = createTransport({ host: '127.0.0.1', port: server.ports.smtp, ignoreTLS: true })
  const imap = new ImapFlow({
    host: '127.0.0.1',
    port: server.ports.imap ?? 0,
    secure: false,
    tls: { rejectUnauthorized: false },
    auth: { user: 'ann@home.test', pass: 'correct horse' },
    logger: false,
  })
  const send = (kind: 'spam' | 'ham', number: number): Promise<unknown> =>
    smtp.sendMail({ envelope: { from: `${kind}@${kind}.example`, to: 'ann@home.test' }, raw: mail(kind, number).replaceAll('\n', '\r\n') })
  const messageIds = async (mailbox: string): Promise<string[]> => {
    const lock = await imap.getMailboxLock(mailbox)
    try {
      // A mailbox that is open already is not opened anew.
      await imap.noop()
      const found: string[] = []
      for await (const { envelope } of imap.fetch('1:*', { envelope: true })) found.push(envelope?.messageId ?? '')
      return found
    } finally {
      lock.release()
    }
  }
  try {
    for (let n = 0; n < LESSONS; n++) for (const kind of ['spam', 'ham'] as const) await send(kind, n)
    await imap.connect()
    assert.equal((await messageIds('INBOX')).length, 2 * LESSONS)
    const lock = await imap.getMailboxLock('INBOX')
    const uids = async (kind: string): Promise<number[]> => (await imap.search({ from: `@${kind}.example` }, { uid: true })) || []
    await imap.messageMove(await uids('spam'), 'Junk', { uid: true })
    await imap.messageMove(await uids('ham'), 'Archive', { uid: true })
    lock.release()
    await teacher.settled()
    assert.equal(lessons.length, 4 * LESSONS, lessons.join('\n'))
    await send('spam', 900)
    await send('ham', 900)
    assert.deepEqual(await messageIds('INBOX'), ['<ham-900@ham.example>'])
    assert.ok((await messageIds('Junk')).includes('<spam-900@spam.example>'))
    assert.deepEqual(errors, [])
  } finally {
    await imap.logout().catch(() => undefined)
    smtp.close()
    await teacher.close()
    await server.close()
    await state.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
