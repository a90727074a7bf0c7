/** Who gets mail, and what addresses are: domains, accounts, aliases, catch-all, detail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FullDirectory } from 'mailwright/directories/memory'
import { bothKinds } from './both.ts'

const kind = async (directory: FullDirectory, local: string, domain: string = 'example.org'): Promise<string> => {
  const answer = await directory.resolve({ local, domain })
  if (answer.kind === 'alias') return `alias ${answer.targets.join(' ')}`
  return answer.kind === 'account' ? `account ${answer.account.address} ${answer.detail ?? '-'}` : answer.kind
}

for (const { name, make } of bothKinds()) {
  test(`${name}: an address of a domain elsewhere is remote, one of ours without an owner unknown (RFC 5321 §3.6)`, async () => {
    const directory = make()
    assert.equal(await kind(directory, 'ann'), 'remote')
    await directory.addDomain('example.org')
    assert.equal(await kind(directory, 'ann'), 'unknown')
    assert.equal(await directory.serves('example.org'), true)
    assert.equal(await directory.serves('example.com'), false)
  })

  test(`${name}: an account is found in any case of ASCII letters, and in NFC (RFC 5321 §2.4, RFC 6532 §3.1)`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.addAccount({ address: 'Ann.Ö@EXAMPLE.org' })
    for (const local of ['Ann.Ö', 'ann.Ö', 'ANN.O\u0308']) assert.equal(await kind(directory, local), 'account Ann.Ö@example.org -')
    // Only ASCII is folded: what a capital of another script is, its owner knows best.
    assert.equal(await kind(directory, 'ann.ö'), 'unknown')
    assert.equal((await directory.account('ANN.Ö@example.ORG'))?.address, 'Ann.Ö@example.org')
  })

  test(`${name}: domains are A-labels in lower case (RFC 5890 §2.3.2)`, async () => {
    const directory = make()
    await directory.addDomain('BÜCHER.example')
    await directory.addDomain('example.org')
    await directory.addDomain('Example.ORG')
    assert.deepEqual(await directory.domains(), ['example.org', 'xn--bcher-kva.example'])
    const account = await directory.addAccount({ address: 'ann@bücher.example' })
    assert.equal(account.address, 'ann@xn--bcher-kva.example')
  })

  test(`${name}: a detail after + leads to the account and is told (RFC 5233 §1)`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.addAccount({ address: 'ann@example.org' })
    await directory.addAccount({ address: 'ann+own@example.org' })
    await directory.setAlias('team@example.org', ['ann@example.org'])
    assert.equal(await kind(directory, 'ann+lists'), 'account ann@example.org lists')
    assert.equal(await kind(directory, 'ann+a+b'), 'account ann@example.org a+b')
    assert.equal(await kind(directory, 'ann+'), 'account ann@example.org ')
    assert.equal(await kind(directory, 'ann+own'), 'account ann+own@example.org -')
    assert.equal(await kind(directory, 'team+x'), 'alias ann@example.org')
    assert.equal(await kind(directory, '+ann'), 'unknown')
    const without = make({ detailSeparator: false })
    await without.addDomain('example.org')
    await without.addAccount({ address: 'ann@example.org' })
    assert.equal(await kind(without, 'ann+lists'), 'unknown')
  })

  test(`${name}: aliases and groups lead to several addresses, elsewhere too, and are replaced whole`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.setAlias('Office@example.org', ['ann@example.org', 'BOB@Example.COM', 'ann@example.org'])
    assert.equal(await kind(directory, 'oFFice'), 'alias ann@example.org BOB@example.com')
    await directory.setAlias('office@example.org', ['eve@example.net'])
    assert.deepEqual(await directory.aliases(), [{ address: 'office@example.org', targets: ['eve@example.net'] }])
    await directory.removeAlias('OFFICE@example.org')
    assert.equal(await kind(directory, 'office'), 'unknown')
    await directory.removeAlias('office@example.org')
  })

  test(`${name}: a catch-all takes what nothing else in its domain does`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.addDomain('example.com')
    await directory.addAccount({ address: 'ann@example.org' })
    await directory.setAlias('@example.org', ['ann@example.org'])
    assert.equal(await kind(directory, 'whoever'), 'alias ann@example.org')
    assert.equal(await kind(directory, 'ann+x'), 'account ann@example.org x')
    assert.equal(await kind(directory, 'whoever', 'example.com'), 'unknown')
    await directory.removeAlias('@example.org')
    assert.equal(await kind(directory, 'whoever'), 'unknown')
  })

  test(`${name}: an address is one thing only`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.addAccount({ address: 'ann@example.org' })
    await directory.setAlias('office@example.org', ['ann@example.org'])
    await assert.rejects(directory.addAccount({ address: 'ANN@example.org' }), { kind: 'already-exists' })
    await assert.rejects(directory.addAccount({ address: 'office@example.org' }), { kind: 'already-exists' })
    await assert.rejects(directory.setAlias('ann@example.org', ['bob@example.org']), { kind: 'already-exists' })
    await assert.rejects(directory.addAccount({ address: 'ann@example.com' }), { kind: 'invalid' })
    await assert.rejects(directory.setAlias('x@example.com', ['ann@example.org']), { kind: 'invalid' })
  })

  test(`${name}: of two that add the same account at the same moment one wins`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    const tries = await Promise.allSettled(
      Array.from({ length: 4 }, () => directory.addAccount({ address: 'ann@example.org', password: 'long enough' })),
    )
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const attempt of tries)
      if (attempt.status === 'rejected') assert.equal((attempt.reason as { kind: string }).kind, 'already-exists')
    assert.equal((await directory.accounts()).length, 1)
  })

  test(`${name}: a domain in use stays`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.setAlias('@example.org', ['ann@example.net'])
    await assert.rejects(directory.removeDomain('example.org'), { kind: 'in-use' })
    await directory.removeAlias('@example.org')
    await directory.addAccount({ address: 'ann@example.org' })
    await assert.rejects(directory.removeDomain('example.org'), { kind: 'in-use' })
    await directory.removeAccount('ann@example.org')
    await directory.removeDomain('example.org')
    assert.deepEqual(await directory.domains(), [])
  })

  test(`${name}: ids stay through every change and never come again`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    const first = await directory.addAccount({ address: 'ann@example.org', displayName: 'Ann', quota: { octets: 1000 } })
    await directory.setQuota('ann@example.org', { messages: 5 })
    await directory.disable('ann@example.org')
    const changed = await directory.account('ann@example.org')
    assert.deepEqual(changed, { id: first.id, address: 'ann@example.org', displayName: 'Ann', quota: { messages: 5 }, disabled: true })
    await directory.enable('ann@example.org')
    await directory.setQuota('ann@example.org', undefined)
    assert.deepEqual(await directory.account('ann@example.org'), {
      id: first.id,
      address: 'ann@example.org',
      displayName: 'Ann',
      disabled: false,
    })
    await directory.removeAccount('ann@example.org')
    assert.equal(await directory.account('ann@example.org'), undefined)
    const second = await directory.addAccount({ address: 'ann@example.org' })
    assert.notEqual(second.id, first.id)
  })

  test(`${name}: what is no address or no limit is refused, what is not there reported`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    const bad = [
      '',
      'ann',
      '@example.org',
      'ann@',
      'a b@example.org',
      'a@b@example.org',
      'ann@exa mple.org',
      '.ann@example.org',
      'a..b@example.org',
      'ann@[192.0.2.1]',
      'ann@192.0.2.1',
      'ann@-x.org',
      'ann\n@example.org',
      'ann\0@example.org',
      `${'x'.repeat(251)}@example.org`,
      `ann@${'x.'.repeat(130)}org`,
      'ann@ex%61mple.org',
      "x'; DROP TABLE account; --@example.org",
    ]
    for (const address of bad) await assert.rejects(directory.addAccount({ address }), { kind: 'invalid' }, address)
    await assert.rejects(directory.setAlias('a@example.org', []), { kind: 'invalid' })
    await assert.rejects(directory.setAlias('a@example.org', ['@example.net']), { kind: 'invalid' })
    for (const octets of [-1, 0.5, Number.NaN, 2 ** 60])
      await assert.rejects(directory.addAccount({ address: 'q@example.org', quota: { octets } }), { kind: 'invalid' })
    for (const missing of [
      directory.removeAccount('nobody@example.org'),
      directory.setPassword('nobody@example.org', 'long enough'),
      directory.setQuota('nobody@example.org', undefined),
      directory.disable('nobody@example.org'),
      directory.enable('nobody@example.org'),
      directory.addAppPassword('nobody@example.org', 'phone', ['imap']),
      directory.removeAppPassword('nobody@example.org', 'phone'),
      directory.appPasswords('nobody@example.org'),
    ])
      await assert.rejects(missing, { kind: 'no-such-account' })
  })

  test(`${name}: hostile names are names like any other (P10)`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    const locals = ["o'brien", '%', '_', '"quoted local"', String.raw`"a\"b"`, '{}|~', '$&', "a'/**/or/**/1=1", '__proto__', 'constructor']
    for (const local of locals) await directory.addAccount({ address: `${local}@example.org` })
    assert.equal((await directory.accounts()).length, locals.length)
    assert.equal(await kind(directory, 'quoted local'), 'account "quoted local"@example.org -')
    assert.equal(await kind(directory, 'a"b'), String.raw`account "a\"b"@example.org -`)
    for (const local of ["' OR 1=1 --", 'hasOwnProperty', '%%', '__']) assert.equal(await kind(directory, local), 'unknown', local)
  })

  test(`${name}: a call that nobody waits for any more does nothing`, async () => {
    const directory = make()
    const signal = AbortSignal.abort(new Error('gone'))
    await assert.rejects(directory.addDomain('example.org', { signal }), /gone/)
    assert.deepEqual(await directory.domains(), [])
  })
}
