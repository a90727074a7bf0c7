/** What is queued is what comes out, and what cannot be queued is refused. RFC 5321 §4.1.2; RFC 3461 §4; RFC 4865 §4.2. */

import type { QueuedMessage } from '../../contracts/index.ts'
import {
  addressesOf,
  DAY,
  delivered,
  entryOf,
  idsOf,
  letter,
  MINUTE,
  promised,
  put,
  type QueueCase,
  refuses,
  same,
  sourceOf,
  take,
  takeOne,
  textOf,
} from './world.ts'

const wishes: QueuedMessage = letter([], {
  from: 'ann+tag@example.org',
  origin: 'submission',
  account: 'ann',
  envelopeId: 'QQ314159',
  returnedContent: 'HDRS',
  smtpUtf8: true,
  eightBit: true,
  requireTls: true,
  priority: 3,
  recipients: [
    { address: 'bob@example.net', notify: ['SUCCESS', 'DELAY'], originalRecipient: 'rfc822;robert@example.net' },
    { address: 'cäcilie@example.net', notify: ['NEVER'] },
  ],
})

export const arrivalCases: readonly QueueCase[] = [
  {
    name: 'A queued message is leased with its envelope, its recipients and all of its octets',
    async run(world) {
      const prefix = new TextEncoder().encode('Received: by us\r\n')
      const deliverBy = { at: world.clock.now() + DAY, mode: 'notify' as const }
      const { id, repeated } = await world.queue.enqueue({ ...wishes, prefix, deliverBy })
      same('it is new', repeated, false)
      const lease = await takeOne(world)
      same('the id is that of the message', lease.id, id)
      same('the destination is the domain', lease.destination, 'example.net')
      const { recipients: _, content, ...envelope } = { ...wishes, deliverBy }
      const { queuedAt, expiresAt, ...told } = lease.envelope
      same('the envelope is as it was', told, envelope)
      same('it was queued now', queuedAt, world.clock.now())
      same('it expires after the lifetime', expiresAt, world.clock.now() + world.queue.limits.lifetimeMs)
      same(
        'the recipients are as they were, untried',
        lease.recipients.map(({ index, attempts, warned, ...given }) => [index, attempts, warned, given]),
        wishes.recipients.map((given, index) => [index, 0, false, given]),
      )
      const whole = `Received: by us\r\n${await textOf(content)}`
      same('prefix and content are one text', await textOf(lease.content), whole)
      same('and can be read in parts', new TextDecoder().decode(await lease.content.read(10, 25)), whole.slice(10, 25))
      const entry = await entryOf(world, id)
      same('it is shown with its size', entry.size, whole.length)
      same('and its wishes', [entry.envelopeId, entry.requireTls, entry.account], ['QQ314159', true, 'ann'])
    },
  },
  {
    name: 'The null reverse-path is a sender like any other (RFC 5321 §4.5.5)',
    async run(world) {
      await put(world, 'bob@example.net', { from: '', origin: 'notification' })
      same('it is leased', (await takeOne(world)).envelope.from, '')
    },
  },
  {
    name: 'The queue makes its own copy: what happens to the source afterwards does not matter',
    async run(world) {
      const octets = new TextEncoder().encode('Subject: mine\r\n\r\nmine\r\n')
      await world.queue.enqueue(
        letter('bob@example.net', { content: { size: octets.length, read: (from, to) => octets.subarray(from, to) } }),
      )
      octets.fill(0x2e)
      same('the octets are as they were', await textOf((await takeOne(world)).content), 'Subject: mine\r\n\r\nmine\r\n')
    },
  },
  {
    name: 'A large message comes out octet for octet',
    async run(world) {
      const octets = new Uint8Array(700_001).map((_, at) => (at * 31) % 251)
      await world.queue.enqueue(letter('bob@example.net', { content: sourceOf(octets) }))
      const { content } = await takeOne(world)
      const read = await content.read(0, content.size)
      promised('the octets are the same', Buffer.compare(read, octets) === 0, () => `${read.length} octets that differ`)
    },
  },
  {
    name: 'What cannot be an address or an envelope is refused, and nothing is queued (RFC 5321 §4.1.2; RFC 3461 §4.1; RFC 6710 §3)',
    async run(world) {
      const bad: Readonly<Record<string, QueuedMessage>> = {
        'no recipients': letter([]),
        'an address without domain': letter('bob'),
        'an address without local part': letter('@example.net'),
        'a line end in an address': letter('bob\r\nRCPT TO:<eve@example.net>@example.net'),
        'a space in a domain': letter('bob@exam ple.net'),
        'a domain in upper case': letter('bob@Example.NET'),
        'an empty label': letter('bob@example..net'),
        'an address beyond ASCII without SMTPUTF8': letter('bob@bücher.example'),
        'a sender with a line end': letter('bob@example.net', { from: 'ann@example.org\r\nDATA' }),
        'a sender without domain': letter('bob@example.net', { from: 'ann' }),
        'NEVER and more': letter([], { recipients: [{ address: 'bob@example.net', notify: ['NEVER', 'SUCCESS'] }] }),
        'a priority of 10': letter('bob@example.net', { priority: 10 }),
        'a moment that is none': letter('bob@example.net', { notBefore: Number.NaN }),
        'an ENVID of 101 characters': letter('bob@example.net', { envelopeId: 'x'.repeat(101) }),
      }
      for (const [what, message] of Object.entries(bad)) await refuses(what, world.queue.enqueue(message), 'invalid')
      same('nothing was queued', await idsOf(world), [])
      await world.queue.enqueue(letter('bob@bücher.example', { smtpUtf8: true }))
      await world.queue.enqueue(letter('bob@[192.0.2.1]'))
      same('what can be is queued', (await idsOf(world)).length, 2)
    },
  },
  {
    name: 'A content that cannot be read queues nothing',
    async run(world) {
      const content = { size: 10, read: () => Promise.reject(new Error('gone')) }
      const failed = await world.queue.enqueue(letter('bob@example.net', { content })).then(
        () => false,
        () => true,
      )
      same('it rejects', failed, true)
      same('nothing was queued', [await idsOf(world), await take(world)], [[], []])
    },
  },
  {
    name: 'A full queue refuses with no-space, and takes mail again when there is room',
    async run(world) {
      const small = await world.another({ maxMessages: 2 })
      await put(small, ['bob@example.net', 'cid@example.com'])
      await put(small)
      await refuses('a third message', small.queue.enqueue(letter()), 'no-space')
      same('two are there', (await idsOf(small)).length, 2)
      const leases = await take(small)
      await small.queue.settle(leases.filter(({ destination }) => destination === 'example.net').map(lease => delivered(small, lease)))
      await put(small, 'dan@example.net')
      await refuses('one more again', small.queue.enqueue(letter()), 'no-space')
    },
  },
  {
    name: 'A message waits until its sender’s moment, and its lifetime begins there (RFC 4865 §4.2)',
    async run(world) {
      const at = world.clock.now() + 30 * DAY
      const id = await put(world, 'bob@example.net', { notBefore: at })
      same('nothing is due', await take(world), [])
      same('the queue says when', await world.queue.nextDue(), at)
      same('it does not expire before it may be tried', (await entryOf(world, id)).expiresAt, at + world.queue.limits.lifetimeMs)
      world.clock.advance(30 * DAY - 1)
      same('one millisecond before, nothing is due', await take(world), [])
      world.clock.advance(1)
      same('then it is', addressesOf(await take(world)), ['bob@example.net'])
    },
  },
  {
    name: 'A message that may not wait so long falls due when it expires, so that it can be given up (RFC 5321 §4.5.4.1; RFC 2852 §4.1.3)',
    async run(world) {
      const now = world.clock.now()
      const id = await put(world, 'bob@example.net', { expiresAt: now + 60 * MINUTE })
      const soon = await put(world, 'bob@example.com', { deliverBy: { at: now + 20 * MINUTE, mode: 'return' } })
      const leases = await take(world)
      const wait = leases.map(lease => ({
        id: lease.id,
        token: lease.token,
        outcomes: [
          {
            index: 0,
            outcome: { kind: 'deferred' as const, dueAt: now + 240 * MINUTE, status: { at: now, code: '4.0.0' as const, text: 'later' } },
          },
        ],
      }))
      await world.queue.settle(wait)
      same('due when it is to be delivered by', (await entryOf(world, soon)).recipients[0]?.dueAt, now + 20 * MINUTE)
      same('due when it expires', (await entryOf(world, id)).recipients[0]?.dueAt, now + 60 * MINUTE)
      world.clock.advance(60 * MINUTE)
      same('both are leased then', addressesOf(await take(world)), ['bob@example.com', 'bob@example.net'])
    },
  },
]
