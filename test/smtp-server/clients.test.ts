import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { listen } from 'mailwright/net'
import type { Listener } from 'mailwright/net'
import { smtpEngine } from 'mailwright/smtp-server'
import type { SmtpOptions } from 'mailwright/smtp-server'
import type { LiveConnection } from 'mailwright/contracts'
import { tlsFacts } from '../../src/engine/tls-facts.ts'
import { upgradeToTls } from '../../src/net/tls-upgrade.ts'
import { TLSSocket } from 'node:tls'
import { houseOf, mailOf } from '../pipeline/house.ts'
import { testCertificates } from '../security/smtp-certificate.ts'
import { requireProgram } from '../support/programs.ts'

interface Doors extends AsyncDisposable {
  readonly house: ReturnType<typeof houseOf>
  readonly port: number
}

/** An engine behind a listener of ours, with STARTTLS or with TLS at once. */
async function doors(options: SmtpOptions, tls: 'starttls' | 'implicit'): Promise<Doors> {
  const certificates = testCertificates()
  const house = houseOf()
  const engine = smtpEngine(house.host, options)
  const runs: Promise<void>[] = []
  const listener: Listener = await listen({
    ...(tls === 'implicit' ? { implicitTls: { certificates } } : {}),
    onConnection({ socket, remote, local }) {
      const gone = new AbortController()
      socket.on('close', () => gone.abort())
      const live: LiveConnection = {
        id: `c${runs.length}`,
        protocol: options.flavour,
        remote,
        local,
        tls: socket instanceof TLSSocket ? tlsFacts(socket) : undefined,
        clientName: undefined,
        principal: undefined,
        signal: gone.signal,
      }
      runs.push(engine.connect(socket, live, plain => upgradeToTls(plain, { certificates })))
    },
  })
  return {
    house,
    port: listener.port,
    async [Symbol.asyncDispose]() {
      listener.close()
      engine.shutdown()
      listener.destroy()
      await listener.done
      await Promise.all(runs)
    },
  }
}

test('nodemailer submits five megabytes over STARTTLS and over TLS at once (RFC 6409; RFC 8314 §3.3)', async () => {
  for (const tls of ['starttls', 'implicit'] as const) {
    await using server = await doors({ flavour: 'submission' }, tls)
    const client = createTransport({
      host: '127.0.0.1',
      port: server.port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      tls: { rejectUnauthorized: false },
      auth: { user: 'ann@example.org', pass: 'correct horse' },
    })
    const content = Buffer.alloc(5 * 1024 * 1024, '.\r\n..\r\n', 'latin1')
    await client.sendMail({ from: 'ann@example.org', to: 'ben@example.org', subject: 'Large', text: 'Hi', attachments: [{ content }] })
    client.close()
    const [mail = ''] = await mailOf(server.house.store, 'ben')
    assert.match(mail, /with ESMTPSA id/)
    assert.ok(mail.length > 6_990_000)
    assert.equal(server.house.spool.held, 0)
  }
})

test('swaks delivers over STARTTLS and is told of what is refused', { skip: requireProgram('swaks') }, async () => {
  await using server = await doors({ flavour: 'smtp' }, 'starttls')
  const swaks = (to: string): Promise<readonly [number | null, string]> =>
    new Promise(resolve => {
      const child = spawn('swaks', ['--server', `127.0.0.1:${server.port}`, '--from', 'a@b.example', '--to', to, '-tls', '--pipeline'])
      let output = ''
      child.stdout.on('data', (octets: Buffer) => (output += octets.toString()))
      child.on('close', code => resolve([code, output]))
    })
  const [code, output] = await swaks('ann@example.org')
  assert.equal(code, 0, output)
  assert.match((await mailOf(server.house.store, 'ann'))[0] ?? '', /with ESMTPS id/)
  const [refused, why] = await swaks('nobody@example.org')
  assert.notEqual(refused, 0)
  assert.match(why, /550 5\.1\.1 No such user here/)
})
