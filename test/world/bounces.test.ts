import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Middleware } from 'mailwright/contracts'
import { bounceAddresses, memorySuppressions, notifier, senderRewriting } from 'mailwright/outbound'
import { memoryDirectory } from 'mailwright/directories/memory'
import { world } from './world.ts'

/** Says what a filter would find out: that the envelope sender is real. */
function vouching(domain: string): Middleware {
  return {
    name: 'vouching',
    message: async (context, next) => {
      context.edits.add('Authentication-Results', `mx.${domain}; spf=pass smtp.mailfrom=${context.envelope?.sender?.domain ?? ''}`)
      return next()
    },
  }
}

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
    directory,
    outbound: { returns: { rewriting } },
    middleware: [vouching('middle.example')],
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

test('a bounce that comes days later is proved, matched to what was sent, and ends mail to that address (RFC 3464; RFC 5321 §4.5.5)', async () => {
  await using earth = world()
  const bounces = bounceAddresses({ domain: 'near.example', secret: 'a secret of sixteen octets or more' })
  const suppressions = memorySuppressions()
  const near = await earth.citizen('near.example', { outbound: { returns: { bounces, bouncesTo: 'ann@near.example' }, suppressions } })
  // A next hop that takes everything and finds out later.
  const far = await earth.citizen('far.example', { accounts: ['gone'] })
  const returned: string[] = []
  near.server.on(
    'returned',
    ({ recipient, kind, reason, suppressed }) => void returned.push(`${kind} ${recipient} ${reason} ${suppressed}`),
  )
  const sent = await near.server.send({ from: 'News <news@near.example>', to: 'gone@far.example', subject: 'Issue 7', text: 'Hello' })
  await sent.outcome()
  const [message = ''] = await far.inbox('gone', 1)
  const [, path = ''] = /^Return-Path: <(.*)>$/m.exec(message) ?? []
  assert.match(path, /^bounce\+[a-z2-7]{2}-[a-z2-7]{8}-[0-9a-f]{20}@near\.example$/)
  assert.match(message, /^From: News <news@near\.example>$/m)

  const tell = notifier({
    hostname: 'mx.far.example',
    clock: { now: () => Date.now() },
    random: { bytes: length => new Uint8Array(length) },
  })
  const octets = new TextEncoder().encode(message.replaceAll('\n', '\r\n'))
  const subject = {
    envelope: { from: path, origin: 'submission' as const, queuedAt: Date.now() },
    content: { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) },
  }
  const status = { at: Date.now(), reply: 550, code: '5.1.1', text: 'no such user', remote: 'mx.far.example' } as const
  const report = async (to: string, about: string): Promise<void> => {
    const [bounce] = await tell(subject, [{ recipient: { address: about }, action: 'failed', status }])
    assert.ok(bounce !== undefined)
    const handed = await far.server.send({ raw: bounce.content, envelope: { from: '', to }, origin: 'notification' })
    await handed.outcome()
  }
  await report(path.replace(/-[a-z2-7]{8}-/, '-aaaaaaaa-'), 'gone@far.example')
  await report(path, 'somebody@else.example')
  assert.deepEqual(returned, [], 'a forged address and a recipient of whom nothing was sent change nothing')
  await report(path, 'gone@far.example')
  assert.deepEqual(returned, ['bounce gone@far.example unknown-user true'])
  await assert.rejects(near.server.send({ from: 'news@near.example', to: 'gone@far.example', text: 'again' }), /suppressed/)
  assert.deepEqual(near.errors, [])
})

test('a complaint about mail of ours ends mail to who complained, and is still read by people (RFC 5965 §2, §3.2)', async () => {
  await using earth = world()
  const bounces = bounceAddresses({ domain: 'near.example', secret: 'a secret of sixteen octets or more' })
  const suppressions = memorySuppressions()
  const near = await earth.citizen('near.example', { accounts: ['abuse'], outbound: { returns: { bounces }, suppressions } })
  const far = await earth.citizen('far.example', { accounts: ['zoe', 'yan'] })
  const returned: string[] = []
  near.server.on(
    'returned',
    ({ recipient, kind, reason, suppressed }) => void returned.push(`${kind} ${recipient} ${reason} ${suppressed}`),
  )
  const news = { from: 'News <news@near.example>', subject: 'Issue 7', text: 'Hello' }
  const paths: string[] = []
  for (const reader of ['zoe', 'yan']) {
    const sent = await near.server.send({ ...news, to: `${reader}@far.example` })
    await sent.outcome()
    const [message = ''] = await far.inbox(reader, 1)
    paths.push(/^Return-Path: <(.*)>$/m.exec(message)?.[1] ?? '')
  }
  const [path = '', other = ''] = paths
  const complain = async (type: string, sender: string, reader: string): Promise<void> => {
    const lines = [
      'From: <feedback@far.example>',
      'To: <abuse@near.example>',
      `Subject: ${type}`,
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=feedback-report; boundary=b',
      '',
      '--b',
      '',
      'Somebody did not want this.',
      '--b',
      'Content-Type: message/feedback-report',
      '',
      `Feedback-Type: ${type}`,
      'User-Agent: Far/1',
      'Version: 1',
      `Original-Mail-From: <${sender}>`,
      `Original-Rcpt-To: <${reader}@far.example>`,
      '',
      '--b',
      'Content-Type: text/rfc822-headers',
      '',
      'From: News <news@near.example>',
      '',
      '--b--',
      '',
    ]
    const envelope = { from: 'feedback@far.example', to: 'abuse@near.example' }
    const handed = await far.server.send({ raw: lines.join('\r\n'), envelope })
    await handed.outcome()
  }
  await complain('abuse', path.replace(/-[a-z2-7]{8}-/, '-aaaaaaaa-'), 'zoe')
  await complain('abuse', other, 'zoe')
  assert.deepEqual(returned, [], 'a forged sender, and one under which somebody else was written to, change nothing')
  await complain('not-spam', path, 'zoe')
  await complain('abuse', path, 'zoe')
  assert.deepEqual(returned, ['complaint zoe@far.example not-spam false', 'complaint zoe@far.example abuse true'])
  assert.equal((await near.inbox('abuse', 4)).length, 4)
  await assert.rejects(near.server.send({ ...news, to: 'zoe@far.example' }), /suppressed/)
  const again = await near.server.send({ ...news, to: 'yan@far.example' })
  assert.deepEqual(
    (await again.outcome()).map(({ state }) => state),
    ['delivered'],
  )
  assert.deepEqual(near.errors, [])
})
