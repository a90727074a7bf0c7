import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireProgram } from '../support/programs.ts'
import { doorFor, password, run, started, user } from './started.ts'
import type { Started } from './started.ts'
import { Deeds, TRANSPORTS } from './table.ts'
import type { Transport } from './table.ts'

const skip = requireProgram('curl')
const TLS = { plain: [], starttls: ['--ssl-reqd', '-k'], implicit: ['-k'] } as const
const SCHEME = {
  smtp: { plain: 'smtp', implicit: 'smtps' },
  imap: { plain: 'imap', implicit: 'imaps' },
  pop3: { plain: 'pop3', implicit: 'pop3s' },
}

function curl(
  server: Started,
  protocol: 'smtp' | 'imap' | 'pop3',
  transport: Transport,
  path: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const scheme = SCHEME[protocol][transport === 'implicit' ? 'implicit' : 'plain']
  const url = `${scheme}://127.0.0.1:${server.port(doorFor(protocol, transport))}/${path}`
  return run('curl', ['-sS', '-m', '20', ...TLS[transport], '--user', `${user}:${password}`, ...args, url], input)
}

function send(server: Started, transport: Transport, subject: string): Promise<string> {
  const message = `From: ${user}\r\nTo: ${user}\r\nSubject: ${subject}\r\n\r\n.a dot\r\n`
  return curl(server, 'smtp', transport, 'client.example', ['--mail-from', user, '--mail-rcpt', user, '-T', '-'], message)
}

test('curl submits over every transport (RFC 6409)', { skip, timeout: 60_000 }, async () => {
  await using server = await started()
  const deeds = new Deeds('curl smtp')
  for (const transport of TRANSPORTS) {
    await send(server, transport, `over ${transport}`)
    const text = (await server.mail()).at(-1) ?? ''
    assert.match(text, new RegExp(`^Subject: over ${transport}\\r\\n\\r\\n\\.a dot\\r\\n$`, 'm'))
    deeds.did(transport, 'send')
  }
  deeds.complete()
})

test(
  'curl lists, reads, flags, moves and deletes over IMAP and every transport (RFC 9051 §6.3, §6.4)',
  { skip, timeout: 60_000 },
  async () => {
    await using server = await started()
    const deeds = new Deeds('curl imap')
    for (const transport of TRANSPORTS) {
      await send(server, transport, `stays ${transport}`)
      await send(server, transport, `moves ${transport}`)
      const imap = (path: string, ...args: readonly string[]): Promise<string> => curl(server, 'imap', transport, path, args)
      const mailboxes = await imap('')
      for (const name of ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'])
        assert.match(mailboxes, new RegExp(`^\\* LIST .* ${name}\\r$`, 'm'))
      const numbers = (await imap('INBOX?ALL')).trim().split(' ').slice(2)
      assert.deepEqual(numbers, ['1', '2'])
      assert.match(await imap('INBOX;MAILINDEX=2'), new RegExp(`^Subject: moves ${transport}\\r\\n\\r\\n\\.a dot\\r\\n$`, 'm'))
      assert.match(await imap('INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)'), /^Subject: stays \w+\r\n\r\n$/)
      deeds.did(transport, 'list', 'read')
      assert.match(await imap('INBOX', '-X', String.raw`STORE 1 +FLAGS (\Flagged)`), /^\* 1 FETCH \(.*\\Flagged/m)
      assert.match(await imap('INBOX', '-X', 'FETCH 1 (FLAGS)'), /\\Flagged/)
      deeds.did(transport, 'flag')
      await imap('INBOX', '-X', 'MOVE 2 Archive')
      assert.match((await server.mail('Archive')).at(-1) ?? '', new RegExp(`^Subject: moves ${transport}\\r$`, 'm'))
      deeds.did(transport, 'move')
      await imap('INBOX', '-X', String.raw`STORE 1 +FLAGS (\Deleted)`)
      await imap('INBOX', '-X', 'EXPUNGE')
      assert.deepEqual(await server.mail(), [])
      deeds.did(transport, 'delete')
    }
    deeds.complete()
  },
)

test('curl lists, reads and deletes over POP3 and every transport (RFC 1939 §5)', { skip, timeout: 60_000 }, async () => {
  await using server = await started()
  const deeds = new Deeds('curl pop3')
  for (const transport of TRANSPORTS) {
    await send(server, transport, `first ${transport}`)
    await send(server, transport, `second ${transport}`)
    const pop3 = (path: string, ...args: readonly string[]): Promise<string> => curl(server, 'pop3', transport, path, args)
    assert.deepEqual(
      [...(await pop3('')).matchAll(/^(\d+) \d+\r$/gm)].map(([, number]) => number),
      ['1', '2'],
    )
    assert.equal(new Set((await pop3('', '-X', 'UIDL')).trim().split('\r\n')).size, 2)
    assert.match(await pop3('2'), new RegExp(`^Subject: second ${transport}\\r\\n\\r\\n\\.a dot\\r\\n$`, 'm'))
    deeds.did(transport, 'list', 'read')
    // -I: nothing comes behind the answer.
    await pop3('', '-X', 'DELE 1', '-I')
    assert.match((await server.mail()).join(''), /Subject: second/)
    assert.equal((await server.mail()).length, 1)
    await pop3('', '-X', 'DELE 1', '-I')
    assert.deepEqual(await server.mail(), [])
    deeds.did(transport, 'delete')
  }
  deeds.complete()
})
