/** Cases about accounts and mailboxes: names, ids, UIDVALIDITY, special use, subscriptions. RFC 9051 §5.1, §6.3.4-§6.3.7; RFC 8474 §4. */

import type { ModSeq, Uid } from '../../contracts/index.ts'
import { inboxOf, infoOf, kindOf, letter, look, namesOf, open, promised, read, refuses, runs, same, type StoreCase } from './world.ts'

/** Cases about accounts and mailboxes. */
export const mailboxCases: readonly StoreCase[] = [
  {
    name: 'An account that is opened for the first time has one mailbox, INBOX, and it is empty',
    async run(world) {
      const account = await open(world)
      same('the account knows its id', account.id, 'ann')
      same('there is INBOX and nothing else', await namesOf(account), ['INBOX'])
      const status = await (await inboxOf(account)).status()
      same('the inbox is empty', [status.messages, status.unseen, status.deleted, status.size], [0, 0, 0, 0])
      promised('UIDNEXT is at least 1', status.uidNext >= 1, () => String(status.uidNext))
      promised('the MODSEQ is a safe integer', Number.isSafeInteger(status.highestModSeq), () => String(status.highestModSeq))
      same('nothing is subscribed', await account.subscriptions(), [])
    },
  },
  {
    name: 'Opening an account again shows the same mail, and another account none of it (P14)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letter()])
      const again = await inboxOf(await open(world))
      same('another handle sees the same mailbox', [again.id, await look(again)], [inbox.id, await look(inbox)])
      const bob = await open(world, 'bob')
      same('bob has mail of his own only', await look(await inboxOf(bob)), [])
      const theirs = await inboxOf(bob)
      // An id names a mailbox within its account. Where both accounts have the same id, it must lead each to its own.
      if (theirs.id === inbox.id) return
      await refuses('a mailbox of ann is not there for bob', bob.mailbox(inbox.id).status(), 'no-such-mailbox')
      await refuses('nor can he read it', read(bob.mailbox(inbox.id)), 'no-such-mailbox')
      await theirs.append([letter()])
      await refuses('nor copy into it', theirs.copy(runs(1, 1), inbox.id), 'no-such-mailbox')
      await refuses('nor rename it', bob.rename(inbox.id, 'mine'), 'no-such-mailbox')
      await refuses('nor remove it', bob.remove(inbox.id), 'no-such-mailbox')
      const before = [await inbox.status(), await look(inbox), await look(theirs)]
      const foreign = bob.mailbox(inbox.id)
      const calls: Readonly<Record<string, () => Promise<unknown> | undefined>> = {
        append: () => foreign.append([letter()]),
        flag: () => foreign.flag(runs(1, 9), { kind: 'add', flags: ['\\Seen'] }),
        expunge: () => foreign.expunge(runs(1, 9)),
        copy: () => foreign.copy(runs(1, 9), theirs.id),
        move: () => foreign.move?.(runs(1, 9), theirs.id),
        'move into it': () => theirs.move?.(runs(1, 9), inbox.id),
        vanishedSince: () => foreign.vanishedSince?.(0 as ModSeq),
        summaries: () => foreign.summaries?.({ first: 1 as Uid, last: 9 as Uid }),
      }
      for (const [name, call] of Object.entries(calls)) {
        const asked = call()
        if (asked !== undefined) await refuses(`nor does ${name} reach it`, asked, 'no-such-mailbox')
      }
      same('nothing came of it', [await inbox.status(), await look(inbox), await look(theirs)], before)
    },
  },
  {
    name: 'Ids of accounts are compared exactly and never mean anything else (P9, P10)',
    async run(world) {
      const ids = ['ann', 'Ann', 'ann ', 'ann/bob', '../ann', "ann'; DROP TABLE mailbox; --", 'a%', '_', 'ånn', 'x'.repeat(255)]
      for (const id of ids) await (await inboxOf(await open(world, id))).append([letter({ text: id })])
      for (const id of ids) {
        const account = await open(world, id)
        same(`${JSON.stringify(id)} has its one message`, [account.id, (await look(await inboxOf(account))).length], [id, 1])
      }
      for (const id of ['', 'x'.repeat(256), 'a\0b', 'a\nb']) {
        await refuses(`${JSON.stringify(id.slice(0, 9))} is no account`, open(world, id), 'invalid')
      }
    },
  },
  {
    name: 'A mailbox is made once: the same name again, or a special use that is taken, is refused (RFC 9051 §6.3.4, RFC 6154 §3)',
    async run(world) {
      const account = await open(world)
      const sent = await account.create('Sent', { specialUse: 'Sent' })
      same('the answer is the mailbox', await infoOf(account, 'Sent'), sent)
      same('with its use', sent.specialUse, 'Sent')
      await refuses('the same name again', account.create('Sent'), 'already-exists')
      await refuses('the inbox again', account.create('INBOX'), 'already-exists')
      await refuses('a use that is taken', account.create('Outgoing', { specialUse: 'Sent' }), 'already-exists')
      same('and nothing came of it', await namesOf(account), ['INBOX', 'Sent'])
      await account.rename(sent.id, 'Gone out')
      same('the use follows the mailbox', (await infoOf(account, 'Gone out')).specialUse, 'Sent')
      await account.remove(sent.id)
      same('a use is free again when its mailbox is gone', (await account.create('New', { specialUse: 'Sent' })).specialUse, 'Sent')
    },
  },
  {
    name: 'Levels of the hierarchy come and go on their own: superiors are not made, inferiors are not removed (RFC 9051 §6.3.4, §6.3.5)',
    async run(world) {
      const account = await open(world)
      await account.create('a/b/c')
      same('no superior is made', await namesOf(account), ['INBOX', 'a/b/c'])
      const a = await account.create('a')
      await account.remove(a.id)
      same('inferiors stay', await namesOf(account), ['INBOX', 'a/b/c'])
    },
  },
  {
    name: 'I33: renaming takes all inferiors along and nothing else; ids, UIDVALIDITY and messages stay (RFC 9051 §6.3.6, RFC 8474 §4.1)',
    async run(world) {
      const account = await open(world)
      const names = ['work', 'work/a', 'work/a/b', 'workshop', 'work.a', 'Work/x', 'other/work/a', 'work%', 'w_rk/y']
      for (const name of names) {
        const { id } = await account.create(name)
        await account.mailbox(id).append([letter({ text: name })])
      }
      const before = new Map((await account.mailboxes()).map(info => [info.name, info]))
      const contents = new Map<string, readonly string[]>()
      for (const { id } of before.values()) contents.set(id, await look(account.mailbox(id)))
      await account.rename(before.get('work')?.id ?? '', 'play/ground')
      const moved = new Map([
        ['work', 'play/ground'],
        ['work/a', 'play/ground/a'],
        ['work/a/b', 'play/ground/a/b'],
      ])
      const expected = [...before.values()].map(info => [moved.get(info.name) ?? info.name, info.id, info.uidValidity])
      const byName = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1)
      const seen = (await account.mailboxes()).map(info => [info.name, info.id, info.uidValidity])
      same('names moved, ids and UIDVALIDITY stayed', seen.sort(byName), expected.sort(byName))
      for (const [id, lines] of contents) same('messages stay as they were', await look(account.mailbox(id)), lines)
    },
  },
  {
    name: 'A rename that cannot be made whole changes nothing (RFC 9051 §6.3.6)',
    async run(world) {
      const account = await open(world)
      const a = await account.create('a')
      await account.create('a/x')
      await account.create('b/x')
      await account.create('c')
      const inbox = await inboxOf(account)
      const names = await namesOf(account)
      await refuses('an inferior would take a name that is taken', account.rename(a.id, 'b'), 'already-exists')
      await refuses('the name is taken', account.rename(a.id, 'c'), 'already-exists')
      await refuses('the name is that of the inbox', account.rename(a.id, 'INBOX'), 'already-exists')
      await refuses('a mailbox cannot lie below itself', account.rename(a.id, 'a/y'), 'invalid')
      await refuses('an inferior would become too deep', account.rename(a.id, Array(25).fill('d').join('/')), 'invalid')
      await refuses('an inferior would become too long', account.rename(a.id, 'n'.repeat(999)), 'invalid')
      await refuses('the inbox keeps its name', account.rename(inbox.id, 'in'), 'no-permission')
      await refuses('the inbox stays', account.remove(inbox.id), 'no-permission')
      await refuses('there is no such mailbox', account.rename('no such id', 'z'), 'no-such-mailbox')
      await refuses('there is no such mailbox to remove', account.remove('no such id'), 'no-such-mailbox')
      same('all is as it was', await namesOf(account), names)
    },
  },
  {
    name: 'I3, I28: name and UIDVALIDITY never repeat, nor does an id, however often a mailbox is removed, made again or renamed into place (RFC 9051 §2.3.1.1)',
    async run(world) {
      const account = await open(world)
      const pairs = new Set<string>()
      const ids = new Set<string>()
      const meet = async (name: string): Promise<void> => {
        const { id, uidValidity } = await infoOf(account, name)
        promised(
          'UIDVALIDITY is 1 to 2^32-1',
          Number.isInteger(uidValidity) && uidValidity >= 1 && uidValidity <= 0xffff_ffff,
          () => `${uidValidity}`,
        )
        promised('(name, UIDVALIDITY) is new', !pairs.has(`${name} ${uidValidity}`), () => `${name} has ${uidValidity} again`)
        promised('an id is an RFC 8474 objectid', /^[\w-]{1,255}$/.test(id), () => id)
        pairs.add(`${name} ${uidValidity}`)
        ids.add(id)
        await account.mailbox(id).append([letter()])
        same('status tells the same UIDVALIDITY', (await account.mailbox(id).status()).uidValidity, uidValidity)
      }
      for (let round = 0; round < 4; round++) {
        const made = await account.create('box')
        promised('the id of a removed mailbox is not given to another', !ids.has(made.id), () => made.id)
        await meet('box')
        await account.remove(made.id)
        const other = await account.create(`other ${round}`)
        await account.rename(other.id, 'box')
        await meet('box')
        await account.remove(other.id)
      }
    },
  },
  {
    name: 'A mailbox that was removed is gone for every call, its messages with it',
    async run(world) {
      const account = await open(world)
      const { id } = await account.create('box')
      const box = account.mailbox(id)
      const inbox = await inboxOf(account)
      await box.append([letter()])
      await inbox.append([letter()])
      await account.remove(id)
      const all = [{ first: 1, last: 9 } as never]
      await refuses('status', box.status(), 'no-such-mailbox')
      await refuses('records', read(box), 'no-such-mailbox')
      await refuses('append', box.append([letter()]), 'no-such-mailbox')
      await refuses('flag', box.flag(all, { kind: 'add', flags: ['x'] }), 'no-such-mailbox')
      await refuses('copy', box.copy(all, inbox.id), 'no-such-mailbox')
      await refuses('copy into it', inbox.copy(all, id), 'no-such-mailbox')
      await refuses('expunge', box.expunge(all), 'no-such-mailbox')
      if (box.move !== undefined) await refuses('move', box.move(all, inbox.id), 'no-such-mailbox')
      if (inbox.move !== undefined) await refuses('move into it', inbox.move(all, id), 'no-such-mailbox')
      if (box.vanishedSince !== undefined) await refuses('vanishedSince', box.vanishedSince(0 as never), 'no-such-mailbox')
      await refuses('remove', account.remove(id), 'no-such-mailbox')
      same('the inbox keeps its message', (await look(inbox)).length, 1)
    },
  },
  {
    name: 'I33: when many make or rename to one name at once, one of them succeeds',
    async run(world) {
      const account = await open(world)
      const others = await Promise.all([1, 2, 3, 4].map(n => account.create(`old ${n}`)))
      const tries = [1, 2, 3, 4].map(async () => {
        await (await open(world)).create('one')
      })
      const renames = others.map(({ id }) => account.rename(id, 'one'))
      const results = await Promise.allSettled([...tries, ...renames])
      same('one succeeded', results.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const result of results) {
        if (result.status === 'rejected') same('the others hear that it exists', kindOf(result.reason), 'already-exists')
      }
      same('one mailbox has the name', (await namesOf(account)).filter(name => name === 'one').length, 1)
    },
  },
  {
    name: 'Subscriptions are names: they need no mailbox and outlive it; again is no error (RFC 9051 §6.3.7)',
    async run(world) {
      const account = await open(world)
      const box = await account.create('box')
      await account.subscribe('box')
      await account.subscribe('box')
      await account.subscribe('no such mailbox')
      same('each name once', [...(await account.subscriptions())].sort(), ['box', 'no such mailbox'])
      await account.remove(box.id)
      same('removing the mailbox keeps the subscription', [...(await account.subscriptions())].sort(), ['box', 'no such mailbox'])
      await account.unsubscribe('box')
      await account.unsubscribe('box')
      await account.unsubscribe('never subscribed')
      same('what was taken away is away', await account.subscriptions(), ['no such mailbox'])
      same('another account has its own', await (await open(world, 'bob')).subscriptions(), [])
    },
  },
  {
    name: 'An account that was removed is gone with all its mail; opened again it is a new one whose UIDVALIDITY is new',
    needs: ['removeAccount'],
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      await inbox.append([letter()])
      await account.subscribe('x')
      const { uidValidity } = await inbox.status()
      const bob = await inboxOf(await open(world, 'bob'))
      await bob.append([letter()])
      await world.store.removeAccount?.('ann')
      await world.store.removeAccount?.('ann')
      await world.store.removeAccount?.('never there')
      await refuses('an old handle finds nothing', inbox.status(), 'no-such-account', 'no-such-mailbox')
      await refuses('and stores nothing', inbox.append([letter()]), 'no-such-account', 'no-such-mailbox')
      const anew = await open(world)
      const status = await (await inboxOf(anew)).status()
      same('the new account is empty', [status.messages, await namesOf(anew), await anew.subscriptions()], [0, ['INBOX'], []])
      promised('its UIDVALIDITY is another', status.uidValidity !== uidValidity, () => `${uidValidity} again`)
      same('others keep their mail', (await look(bob)).length, 1)
    },
  },
]
