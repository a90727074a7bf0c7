import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Middleware, OutboundEvent } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { world } from '../world/world.ts'

/** What comes of a message by a forged sender to an alias whose target is dead: who gets a notification. */
async function notified(results: string | undefined, tellStrangers?: boolean): Promise<readonly string[]> {
  await using earth = world()
  await earth.citizen('victim.example')
  const spammer = await earth.citizen('spam.example')
  await earth.citizen('far.example', { accounts: [] })
  const directory = memoryDirectory({ accounts: { 'ann@middle.example': 'correct horse' }, hashCost: { memory: 256, passes: 1 } })
  await directory.setAlias('list@middle.example', ['gone@far.example'])
  const judge: Middleware = {
    name: 'judge',
    message: async (context, next) => {
      if (results !== undefined) context.edits.add('Authentication-Results', results)
      return next()
    },
  }
  const middle = await earth.citizen('middle.example', {
    directory,
    outbound: tellStrangers === undefined ? {} : { tellStrangers },
    middleware: [judge],
  })
  const bounced = new Promise<OutboundEvent>(resolve => void middle.server.on('bounced', resolve))
  const raw =
    'From: ann@victim.example\r\nSubject: Spam\r\nAuthentication-Results: mx.middle.example; spf=pass smtp.mailfrom=victim.example\r\n\r\nSpam\r\n'
  const sent = await spammer.server.send({ raw, envelope: { from: 'ann@victim.example', to: 'list@middle.example' } })
  await sent.outcome()
  assert.equal((await bounced).status.code, '5.1.1', 'the operator hears of it')
  // Notifications are queued in the step that settles, before anybody hears of it.
  const told: string[] = []
  assert.ok(middle.server.queue !== undefined)
  for await (const { origin, recipients } of middle.server.queue.list({ from: '' }))
    if (origin === 'notification') told.push(...recipients.map(({ address }) => address))
  return told
}

test('a forged sender whose message an alias sends on to nobody is not told (RFC 5321 §6.2; S21)', async () => {
  for (const results of [
    undefined,
    'mx.middle.example; spf=fail smtp.mailfrom=victim.example',
    'mx.middle.example; spf=pass smtp.helo=mx.spam.example',
    'mx.middle.example; spf=none (spf=pass smtp.mailfrom=victim.example) smtp.mailfrom=victim.example',
    'mx.middle.example; dkim=pass header.d=spam.example',
    'mx.middle.example; dkim=pass header.d=example',
    'mx.middle.example; dkim=pass header.d=m.example',
    'mx.spam.example; spf=pass smtp.mailfrom=victim.example',
  ])
    assert.deepEqual(await notified(results), [], results ?? 'no results')
})

test('a sender for whom SPF or a signature of its domain speaks is told, and every sender where the host says so (RFC 5321 §6.1)', async () => {
  for (const results of [
    'mx.middle.example; spf=pass (a comment) smtp.mailfrom=victim.example',
    'mx.middle.example; spf=softfail smtp.mailfrom=victim.example; dkim=pass (2048-bit) header.d=victim.example header.s=k',
  ])
    assert.deepEqual(await notified(results), ['ann@victim.example'], results)
  assert.deepEqual(await notified(undefined, true), ['ann@victim.example'])
})
