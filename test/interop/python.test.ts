import { join } from 'node:path'
import { test } from 'node:test'
import { requireProgram } from '../support/programs.ts'
import { password, run, started, user } from './started.ts'
import { Deeds, TRANSPORTS } from './table.ts'
import type { Action } from './table.ts'

const SCRIPT = join(import.meta.dirname, 'session.py')

test(
  'imaplib, poplib and smtplib work over every transport (RFC 9051; RFC 1939; RFC 6409)',
  { skip: requireProgram('python3'), timeout: 90_000 },
  async () => {
    await using server = await started()
    const libraries = { imaplib: new Deeds('imaplib'), poplib: new Deeds('poplib'), smtplib: new Deeds('smtplib') }
    for (const transport of TRANSPORTS) {
      const ports = JSON.stringify(server.personal.server.ports)
      const done = JSON.parse(await run('python3', [SCRIPT, ports, transport, user, password])) as Record<
        keyof typeof libraries,
        readonly Action[]
      >
      for (const [name, actions] of Object.entries(done)) libraries[name as keyof typeof libraries].did(transport, ...actions)
    }
    await server.nothingArrives()
    for (const deeds of Object.values(libraries)) deeds.complete()
  },
)

test('smtplib delivers over LMTP (RFC 2033)', { skip: requireProgram('python3'), timeout: 60_000 }, async () => {
  await using server = await started()
  const script = `
import smtplib, sys
with smtplib.LMTP('127.0.0.1', int(sys.argv[1])) as s:
    assert s.sendmail('zoe@far.example', [sys.argv[2]], 'Subject: one\\r\\n\\r\\nbody\\r\\n') == {}
`
  await run('python3', ['-c', script, String(server.port('lmtp')), user])
})
