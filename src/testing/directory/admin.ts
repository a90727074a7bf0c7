/** Cases about setting up: accounts, domains, limits. */

import { refuses, same } from '../promised.ts'
import { type DirectoryCase, loginAs, PASSWORD, populate, stands } from './bench.ts'

/** Cases about administration. */
export const adminCases: readonly DirectoryCase[] = [
  {
    name: 'An account is made once, in a domain that is served, with a password that is long enough',
    async run(directory) {
      await refuses(
        'the domain must be served',
        directory.addAccount({ address: 'ann@example.org', password: PASSWORD }),
        'invalid',
        'no-such-account',
      )
      await directory.addDomain('example.org')
      await refuses('at least 8 characters', directory.addAccount({ address: 'ann@example.org', password: '1234567' }), 'invalid')
      const made = await directory.addAccount({
        address: 'ann@example.org',
        password: PASSWORD,
        displayName: 'Ann Lee',
        quota: { octets: 1000 },
      })
      same(
        'as it was asked for',
        [made.address, made.displayName, made.quota, made.disabled],
        ['ann@example.org', 'Ann Lee', { octets: 1000 }, false],
      )
      same('found again', await directory.account('ann@example.org'), made)
      same('listed', await directory.accounts(), [made])
      await refuses('again', directory.addAccount({ address: 'ann@example.org', password: PASSWORD }), 'already-exists')
      await refuses('a short new password', directory.setPassword('ann@example.org', 'short'), 'invalid')
      same('the old one stays', await loginAs(directory, 'ann@example.org', PASSWORD), 'ann@example.org')
    },
  },
  {
    name: 'An account that was removed is gone with its passwords; made again it has another id',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'bob@example.org')
      const before = await directory.account('ann@example.org')
      const app = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
      await directory.removeAccount('Ann@example.org')
      same('nobody', [await directory.account('ann@example.org'), await stands(directory, 'ann@example.org')], [undefined, 'unknown'])
      same(
        'logs in',
        [await loginAs(directory, 'ann@example.org', PASSWORD), await loginAs(directory, 'ann@example.org', app)],
        ['nobody', 'nobody'],
      )
      const again = await directory.addAccount({ address: 'ann@example.org', password: 'another password' })
      same('another account', again.id === before?.id, false)
      same(
        'without the old passwords',
        [await loginAs(directory, 'ann@example.org', app), await directory.appPasswords('ann@example.org')],
        ['nobody', []],
      )
      same('others stay', await loginAs(directory, 'bob@example.org', PASSWORD), 'bob@example.org')
    },
  },
  {
    name: 'Limits are set and taken away, and told with the account',
    async run(directory) {
      await populate(directory, 'ann@example.org')
      same('none at first', (await directory.account('ann@example.org'))?.quota, undefined)
      await directory.setQuota('ann@example.org', { octets: 5_000_000_000, messages: 10 })
      const resolution = await directory.resolve({ local: 'ann', domain: 'example.org' })
      same('told', resolution.kind === 'account' ? resolution.account.quota : resolution.kind, { octets: 5_000_000_000, messages: 10 })
      await directory.setQuota('ann@example.org', undefined)
      same('taken away', (await directory.account('ann@example.org'))?.quota, undefined)
    },
  },
  {
    name: 'A domain goes only when nothing is in it',
    async run(directory) {
      await populate(directory, 'ann@example.org')
      await directory.addDomain('example.com')
      await directory.setAlias('all@example.com', ['ann@example.org'])
      await refuses('an account is in it', directory.removeDomain('example.org'), 'in-use')
      await refuses('an alias is in it', directory.removeDomain('Example.COM'), 'in-use')
      same('both are served', [...(await directory.domains())].sort(), ['example.com', 'example.org'])
      await directory.removeAlias('all@example.com')
      await directory.removeDomain('example.com')
      same('gone', [await directory.serves('example.com'), await stands(directory, 'all@example.com')], [false, 'remote'])
    },
  },
  {
    name: 'What concerns an account that is not there is refused as `no-such-account`',
    async run(directory) {
      await directory.addDomain('example.org')
      const nobody = 'nobody@example.org'
      await refuses('remove', directory.removeAccount(nobody), 'no-such-account')
      await refuses('password', directory.setPassword(nobody, PASSWORD), 'no-such-account')
      await refuses('quota', directory.setQuota(nobody, { octets: 1 }), 'no-such-account')
      await refuses('disable', directory.disable(nobody), 'no-such-account')
      await refuses('enable', directory.enable(nobody), 'no-such-account')
      await refuses('app password', directory.addAppPassword(nobody, 'phone', ['imap']), 'no-such-account')
      await refuses('app passwords', directory.appPasswords(nobody), 'no-such-account')
      same('but asked for it is simply not there', await directory.account(nobody), undefined)
    },
  },
  {
    name: 'A label names one app password of an account',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'bob@example.org')
      const first = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
      await refuses('again', directory.addAppPassword('ann@example.org', 'phone', ['smtp']), 'already-exists')
      same('the first one works still', await loginAs(directory, 'ann@example.org', first), 'ann@example.org')
      await directory.addAppPassword('bob@example.org', 'phone', ['imap'])
      same('another account has its own', (await directory.appPasswords('bob@example.org')).length, 1)
    },
  },
  {
    name: 'When many make the same account at once, one of them succeeds',
    async run(directory) {
      await directory.addDomain('example.org')
      const results = await Promise.allSettled(
        ['ann', 'Ann', 'ANN', 'aNN'].map(local => directory.addAccount({ address: `${local}@example.org`, password: PASSWORD })),
      )
      same('one', results.filter(({ status }) => status === 'fulfilled').length, 1)
      same('is there', (await directory.accounts()).length, 1)
    },
  },
]
