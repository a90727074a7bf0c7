/** Mail that was put aside is looked at and let out from the command line. RFC 5321 §4.4; RFC 6154 §2. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { quarantine } from 'mailwright'
import { quarantineMailbox } from 'mailwright/filters/quarantine'
import { addMailAccount, personalServer } from 'mailwright/server'
import { createTransport } from 'nodemailer'

const data = mkdtempSync(join(tmpdir(), 'mailwright-cli-quarantine-'))
after(() => rmSync(data, { recursive: true, force: true }))

function mailwright(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  return spawnSync(process.execPath, ['--conditions=mailwright-source', main, 'quarantine', ...words, '--data', data], {
    encoding: 'utf8',
    timeout: 30_000,
  })
}

/** Each message at a server that puts everything aside; answers their ids. */
async function putAside(where: 'Junk' | 'Quarantine', to: readonly string[], ...subjects: readonly string[]): Promise<readonly string[]> {
  const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
  const odd = { name: 'odd', message: async () => quarantine('looks odd') }
  const middleware = where === 'Junk' ? [odd] : [quarantineMailbox(), odd]
  await using personal = await personalServer({ data, user: 'ann@home.test', ports, outbound: false, filters: false, middleware })
  for (const address of to)
    if ((await personal.directory.account(address)) === undefined) await addMailAccount(personal.directory, personal.store, { address })
  const client = createTransport({ host: '127.0.0.1', port: personal.server.ports.smtp ?? 0, ignoreTLS: true })
  const ids: string[] = []
  for (const subject of subjects) {
    const { response } = await client.sendMail({ from: 'Zoë <zoe@far.example>', to: [...to], subject, text: 'Hello' })
    ids.push(/id (\w+)/.exec(response)?.[1] ?? '')
  }
  client.close()
  return ids
}

test('what was put aside is listed, in Junk and in a quarantine, and let out by its id', { timeout: 120_000 }, async () => {
  // All within one second, which is what a store keeps: a thirtieth of the speed.
  const [thatSecond, began] = [Math.floor(Date.now() / 1000) * 1000, performance.now()]
  mock.method(Date, 'now', () => thatSecond + Math.min(999, Math.floor((performance.now() - began) / 30)))
  const both = ['ann@home.test', 'ben@home.test']
  const [first = '', second = ''] = await putAside('Junk', both, 'You won\u001b[31m', 'Ärger')
  const [third = ''] = await putAside('Quarantine', ['ann@home.test'], 'Hello')
  mock.restoreAll()
  assert.equal(new Set([first, second, third]).size, 3)

  const listed = mailwright('list', '--user', 'ann@home.test')
  const line = (id: string, mailbox: string): string =>
    `\\S+Z {2}${id} {2}ann@home\\.test {2}${mailbox} {2}\\d+ octets\\n {4}from Zoë <zoe@far\\.example>\\n`
  assert.match(
    listed.stdout,
    new RegExp(
      `^${line(first, 'Junk')} {4}about You won.*\\n${line(second, 'Junk')} {4}about Ärger\\n${line(third, 'Quarantine')} {4}about Hello\\n$`,
    ),
  )
  assert.ok(!listed.stdout.includes('\u001b'), 'its words cannot speak to the terminal (S14)')
  const shown = mailwright('list', '--last', '2', '--json')
  const { account, id, subject } = JSON.parse(shown.stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  assert.deepEqual([account, id, subject], ['ann@home.test', third, 'Hello'])
  assert.match(shown.stderr, /there is more: --last 20 shows more of it/)
  assert.equal(mailwright('list', '--mailbox', 'Quarantine', '--json').stdout.trim().split('\n').length, 1)

  // Of the one, then of all others who have it; never twice.
  assert.equal(mailwright('release', first, '--user', 'ben@home.test').stdout, `${first} is in INBOX of ben@home.test\n`)
  assert.equal(mailwright('release', first).stdout, `${first} is in INBOX of ann@home.test\n`)
  const again = mailwright('release', first)
  assert.deepEqual(
    [again.status, again.stderr],
    [1, `mailwright: no message ${first} is put aside: "mailwright quarantine list" shows those there are\n`],
  )
  assert.equal(mailwright('release', second).stdout, both.map(address => `${second} is in INBOX of ${address}\n`).join(''))
  const nowhere = mailwright('release', third, '--to', 'Nowhere')
  assert.deepEqual(
    [nowhere.status, nowhere.stderr],
    [1, 'mailwright: ann@home.test has no mailbox Nowhere: --to takes one that is there\n'],
  )
  assert.equal(mailwright('release', third, '--to', 'Archive').stdout, `${third} is in Archive of ann@home.test\n`)
  assert.match(mailwright('list').stderr, /nothing is put aside/)
})

test('what is not understood is told with the way out', () => {
  assert.match(mailwright('list', '--user', 'bob@home.test').stderr, /there is no account bob@home\.test: "mailwright user list" shows/)
  assert.equal(mailwright('list', '--last', 'x').status, 2)
  assert.equal(mailwright('release').status, 2)
})
