import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { postfix } from '../../bench/lib/postfix.ts'
import { requireProgram } from '../support/programs.ts'
import { world } from './world.ts'

const skip = requireProgram('postfix') || (process.getuid?.() === 0 ? false : 'Postfix is started by root only')

test(
  'Postfix and we carry mail both ways, and each hears of what the other refuses (RFC 5321 §2.1, §6.1)',
  { skip, timeout: 60_000 },
  async context => {
    await using earth = world()
    const near = await earth.citizen('near.example', { accounts: ['ann'], smtp: { maxSize: 100_000 } })
    const peer = await postfix({ 'near.example': near.server.ports.smtp ?? 0 })
    context.after(() => peer.stop())
    earth.resolver.set('bench.example', { mx: ['mx.bench.example'] })
    earth.resolver.set('mx.bench.example', { a: ['5.9.1.1'] })
    earth.place('5.9.1.1', peer.smtpPort ?? 0)

    const sent = await near.server.send({ from: 'ann@near.example', to: 'box@bench.example', subject: 'To Postfix', text: 'Hello\n.\n' })
    assert.deepEqual(
      (await sent.outcome()).map(({ state }) => state),
      ['delivered'],
    )

    const client = createTransport({ host: '127.0.0.1', port: peer.smtpPort ?? 0, ignoreTLS: true })
    await client.sendMail({ from: 'box@bench.example', to: 'ann@near.example', subject: 'From Postfix', text: 'Hello\n.\n' })
    await client.sendMail({ from: 'box@bench.example', to: 'nobody@near.example', subject: 'In vain', text: 'Hello' })
    client.close()
    const [text = ''] = await near.inbox('ann', 1)
    assert.match(text, /^Return-Path: <box@bench\.example>\n/)
    assert.match(text, /\nReceived: from mx\.bench\.example [^]*with ESMTPS/)
    assert.match(text, /\n\nHello\n\.\n/)
    // Postfix has what we sent, and its own notification about the recipient that we refused.
    const until = performance.now() + 60_000
    while ((await peer.delivered()) < 2 && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(await peer.delivered(), 2)
    assert.deepEqual(near.errors, [])
  },
)
