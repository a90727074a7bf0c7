import assert from 'node:assert/strict'
import { test } from 'node:test'
import { socketDialer } from 'mailwright/net'
import { world } from './world.ts'
import type { Citizen } from './world.ts'

async function outcomeOf(near: Citizen, to: string, more: { readonly raw?: string; readonly text?: string } = {}): Promise<string> {
  const message =
    more.raw === undefined
      ? { from: `ann@${near.domain}`, to, subject: 'Hello', text: more.text ?? 'Hello' }
      : { raw: more.raw, envelope: { from: `ann@${near.domain}`, to } }
  const sent = await near.server.send({ ...message, notify: ['NEVER'] })
  const [recipient] = await sent.outcome()
  return `${recipient?.state} ${recipient?.status?.code}`
}

test('the first server that answers takes the mail, in order of preference (RFC 5321 §5.1)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  const far = await earth.citizen('far.example', { accounts: ['zoe'] })
  earth.resolver.set('far.example', {
    mx: [
      { preference: 5, exchange: 'dead.far.example' },
      { preference: 10, exchange: 'mx.far.example' },
    ],
  })
  earth.resolver.set('dead.far.example', { a: ['5.9.9.9'], aaaa: ['2a00::9'] })
  assert.equal(await outcomeOf(near, 'zoe@far.example'), 'delivered 2.6.0')
  assert.equal((await far.inbox('zoe', 1)).length, 1)
})

test('a domain without MX is its own server; one with a null MX takes nothing; one that is not there is not there (RFC 5321 §5.1; RFC 7505 §4)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  const far = await earth.citizen('far.example', { accounts: ['zoe'], address: '5.9.0.77' })
  earth.resolver.set('far.example', { a: ['5.9.0.77'] })
  assert.equal(await outcomeOf(near, 'zoe@far.example'), 'delivered 2.6.0')
  assert.equal((await far.inbox('zoe', 1)).length, 1)
  earth.resolver.set('null.example', { mx: [{ preference: 0, exchange: '' }] })
  assert.equal(await outcomeOf(near, 'zoe@null.example'), 'failed 5.1.10')
  assert.equal(await outcomeOf(near, 'zoe@nowhere.example'), 'failed 5.1.2')
})

test('mail is not carried into private networks because a stranger’s DNS says so (S29), unless the host allows it', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  const open = await earth.citizen('open.example', { outbound: { allowPrivateNetworks: true } })
  const far = await earth.citizen('far.example', { accounts: ['zoe'], address: '10.0.0.7' })
  assert.equal(await outcomeOf(near, 'zoe@far.example'), 'failed 5.4.4')
  assert.equal(await outcomeOf(open, 'zoe@far.example'), 'delivered 2.6.0')
  assert.equal((await far.inbox('zoe', 1)).length, 1)
})

test('two servers that send on to one another stop, and one notification is written at most (RFC 5321 §6.3; S22)', async () => {
  await using earth = world()
  const one = await earth.citizen('one.example', { aliases: { list: ['list@two.example'] }, outbound: { tellStrangers: true } })
  const two = await earth.citizen('two.example', { aliases: { list: ['list@one.example'] }, outbound: { tellStrangers: true } })
  const origin = await earth.citizen('origin.example')
  let rounds = 0
  for (const { server } of [one, two]) server.on('message', () => void rounds++)
  await origin.server.send({ from: 'ann@origin.example', to: 'list@one.example', subject: 'Round and round', text: 'Hello' })
  const inbox = await origin.inbox('ann', 1)
  // What one server hands over is in the queue of the other before its own says that it is gone: three empty ones, and nothing moves.
  const waits = async (): Promise<boolean> => {
    const counts = await Promise.all([one, two, origin].map(async ({ server }) => server.queue?.counts()))
    return counts.some(count => count?.messages !== 0)
  }
  // Servers of their own, which tell no other that they are done; the test's own limit ends it.
  while (await waits()) await new Promise(resolve => setTimeout(resolve, 20))
  assert.ok(rounds <= 4, `${rounds} rounds`)
  assert.equal((await origin.inbox('ann', 1)).length, 1)
  assert.match(inbox[0] ?? '', /^Status: 5\.4\.6$/m)
})

test('addresses beyond ASCII cross where both ends know them (RFC 6531 §3.2)', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example', { accounts: ['ann', 'jürgen'] })
  const far = await earth.citizen('far.example', { accounts: ['žofie'] })
  assert.equal(await outcomeOf(near, 'žofie@far.example'), 'delivered 2.6.0')
  assert.match((await far.inbox('žofie', 1))[0] ?? '', /with UTF8SMTPS/)
  assert.equal(
    await outcomeOf(far.server === near.server ? near : { ...far, domain: 'near.example' }, 'jürgen@near.example'),
    'delivered 2.6.0',
  )
})

test('twenty megabytes cross whole, dots, long lines and all', async () => {
  await using earth = world()
  const near = await earth.citizen('near.example')
  const far = await earth.citizen('far.example', { accounts: ['zoe'] })
  const line = `${'x'.repeat(900)}\r\n.\r\n..\r\n.y\r\n`
  const raw = `From: ann@near.example\r\nSubject: Big\r\n\r\n${line.repeat(22_000)}`
  assert.equal(await outcomeOf(near, 'zoe@far.example', { raw }), 'delivered 2.6.0')
  const [text = ''] = await far.inbox('zoe', 1)
  assert.ok(text.endsWith(raw.slice(raw.indexOf('Subject: Big')).replaceAll('\r\n', '\n')))
})

test('a neighbour by LMTP, a route for all below a domain, and the face of each sender (RFC 2033 §4.2; RFC 5321 §4.4)', async () => {
  await using earth = world()
  const lists = await earth.citizen('lists.example', { accounts: ['team'], listeners: { smtp: 0, lmtp: 0 } })
  const partner = await earth.citizen('eu.partner.example', { accounts: ['zoe'] })
  const near = await earth.citizen('near.example', {
    outbound: {
      // By its address in DNS nobody is reached here: only routes lead anywhere.
      dialer: socketDialer(),
      routes: [
        { domain: 'lists.example', to: { host: '127.0.0.1', port: lists.server.ports.lmtp ?? 0, flavour: 'lmtp' } },
        { domain: '.partner.example', to: { host: '127.0.0.1', port: partner.server.ports.smtp ?? 0 } },
      ],
      sources: [
        { senderDomain: 'news.near.example', identities: [{ address: '127.0.0.7', ehloName: 'news.near.example' }] },
        { identities: [{ address: '127.0.0.8', ehloName: 'mx.near.example' }] },
      ],
    },
  })
  const to = ['team@lists.example', 'zoe@eu.partner.example']
  for (const from of ['ann@near.example', 'ann@news.near.example']) {
    const sent = await near.server.send({ from, to, subject: 'Hello', text: 'Hello' })
    assert.deepEqual(
      (await sent.outcome()).map(({ state }) => state),
      ['delivered', 'delivered'],
    )
  }
  for (const texts of [await lists.inbox('team', 2), await partner.inbox('zoe', 2)])
    assert.deepEqual(
      texts
        .map(text => /^Received: from (\S+) .*?\[([\d.]+)\]/ms.exec(text)?.slice(1).join(' '))
        .toSorted((a, b) => String(a).localeCompare(String(b))),
      ['mx.near.example 127.0.0.8', 'news.near.example 127.0.0.7'],
    )
  assert.match((await lists.inbox('team', 2))[0] ?? '', /\bwith LMTPS?\b/)
})
