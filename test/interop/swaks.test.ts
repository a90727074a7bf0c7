import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireProgram } from '../support/programs.ts'
import { doorFor, password, run, started, user } from './started.ts'
import { Deeds, TRANSPORTS } from './table.ts'

const TLS = { plain: [], starttls: ['--tls'], implicit: ['--tls-on-connect'] } as const

test('swaks submits over every transport (RFC 6409; RFC 8314 §3.3)', { skip: requireProgram('swaks'), timeout: 60_000 }, async () => {
  await using server = await started()
  const deeds = new Deeds('swaks')
  for (const transport of TRANSPORTS) {
    const port = server.port(doorFor('smtp', transport))
    const login = ['--auth', transport === 'plain' ? 'LOGIN' : 'PLAIN', '--auth-user', user, '--auth-password', password]
    const what = ['--from', user, '--to', user, '--header', `Subject: over ${transport}`, '--body', '.one dot\n..two\n']
    await run('swaks', ['--server', `127.0.0.1:${port}`, ...TLS[transport], ...login, ...what])
    const text = (await server.mail()).at(-1) ?? ''
    assert.match(text, new RegExp(`^Subject: over ${transport}\\r$`, 'm'))
    assert.match(text, /\r\n\.one dot\r\n\.\.two\r\n/)
    assert.match(text, transport === 'plain' ? /with ESMTPA id/ : /with ESMTPSA id/)
    deeds.did(transport, 'send')
  }
  deeds.complete()
})
