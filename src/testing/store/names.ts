/** Cases about hostile names: data stays data. RFC 9051 §5.1; RFC 5198 §2; threats P8, P9, P10. */

import { inboxOf, infoOf, letter, look, namesOf, open, promised, refuses, same, type StoreCase } from './world.ts'

const e = '\u0065\u0301'

/** Names that no mailbox can have, with what is wrong with them. */
const forbidden: readonly (readonly [name: string, fault: string])[] = [
  ['', 'empty'],
  ['/', 'two empty levels'],
  ['/a', 'an empty first level'],
  ['a/', 'an empty last level'],
  ['a//b', 'an empty level'],
  ['a\0b', 'NUL'],
  ['a\nb', 'a line feed'],
  ['a\r\nA001 LOGOUT', 'a line end'],
  ['a\tb', 'a tab'],
  ['a\x7f', 'DEL'],
  ['a\u0085b', 'a C1 control'],
  ['a\u009bb', 'a C1 control'],
  ['a\u2028b', 'a line separator'],
  [`caf${e}`, 'not in NFC'],
  ['\u212b', 'not in NFC: the sign for the unit'],
  ['\ud800', 'half of a surrogate pair'],
  ['a\udc00b', 'half of a surrogate pair'],
  ['a\u202eb', 'it turns the writing direction'],
  ['inbox', 'the inbox in another case'],
  ['Inbox', 'the inbox in another case'],
  ['iNBOX', 'the inbox in another case'],
  ['inbox/child', 'a level below the inbox in another case'],
  ['x'.repeat(1001), '1,001 octets'],
  ['é'.repeat(501), '1,002 octets'],
  [Array(26).fill('d').join('/'), '26 levels'],
]

/** Names that look like something to a database, a file system, a shell or a protocol, and are only names. */
const harmless: readonly string[] = [
  "'; DROP TABLE mailbox; --",
  '" OR "1"="1',
  "Robert'); DELETE FROM message;--",
  '%',
  '_',
  '*',
  '?1',
  ':name',
  '$1',
  '${x}',
  '..',
  '../..',
  '../../etc/passwd',
  '.',
  '.hidden',
  'C:\\Windows',
  '\\\\host\\share',
  'INBOX/..',
  'INBOX/child',
  'INBOX.child',
  'INBOX ',
  ' INBOX',
  'ınbox',
  '$(id)',
  '`id`',
  '&AC8-',
  '&AAA-',
  '~',
  '{5}',
  '"quoted"',
  'NIL',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'con',
  'a b',
  ' ',
  'café',
  'CAFÉ',
  'Straße',
  'STRASSE',
  '受信トレイ',
  '😀/👍🏽',
  'ﬁ',
  'fi',
  'x'.repeat(1000),
  'é'.repeat(500),
  Array(25).fill('d').join('/'),
]

/** Cases about hostile names. */
export const nameCases: readonly StoreCase[] = [
  {
    name: 'P8, P9: names that no mailbox can have are refused, for making, renaming and subscribing alike (RFC 9051 §5.1, RFC 5198 §2)',
    async run(world) {
      const account = await open(world)
      const box = await account.create('box')
      for (const [name, fault] of forbidden) {
        const said = `${JSON.stringify(name.slice(0, 30))} is refused: ${fault}`
        await refuses(`${said}, when it is made`, account.create(name), 'invalid')
        await refuses(`${said}, as a new name`, account.rename(box.id, name), 'invalid')
        await refuses(`${said}, as a subscription`, account.subscribe(name), 'invalid')
      }
      same('nothing came of it', await namesOf(account), ['INBOX', 'box'])
      same('nor of the subscriptions', await account.subscriptions(), [])
    },
  },
  {
    name: 'P9, P10: names that look like SQL, paths, patterns or code are names, compared octet by octet, and harm nothing else',
    async run(world) {
      const account = await open(world)
      const ids = new Map<string, string>()
      for (const name of harmless) {
        const made = await account.create(name)
        same('the name is kept as it was given', made.name, name)
        ids.set(name, made.id)
        await account.mailbox(made.id).append([letter({ text: name.slice(0, 50) })])
        await account.subscribe(name)
      }
      const sorted = ['INBOX', ...harmless].sort()
      same('all are there, each its own', await namesOf(account), sorted)
      same('all are subscribed', [...(await account.subscriptions())].sort(), [...harmless].sort())
      for (const name of harmless) {
        const info = await infoOf(account, name)
        same('the same mailbox', info.id, ids.get(name))
        same('with its one message', (await look(account.mailbox(info.id))).length, 1)
        promised('an id is no path and no code', /^[\w-]+$/.test(info.id), () => info.id)
      }
      same('the inbox is untouched', await look(await inboxOf(account)), [])
      same('other accounts too', await namesOf(await open(world, 'bob')), ['INBOX'])
    },
  },
  {
    name: 'P9, P10: a rename touches the names below it as text, whatever characters they hold',
    async run(world) {
      const account = await open(world)
      for (const name of harmless.filter(name => name.length < 100 && !name.includes('/'))) {
        const made = await account.create(`top/${name}`)
        const below = await account.create(`top/${name}/below`)
        await account.create(`top/${name}x/below`)
        await account.rename(made.id, `moved/${name}`)
        same('the inferior follows', (await infoOf(account, `moved/${name}/below`)).id, below.id)
        const names = (await namesOf(account)).filter(other => other.startsWith('top/'))
        same('its neighbour stays', names, [`top/${name}x/below`])
        await account.remove((await infoOf(account, `top/${name}x/below`)).id)
      }
    },
  },
]
