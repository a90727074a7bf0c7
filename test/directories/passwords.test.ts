/** Who may log in, and what a failed login tells: nothing (S23). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scryptSync } from 'node:crypto'
import type { Credentials, Scope } from 'mailwright/contracts'
import type { FullDirectory } from 'mailwright/directories/memory'
import { memoryDirectory } from 'mailwright/directories/memory'
import { CHEAP, bothKinds } from './both.ts'

const PASSWORD = 'correct horse battery'
const shows = (username: string, password: string, authorizationId?: string): Credentials => ({
  kind: 'password',
  username,
  password,
  ...(authorizationId === undefined ? {} : { authorizationId }),
})
const credentialOf = async (
  directory: FullDirectory,
  username: string,
  password: string,
  scope: Scope = 'imap',
): Promise<string | undefined> => (await directory.verify(shows(username, password), scope))?.credential

async function withAnn(directory: FullDirectory): Promise<FullDirectory> {
  await directory.addDomain('example.org')
  await directory.addAccount({ address: 'Ann@example.org', password: PASSWORD, quota: { octets: 1000 } })
  return directory
}

for (const { name, make } of bothKinds()) {
  test(`${name}: the right password gives the principal, everything else nothing`, async () => {
    const directory = await withAnn(make())
    const principal = await directory.verify(shows('ANN@Example.org', PASSWORD), 'pop3')
    assert.equal(principal?.account.address, 'Ann@example.org')
    assert.deepEqual(principal?.account.quota, { octets: 1000 })
    assert.equal(principal?.username, 'ANN@Example.org')
    assert.deepEqual(principal?.scopes, ['imap', 'pop3', 'smtp'])
    assert.equal(principal?.credential, 'password')
    for (const [username, password] of [
      ['ann@example.org', 'wrong'],
      ['ann@example.org', ''],
      ['ann@example.org', `${PASSWORD} `],
      ['ann@example.org', 'x'.repeat(2000)],
      ['ann@example.org', `${PASSWORD}\0`],
      ['bob@example.org', PASSWORD],
      ['ann+lists@example.org', PASSWORD],
      ['ann', PASSWORD],
      ['', PASSWORD],
      ["' OR 1=1 --", PASSWORD],
      ['ann@elsewhere.example', PASSWORD],
    ] as const) {
      assert.equal(await credentialOf(directory, username, password), undefined, `${username} ${password.slice(0, 30)}`)
      // Again: a failure is not remembered as anything else.
      assert.equal(await credentialOf(directory, username, password), undefined)
    }
    assert.equal(await directory.verify({ kind: 'bearer', token: PASSWORD, username: 'ann@example.org' }, 'imap'), undefined)
  })

  test(`${name}: a password in another Unicode form is the same password (RFC 4616 §2)`, async () => {
    const directory = await withAnn(make())
    await directory.setPassword('ann@example.org', 'schöne grüße')
    assert.equal(await credentialOf(directory, 'ann@example.org', 'scho\u0308ne gru\u0308ße'), 'password')
  })

  test(`${name}: to act for somebody else is refused, for oneself allowed (RFC 4616 §2)`, async () => {
    const directory = await withAnn(make())
    await directory.addAccount({ address: 'bob@example.org', password: PASSWORD })
    assert.equal(await directory.verify(shows('ann@example.org', PASSWORD, 'bob@example.org'), 'imap'), undefined)
    assert.equal(await directory.verify(shows('ann@example.org', PASSWORD, 'root'), 'imap'), undefined)
    assert.notEqual(await directory.verify(shows('ann@example.org', PASSWORD, 'ANN@example.org'), 'imap'), undefined)
  })

  test(`${name}: passwords change, and what was remembered of the old one counts no more`, async () => {
    const directory = await withAnn(make())
    assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), 'password')
    await directory.setPassword('ann@example.org', 'another password')
    assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), undefined)
    assert.equal(await credentialOf(directory, 'ann@example.org', 'another password'), 'password')
  })

  test(`${name}: a disabled account does not log in, even while its password is remembered`, async () => {
    const directory = await withAnn(make())
    const secret = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
    assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), 'password')
    await directory.disable('ann@example.org')
    assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), undefined)
    assert.equal(await credentialOf(directory, 'ann@example.org', secret), undefined)
    await directory.enable('ann@example.org')
    assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), 'password')
  })

  test(`${name}: an account without a password does not log in`, async () => {
    const directory = make()
    await directory.addDomain('example.org')
    await directory.addAccount({ address: 'ann@example.org' })
    for (const password of ['', 'undefined', 'null', PASSWORD])
      assert.equal(await credentialOf(directory, 'ann@example.org', password), undefined)
  })

  test(`${name}: an app password opens what it is for, until it is removed`, async () => {
    const directory = await withAnn(make())
    const phone = await directory.addAppPassword('ann@example.org', 'phone', ['smtp', 'imap'])
    const laptop = await directory.addAppPassword('ann@example.org', 'laptop', ['pop3'])
    assert.match(phone, /^[a-z2-9]{6}(?:-[a-z2-9]{6}){3}$/)
    assert.equal(await credentialOf(directory, 'ann@example.org', phone, 'imap'), 'phone')
    assert.equal(await credentialOf(directory, 'ann@example.org', phone, 'smtp'), 'phone')
    assert.equal(await credentialOf(directory, 'ann@example.org', phone, 'pop3'), undefined)
    assert.equal(await credentialOf(directory, 'ann@example.org', laptop, 'pop3'), 'laptop')
    assert.deepEqual((await directory.verify(shows('ann@example.org', phone), 'imap'))?.scopes, ['imap', 'smtp'])
    await assert.rejects(directory.addAppPassword('ann@example.org', 'phone', ['imap']), { kind: 'already-exists' })
    assert.deepEqual((await directory.appPasswords('ann@example.org')).map(({ label, scopes }) => `${label} ${scopes.join()}`).sort(), [
      'laptop pop3',
      'phone imap,smtp',
    ])
    await directory.removeAppPassword('ann@example.org', 'phone')
    assert.equal(await credentialOf(directory, 'ann@example.org', phone, 'imap'), undefined)
  })

  test(`${name}: an app password of one account is none of another’s`, async () => {
    const directory = await withAnn(make())
    await directory.addAccount({ address: 'bob@example.org', password: PASSWORD })
    const secret = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
    assert.equal(await credentialOf(directory, 'bob@example.org', secret), undefined)
    await directory.removeAccount('ann@example.org')
    await directory.addAccount({ address: 'ann@example.org' })
    assert.equal(await credentialOf(directory, 'ann@example.org', secret), undefined)
    assert.deepEqual(await directory.appPasswords('ann@example.org'), [])
  })

  test(`${name}: short passwords, controls and empty scopes are refused`, async () => {
    const directory = await withAnn(make())
    for (const password of ['', 'seven77', 'with\ncontrol', '\u{1f511}\u{1f511}', 'x'.repeat(1100)]) {
      await assert.rejects(directory.setPassword('ann@example.org', password), { kind: 'invalid' })
      await assert.rejects(directory.addAccount({ address: 'bob@example.org', password }), { kind: 'invalid' })
    }
    for (const [label, scopes] of [
      ['', ['imap']],
      ['x', []],
      ['a\nb', ['imap']],
      ['x'.repeat(101), ['imap']],
    ] as const) {
      await assert.rejects(directory.addAppPassword('ann@example.org', label, scopes), { kind: 'invalid' })
    }
    await assert.rejects(directory.addAppPassword('ann@example.org', 'x', ['admin' as Scope]), { kind: 'invalid' })
    assert.equal(await directory.account('bob@example.org'), undefined)
  })

  test(`${name}: hashes of another system are read, and made anew at the next login (RFC 7914 §2, RFC 9106 §4)`, async () => {
    const directory = await withAnn(make())
    const unpadded = (octets: Uint8Array): string => Buffer.from(octets).toString('base64').replace(/=+$/, '')
    const salt = Buffer.from('sixteen octets!!')
    const scrypt = `$scrypt$ln=4,r=8,p=1$${unpadded(salt)}$${unpadded(scryptSync('from elsewhere', salt, 32, { N: 16, r: 8, p: 1 }))}`
    await directory.setPasswordHash('ann@example.org', scrypt)
    assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), undefined)
    assert.equal(await credentialOf(directory, 'ann@example.org', 'from elsewhere'), 'password')
    assert.equal(await credentialOf(directory, 'ann@example.org', 'from elsewhere'), 'password')
    // The reference implementation's own example of a PHC string: "password", salt "somesalt", t=2, m=65536.
    await directory.setPasswordHash(
      'ann@example.org',
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    )
    assert.equal(await credentialOf(directory, 'ann@example.org', 'password'), 'password')
    for (const hash of [
      '',
      'plain',
      '{PLAIN}secret',
      '$1$abc$def',
      '$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
      '$scrypt$ln=30,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ]) {
      await assert.rejects(directory.setPasswordHash('ann@example.org', hash), { kind: 'invalid' }, hash)
    }
  })

  test(`${name}: nothing that a directory answers has a secret in it (W7)`, async () => {
    const directory = await withAnn(make())
    const secret = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
    const told = JSON.stringify([
      await directory.account('ann@example.org'),
      await directory.accounts(),
      await directory.appPasswords('ann@example.org'),
      await directory.resolve({ local: 'ann', domain: 'example.org' }),
      await directory.verify(shows('ann@example.org', PASSWORD), 'imap'),
      await directory.verify(shows('ann@example.org', secret), 'imap'),
    ])
    for (const hidden of [PASSWORD, secret, 'argon2', 'sha256', 'digest']) assert.ok(!told.includes(hidden), hidden)
  })
}

test('a right password is remembered as long as it may be, a wrong one never', async () => {
  const cost = { memory: 19_456, passes: 2 }
  // Processor time of all threads: hashing is done on another one.
  const timed = async (directory: FullDirectory, password: string): Promise<number> => {
    const began = process.cpuUsage()
    await directory.verify(shows('ann@example.org', password), 'imap')
    const { user, system } = process.cpuUsage(began)
    return (user + system) / 1000
  }
  const remembering = memoryDirectory({ accounts: { 'ann@example.org': PASSWORD }, hashCost: cost })
  const forgetting = memoryDirectory({ accounts: { 'ann@example.org': PASSWORD }, hashCost: cost, rememberFor: 0 })
  for (const directory of [remembering, forgetting]) await timed(directory, PASSWORD)
  const best = async (directory: FullDirectory, password: string): Promise<number> =>
    Math.min(await timed(directory, password), await timed(directory, password), await timed(directory, password))
  const [hashed, remembered, wrong] = [
    await best(forgetting, PASSWORD),
    await best(remembering, PASSWORD),
    await best(remembering, 'wrong password'),
  ]
  assert.ok(remembered * 5 < hashed, `remembered ${remembered} ms, hashed ${hashed} ms`)
  assert.ok(remembered * 5 < wrong, `remembered ${remembered} ms, wrong ${wrong} ms`)
})

test('a flood of logins is told "not now", not queued for ever', async () => {
  const directory = memoryDirectory({ accounts: { 'ann@example.org': PASSWORD }, hashCost: CHEAP })
  await directory.ready()
  const results = await Promise.allSettled(Array.from({ length: 400 }, () => directory.verify(shows('bob@example.org', PASSWORD), 'imap')))
  const refused = results.filter(result => result.status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < 200, `${refused.length} refused`)
  for (const { reason } of refused) assert.equal((reason as { kind: string }).kind, 'unavailable')
  assert.equal(await credentialOf(directory, 'ann@example.org', PASSWORD), 'password')
})
