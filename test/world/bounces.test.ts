import assert from 'node:assert/strict'
import { test } from 'node:test'
import { returnAddresses, senderRewriting } from 'mailwright/outbound'
import { memoryDirectory } from 'mailwright/directories/memory'
import { world } from './world.ts'

test('a recipient who is not there becomes a notification in the sender’s own inbox (RFC 3464 §2)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  await earth.citizen('far.example', { accounts: ['zoe'] })
  const sent = await near.server.send({
    from: 'ann@near.example',
    to: ['nobody@far.example', 'zoe@far.example'],
    subject: 'Hello',
    text: 'Hello',
  })
  const outcome = await sent.outcome()
  assert.deepEqual(
    outcome.map(({ address, state, status }) => [address, state, status?.code]),
    [
      ['nobody@far.example', 'failed', '5.1.1'],
      ['zoe@far.example', 'delivered', '2.6.0'],
    ],
  )
  const [bounce = ''] = await near.inbox('ann', 1)
  assert.match(bounce, /^Return-Path: <>\n/)
  assert.match(bounce, /\nAuto-Submitted: auto-replied\n/)
  assert.match(bounce, /\nContent-Type: multipart\/report; report-type=delivery-status;/)
  assert.match(
    bounce,
    /\nFinal-Recipient: rfc822; ?nobody@far\.example\nAction: failed\nStatus: 5\.1\.1\nRemote-MTA: dns; ?mx\.far\.example\nDiagnostic-Code: smtp; ?550 /,
  )
  assert.match(bounce, /\nSubject: Hello\n/)
  assert.equal(bounce.match(/^Final-Recipient:/gm)?.length, 1)
  assert.deepEqual(near.errors, [])
})

test('what an alias sends on leaves under a sender of ours, and its bounce finds the way back (RFC 7208 §10.3)', async () => {
  await using earth = world()
  const origin = await earth.citizen('origin.example')
  await earth.citizen('far.example', { accounts: [] })
  const directory = memoryDirectory({ accounts: { 'ann@middle.example': 'correct horse' }, hashCost: { memory: 256, passes: 1 } })
  await directory.setAlias('list@middle.example', ['gone@far.example'])
  const rewriting = senderRewriting({ domain: 'middle.example', secret: 'a secret of sixteen octets or more' })
  const middle = await earth.citizen('middle.example', {
    directory: returnAddresses(directory, { rewriting }),
    outbound: { forwardedSender: sender => rewriting.forward(sender) },
  })
  const seen: string[] = []
  middle.server.on('queued', ({ from }) => void seen.push(from))
  await origin.server.send({ from: 'ann@origin.example', to: 'list@middle.example', subject: 'Forwarded', text: 'Hello' })
  const [bounce = ''] = await origin.inbox('ann', 1)
  assert.match(seen[0] ?? '', /^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=origin\.example=ann@middle\.example$/)
  assert.match(bounce, /\nFinal-Recipient: rfc822; ?gone@far\.example\nAction: failed/)
  assert.equal(
    await directory.resolve({ local: 'SRS0=aaaaaaaa=aa=origin.example=ann', domain: 'middle.example' }).then(({ kind }) => kind),
    'unknown',
  )
  assert.deepEqual([...origin.errors, ...middle.errors], [])
})
