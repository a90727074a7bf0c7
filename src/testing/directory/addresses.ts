/** Cases about what an address stands for. RFC 5321 §2.4, §3.6; RFC 5233 §1; RFC 5890 §2.3. */

import { promised, refuses, same } from '../promised.ts'
import { address, type DirectoryCase, PASSWORD, populate, stands } from './bench.ts'

/** Cases about addresses. */
export const addressCases: readonly DirectoryCase[] = [
  {
    name: 'An address is an account, unknown in a domain that is served, or remote in one that is not (RFC 5321 §3.6)',
    async run(directory) {
      same(
        'nothing is served at first',
        [await directory.serves('example.org'), await stands(directory, 'ann@example.org')],
        [false, 'remote'],
      )
      await populate(directory, 'ann@example.org')
      same('the domain is served', [await directory.serves('example.org'), await directory.serves('example.com')], [true, false])
      same('an account', await stands(directory, 'ann@example.org'), 'ann@example.org')
      same('nobody', await stands(directory, 'bob@example.org'), 'unknown')
      same('elsewhere', await stands(directory, 'ann@example.com'), 'remote')
      same('a domain below is another domain', await stands(directory, 'ann@sub.example.org'), 'remote')
      same('a domain that ends alike is another domain', await stands(directory, 'ann@notexample.org'), 'remote')
    },
  },
  {
    name: 'One local part in two domains is two accounts, each with an id of its own',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'ann@example.com')
      same(
        'each its own',
        [await stands(directory, 'ann@example.org'), await stands(directory, 'ann@example.com')],
        ['ann@example.org', 'ann@example.com'],
      )
      const ids = new Set((await directory.accounts()).map(({ id }) => id))
      same('two ids', ids.size, 2)
    },
  },
  {
    name: 'S12: local parts are compared without regard to ASCII case and kept as they were written; other letters are not folded (RFC 5321 §2.4)',
    async run(directory) {
      await populate(directory, 'Ann.Lee@example.org', 'straße@example.org')
      for (const text of ['ann.lee@example.org', 'ANN.LEE@example.org', 'Ann.Lee@example.org']) {
        same(`${text} is the account`, await stands(directory, text), 'Ann.Lee@example.org')
      }
      for (const text of ['annlee@example.org', 'strasse@example.org', 'ann.\u0142ee@example.org']) {
        same(`${text} is another`, await stands(directory, text), 'unknown')
      }
      await refuses('the same in another case is taken', directory.addAccount({ address: 'ANN.lee@example.org' }), 'already-exists')
    },
  },
  {
    name: 'S11: a domain is the same in any case, as U-labels and as A-labels; local parts are the same in any normalisation (RFC 5890 §2.3)',
    async run(directory) {
      await directory.addDomain('BÜCHER.example')
      same(
        'served in canonical form',
        [await directory.domains(), await directory.serves('xn--bcher-kva.example')],
        [['xn--bcher-kva.example'], true],
      )
      await directory.addDomain('xn--BCHER-kva.Example')
      same('again is no error and no other', await directory.domains(), ['xn--bcher-kva.example'])
      const made = await directory.addAccount({ address: 'andr\u0065\u0301@Bücher.EXAMPLE' })
      same('the address in canonical form', made.address, 'andr\u00e9@xn--bcher-kva.example')
      same('found by it', await stands(directory, 'andr\u00e9@xn--bcher-kva.example'), made.address)
      same('found as text in another form', (await directory.account('ANDR\u00e9@xn--bcher-kva.example'))?.address, made.address)
      await refuses('the other form is taken', directory.addAccount({ address: 'andr\u00e9@bücher.example' }), 'already-exists')
    },
  },
  {
    name: 'What follows the plus is a detail of the account, unless the whole is an account or an alias itself (RFC 5233 §1)',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'c+plus@example.org')
      same('a detail', await stands(directory, 'ann+lists@example.org'), 'ann@example.org detail lists')
      same('as it was written', await stands(directory, 'ANN+Some+Thing@example.org'), 'ann@example.org detail Some+Thing')
      same('the whole comes first', await stands(directory, 'c+plus@example.org'), 'c+plus@example.org')
      same('of nobody', await stands(directory, 'bob+lists@example.org'), 'unknown')
      same('a plus in front parts nothing', await stands(directory, '+lists@example.org'), 'unknown')
      await directory.setAlias('ann+team@example.org', ['bob@example.com'])
      same('also when it is an alias', await stands(directory, 'ann+team@example.org'), 'alias of bob@example.com')
    },
  },
  {
    name: 'An alias goes to all its targets, one step at a time, and is replaced as a whole',
    async run(directory) {
      await populate(directory, 'ann@example.org')
      await directory.setAlias('Team@example.org', ['ann@example.org', 'bob@Example.COM', 'all@example.org'])
      same('all targets', await stands(directory, 'team@example.org'), 'alias of all@example.org, ann@example.org, bob@example.com')
      await directory.setAlias('all@example.org', ['team@example.org'])
      same('a loop is the caller’s to end', await stands(directory, 'all@example.org'), 'alias of team@example.org')
      await directory.setAlias('team@example.org', ['ann@example.org'])
      same('replaced', await stands(directory, 'team@example.org'), 'alias of ann@example.org')
      same('all are listed', (await directory.aliases()).map(alias => alias.address.toLowerCase()).sort(), [
        'all@example.org',
        'team@example.org',
      ])
      await directory.removeAlias('TEAM@example.org')
      same('gone', await stands(directory, 'team@example.org'), 'unknown')
      await refuses('an account is no alias', directory.setAlias('ann@example.org', ['bob@example.org']), 'already-exists')
      await refuses('an alias is no account', directory.addAccount({ address: 'all@example.org', password: PASSWORD }), 'already-exists')
      await refuses('an alias to nobody', directory.setAlias('nobody@example.org', []), 'invalid')
      await refuses('a target that is no address', directory.setAlias('nobody@example.org', ['not an address']), 'invalid')
    },
  },
  {
    name: 'A catch-all takes what nothing else in its domain does, and nothing elsewhere',
    async run(directory) {
      await populate(directory, 'ann@example.org', 'bob@example.com')
      await directory.setAlias('team@example.org', ['bob@example.com'])
      await directory.setAlias('@example.org', ['ann@example.org'])
      same('anybody', await stands(directory, 'who.knows@example.org'), 'alias of ann@example.org')
      same('not the account', await stands(directory, 'ann@example.org'), 'ann@example.org')
      same('nor its details', await stands(directory, 'ann+x@example.org'), 'ann@example.org detail x')
      same('nor an alias', await stands(directory, 'team@example.org'), 'alias of bob@example.com')
      same('nor another domain', await stands(directory, 'who.knows@example.com'), 'unknown')
      await directory.disable('ann@example.org')
      same('nor the mail of a disabled account', await stands(directory, 'ann@example.org'), 'ann@example.org')
      await directory.removeAlias('@example.org')
      same('until it is taken away', await stands(directory, 'who.knows@example.org'), 'unknown')
    },
  },
  {
    name: 'P10: hostile strings are addresses or not, and harm nothing',
    async run(directory) {
      await populate(directory, 'ann@example.org')
      const before = await directory.accounts()
      const hostile = [
        "' OR 1=1 --",
        "ann'; DROP TABLE account; --",
        '%',
        '_nn',
        '*',
        'a'.repeat(5000),
        '__proto__',
        'constructor',
        '../ann',
        'ann\0',
        '$(id)',
        '=?utf-8?q?ann?=',
      ]
      for (const local of hostile) {
        same(`${JSON.stringify(local.slice(0, 20))} is nobody`, (await directory.resolve({ local, domain: 'example.org' })).kind, 'unknown')
        same('nor is it elsewhere', (await directory.resolve(address(`${local}@example.com`))).kind, 'remote')
      }
      for (const domain of [
        "example.org' OR 1=1 --",
        '%',
        '',
        'example.org\0',
        'EXAMPLE.org.evil',
        '__proto__',
        'constructor',
        'x'.repeat(5000),
      ]) {
        same(
          'a domain that is not served',
          [await directory.serves(domain), (await directory.resolve({ local: 'ann', domain })).kind],
          [false, 'remote'],
        )
      }
      for (const text of [
        '',
        '@',
        'ann',
        'ann@',
        'ann@@example.org',
        'a b@example.org',
        'ann@example..org',
        'ann\r\n@example.org',
        'ann\u202e@',
        'ann@exa mple.org',
      ]) {
        await refuses(`${JSON.stringify(text)} is no address`, directory.addAccount({ address: text, password: PASSWORD }), 'invalid')
      }
      await directory.addAccount({ address: "o'neil@example.org", password: PASSWORD })
      same('a quote is a letter', await stands(directory, "O'Neil@example.org"), "o'neil@example.org")
      const after = (await directory.accounts()).filter(({ address: one }) => one !== "o'neil@example.org")
      promised('all others are as they were', after.length === before.length, () => `${after.length} of ${before.length}`)
    },
  },
]
