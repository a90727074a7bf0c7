/** Cases about who may log in. RFC 4616 §2; threats S23. */

import { promised, same } from '../promised.ts'
import { type DirectoryCase, loginAs, PASSWORD, populate, type TestableDirectory } from './bench.ts'

const answers = (directory: TestableDirectory, tries: readonly (readonly [string, string])[]): Promise<readonly string[]> =>
  Promise.all(tries.map(([username, password]) => loginAs(directory, username, password)))

/** Cases about logging in. */
export const loginCases: readonly DirectoryCase[] = [
  {
    name: 'The right password of an account logs in, by its address in any form; the principal says who and by what',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'bob@example.org')
      const principal = await directory.verify({ kind: 'password', username: 'ANN@Example.ORG', password: PASSWORD }, 'imap')
      same('who it is', [principal?.account.address, principal?.username], ['ann@example.org', 'ANN@Example.ORG'])
      same('the account is the one that mail goes to', principal?.account.id, (await directory.account('ann@example.org'))?.id)
      same('by which credential', principal?.credential, 'password')
      same('for everything', [...(principal?.scopes ?? [])].sort(), ['imap', 'pop3', 'smtp'])
      for (const scope of ['imap', 'pop3', 'smtp'] as const) {
        same(`also for ${scope}`, await loginAs(directory, 'bob@example.org', PASSWORD, scope), 'bob@example.org')
      }
    },
  },
  {
    name: 'S23: a wrong password, an unknown user, a disabled account, one without a password and a wrong scope are one answer',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'off@example.org')
      await directory.disable('off@example.org')
      await directory.addAccount({ address: 'new@example.org' })
      await directory.setAlias('alias@example.org', ['ann@example.org'])
      const pop = await directory.addAppPassword('ann@example.org', 'pop only', ['pop3'])
      const tries: readonly (readonly [string, string])[] = [
        ['ann@example.org', 'wrong password'],
        ['ann@example.org', ''],
        ['ann@example.org', PASSWORD.toUpperCase()],
        ['ann@example.org', `${PASSWORD} `],
        ['ann@example.org', pop],
        ['nobody@example.org', PASSWORD],
        ['ann@example.com', PASSWORD],
        ['off@example.org', PASSWORD],
        ['new@example.org', ''],
        ['new@example.org', PASSWORD],
        ['alias@example.org', PASSWORD],
        ['', ''],
        ['not an address', PASSWORD],
        ["ann@example.org' --", PASSWORD],
        ['@example.org', PASSWORD],
        ['ann@example.org\0', PASSWORD],
        ['x'.repeat(5000), 'y'.repeat(5000)],
      ]
      same('nobody, whatever the reason', new Set(await answers(directory, tries)), new Set(['nobody']))
      same('a token that is none', await directory.verify({ kind: 'bearer', token: PASSWORD }, 'imap'), undefined)
      same('and the right one still works', await loginAs(directory, 'ann@example.org', PASSWORD), 'ann@example.org')
    },
  },
  {
    name: 'A new password takes effect at once, and the old one ends at once',
    async run(directory) {
      await populate(directory, 'ann@example.org')
      same('before', await loginAs(directory, 'ann@example.org', PASSWORD), 'ann@example.org')
      await directory.setPassword('ann@example.org', 'another password')
      same(
        'after',
        await answers(directory, [
          ['ann@example.org', PASSWORD],
          ['ann@example.org', 'another password'],
        ]),
        ['nobody', 'ann@example.org'],
      )
      await directory.setPassword('ann@example.org', 'pässwörd \u0065\u0301')
      same('letters are the same in any normalisation', await loginAs(directory, 'ann@example.org', 'pässwörd \u00e9'), 'ann@example.org')
    },
  },
  {
    name: 'A disabled account neither logs in nor is lost; enabled it is as before',
    async run(directory) {
      await populate(directory, 'ann@example.org')
      const app = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
      same('before', await loginAs(directory, 'ann@example.org', app), 'ann@example.org')
      await directory.disable('ann@example.org')
      same('disabled', (await directory.account('ann@example.org'))?.disabled, true)
      same(
        'no password works',
        await answers(directory, [
          ['ann@example.org', PASSWORD],
          ['ann@example.org', app],
        ]),
        ['nobody', 'nobody'],
      )
      const resolution = await directory.resolve({ local: 'ann', domain: 'example.org' })
      same('mail is told so', resolution.kind === 'account' ? resolution.account.disabled : resolution.kind, true)
      await directory.enable('ann@example.org')
      same(
        'enabled',
        await answers(directory, [
          ['ann@example.org', PASSWORD],
          ['ann@example.org', app],
        ]),
        ['ann@example.org', 'ann@example.org'],
      )
    },
  },
  {
    name: 'An app password works for its scopes only, until it is removed, and is shown once',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'bob@example.org')
      const secret = await directory.addAppPassword('ann@example.org', 'phone', ['imap', 'smtp'])
      const other = await directory.addAppPassword('ann@example.org', 'tablet', ['imap'])
      promised('each is random and long', secret !== other && secret.length >= 16, () => `${secret.length} characters`)
      const scopes = async (password: string): Promise<readonly string[]> =>
        Promise.all((['imap', 'pop3', 'smtp'] as const).map(scope => loginAs(directory, 'ann@example.org', password, scope)))
      same('its scopes only', await scopes(secret), ['ann@example.org', 'nobody', 'ann@example.org'])
      const principal = await directory.verify({ kind: 'password', username: 'ann@example.org', password: secret }, 'imap')
      same('the principal says which', [principal?.credential, [...(principal?.scopes ?? [])].sort()], ['phone', ['imap', 'smtp']])
      same('for its account only', await loginAs(directory, 'bob@example.org', secret), 'nobody')
      const listed = await directory.appPasswords('ann@example.org')
      same('listed', listed.map(({ label }) => label).sort(), ['phone', 'tablet'])
      promised('without the secret', !JSON.stringify(listed).includes(secret), () => 'the secret is told again')
      await directory.removeAppPassword('ann@example.org', 'phone')
      same('removed', await scopes(secret), ['nobody', 'nobody', 'nobody'])
      same('the other stays', await loginAs(directory, 'ann@example.org', other), 'ann@example.org')
    },
  },
  {
    name: 'Acting for somebody else is refused; naming oneself is not (RFC 4616 §2)',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'bob@example.org')
      const as = async (authorizationId: string): Promise<string | undefined> =>
        (await directory.verify({ kind: 'password', username: 'ann@example.org', password: PASSWORD, authorizationId }, 'imap'))?.account
          .address
      same('somebody else', await as('bob@example.org'), undefined)
      same('oneself', await as('ann@example.org'), 'ann@example.org')
    },
  },
]
