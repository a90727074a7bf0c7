import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { world } from './world.ts'

test('a submitted message crosses to another server and is answered (RFC 5321 §2.1)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  const far = await earth.citizen('far.example', { accounts: ['zoe'] })
  const client = createTransport({
    host: '127.0.0.1',
    port: near.server.ports.submission ?? 0,
    auth: { user: 'ann@near.example', pass: 'correct horse' },
    tls: { rejectUnauthorized: false },
  })
  await client.sendMail({
    from: 'ann@near.example',
    to: ['zoe@far.example', 'ann@near.example'],
    subject: 'Across',
    text: 'Hello\n.\n..dots\n',
  })
  client.close()
  const [there = ''] = await far.inbox('zoe', 1)
  const [here = ''] = await near.inbox('ann', 1)
  assert.match(
    there,
    /^Return-Path: <ann@near\.example>\nDelivered-To: zoe@far\.example\nReceived: from mx\.near\.example [^]*with ESMTPS[^]*Received: from [^]*with ESMTPSA/,
  )
  assert.match(there, /\n\nHello\n\.\n\.\.dots\n$/)
  assert.match(here, /Subject: Across/)
  const sent = await far.server.send({ from: 'zoe@far.example', to: 'ann@near.example', subject: 'Back', text: 'Yes' })
  assert.deepEqual(
    (await sent.outcome()).map(({ address, state }) => [address, state]),
    [['ann@near.example', 'delivered']],
  )
  assert.equal((await near.inbox('ann', 2)).length, 2)
  assert.deepEqual([...near.errors, ...far.errors], [])
})
