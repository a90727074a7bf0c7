import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Middleware, TraceEntry } from 'mailwright/contracts'
import { reputation } from 'mailwright/filters/reputation'
import type { Reputation } from 'mailwright/filters/reputation'
import { memoryState } from 'mailwright/stores/memory'
import { address, connectionOf, houseOf, person, spooled } from '../pipeline/house.ts'
import { mail, source } from './mails.ts'

const PASSED = 'Authentication-Results: mx.example.org; spf=pass; dmarc=pass (p=reject) header.from=example.com\n'

/** Stands for sender authentication: what it found is in the scale. */
const dmarc = (passes: boolean): Middleware => ({
  name: 'sender-auth',
  async message(context, next) {
    context.trace.symbol(passes ? 'DMARC_PASS' : 'DMARC_FAIL', 0)
    return next()
  },
})

/** What the filter says of a message from somebody to ann. */
async function verdictOn(filter: Reputation, from: string, verified: boolean): Promise<string> {
  const house = houseOf({ middleware: [dmarc(verified), filter] })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('bounce@example.net') })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await reception.message(spooled(from.includes('\n') ? from : `From: ${from}\nSubject: x\n\ny\n`))
  assert.equal(outcomes[0]?.kind, 'accept')
  const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
  const own = trace.find(entry => entry.middleware === 'reputation' && entry.phase === 'deliver')
  return own?.symbols?.map(({ name, score }) => `${name} ${score}`).join() ?? own?.evidence.join() ?? ''
}

test('who was written to is known, where it is proved that it is them (S15)', async () => {
  const filter = reputation({ state: memoryState() })
  const house = houseOf({ middleware: [filter] })
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  const { reception } = await house.host.receive(connectionOf('submission', { principal }), { sender: address('ann@example.org') })
  await reception.recipient(address('ben@example.org'))
  await reception.message(spooled('From: <ann@example.org>\nSubject: x\n\ny\n'))
  await filter.wroteTo('ann', [address('Bob@example.com')])
  assert.equal(await verdictOn(filter, 'Bob <bob@EXAMPLE.com>', true), 'REPUTATION_GOOD -5')
  assert.equal(await verdictOn(filter, '<ben@example.org>', true), 'REPUTATION_GOOD -5')
  assert.match(
    await verdictOn(filter, '<bob@example.com>', false),
    /bob@example.com is known here, but nothing proves that this is from there/,
  )
  assert.match(await verdictOn(filter, '<eve@example.com>', true), /nothing is known of eve@example.com/)
})

test('lessons about the owner of an address and about those who claim it are kept apart (S15)', async () => {
  const filter = reputation({ state: memoryState(), authservId: 'mx.example.org' })
  const letter = (n: number, proved: boolean): string => (proved ? PASSED : '') + mail('spam', n, 'bob@example.com')
  for (const n of [1, 2]) await filter.learn('ann', source(letter(n, false)), 'spam')
  assert.equal(await verdictOn(filter, '<bob@example.com>', false), 'REPUTATION_BAD 4')
  assert.match(await verdictOn(filter, '<bob@example.com>', true), /nothing is known/)
  await filter.learn('ann', source(letter(3, true)), 'ham')
  assert.equal(await verdictOn(filter, '<bob@example.com>', true), 'REPUTATION_GOOD -2')
  assert.equal(await verdictOn(filter, '<bob@example.com>', false), 'REPUTATION_BAD 4')
})

test('only this server’s own word on a stored message counts (RFC 8601 §5)', async () => {
  for (const forged of [
    'Authentication-Results: mx.evil.example; dmarc=pass\n',
    'Authentication-Results: mx.example.org; dmarc=fail\nAuthentication-Results: mx.example.org; dmarc=pass\n',
    'Authentication-Results: mx.example.org; spf=pass reason="dmarc=pass"\n',
    'X-Note: mx.example.org; dmarc=pass\n',
  ]) {
    const filter = reputation({ state: memoryState(), authservId: 'mx.example.org' })
    await filter.learn('ann', source(forged + mail('ham', 1, 'bob@example.com')), 'ham')
    assert.match(await verdictOn(filter, '<bob@example.com>', true), /nothing is known/, forged)
  }
})

test('a message teaches once, and its lesson can be turned round', async () => {
  const filter = reputation({ state: memoryState() })
  const letter = source(mail('spam', 1, 'bob@example.com'))
  assert.deepEqual([await filter.learn('ann', letter, 'spam'), await filter.learn('ann', letter, 'spam')], ['learned', 'known'])
  assert.equal(await verdictOn(filter, '<bob@example.com>', false), 'REPUTATION_BAD 2')
  assert.equal(await filter.learn('ann', letter, 'ham'), 'changed')
  assert.match(await verdictOn(filter, '<bob@example.com>', false), /nothing is known/)
})

test('an organisation whose people are all a nuisance becomes one; a single bad neighbour does not', async () => {
  const filter = reputation({ state: memoryState(), authservId: 'mx.example.org' })
  for (let n = 0; n < 4; n++) await filter.learn('ann', source(PASSED + mail('spam', n, `news${n}@m${n}.shop.example`)), 'spam')
  assert.match(await verdictOn(filter, '<new@x.shop.example>', true), /nothing is known/)
  await filter.learn('ann', source(PASSED + mail('spam', 9, 'news9@m9.shop.example')), 'spam')
  assert.equal(await verdictOn(filter, '<new@x.shop.example>', true), 'REPUTATION_BAD 2')
  await filter.learn('ann', source(PASSED + mail('ham', 9, 'orders@shop.example')), 'ham')
  assert.match(await verdictOn(filter, '<new@x.shop.example>', true), /nothing is known/)
})

test('one account’s correspondents are not another’s', async () => {
  const filter = reputation({ state: memoryState() })
  await filter.wroteTo('ben', [address('bob@example.com')])
  assert.match(await verdictOn(filter, '<bob@example.com>', true), /nothing is known/)
  await filter.wroteTo('ann', [address('bob@example.com')])
  assert.match(await verdictOn(filter, '<bob@example.com>', true), /GOOD/)
  await filter.forget('ann')
  assert.match(await verdictOn(filter, '<bob@example.com>', true), /nothing is known/)
})

test('several authors, none, or one’s own name are nobody’s (S15)', async () => {
  const filter = reputation({ state: memoryState() })
  await filter.wroteTo('ann', [address('bob@example.com'), address('ann@example.org')])
  for (const from of [
    '<eve@example.net>, <bob@example.com>',
    'Friends: bob@example.com;',
    'nobody',
    '=?utf-8?Q?=3Cbob=40example.com=3E?= <eve@example.net>',
    '<ann@example.org>',
    '<bob@example.com>\nFrom: <eve@example.net>\n\nx',
  ]) {
    assert.doesNotMatch(await verdictOn(filter, from.includes('\n') ? `From: ${from}\n` : from, true), /GOOD/, from)
  }
})
