/** Cases about flags: set operations, MODSEQ, `unchangedSince`. RFC 9051 §6.4.6; RFC 7162 §3.1. */

import { ALL_UIDS, type FlagChange, type Mailbox, type ModSeq } from '../../contracts/index.ts'
import { inboxOf, letter, look, open, promised, read, runs, runsText, same, type StoreCase } from './world.ts'

async function flagsOf(mailbox: Mailbox): Promise<readonly string[]> {
  return (await read(mailbox)).map(({ uid, flags }) => `${uid} ${[...flags].sort().join(' ')}`.trim())
}

/** Cases about flags. */
export const flagCases: readonly StoreCase[] = [
  {
    name: 'Flags are added, removed and set exactly as said, on exactly the messages in the ranges (RFC 9051 §6.4.6)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letter(), letter({ flags: ['\\Seen'] }), letter({ flags: ['\\Seen', '$Junk'] }), letter()])
      const change = (kind: FlagChange['kind'], ...flags: readonly string[]): FlagChange => ({ kind, flags })
      const added = await inbox.flag(runs(1, 3), change('add', '\\Seen', '\\Flagged'))
      same('add', await flagsOf(inbox), ['1 \\Flagged \\Seen', '2 \\Flagged \\Seen', '3 $Junk \\Flagged \\Seen', '4'])
      same('all three changed', runsText('changed', added.changed), '1:3')
      const removed = await inbox.flag(runs(2, 4), change('remove', '$Junk', '\\Seen', 'never-there'))
      same('remove', await flagsOf(inbox), ['1 \\Flagged \\Seen', '2 \\Flagged', '3 \\Flagged', '4'])
      same('two of them changed', runsText('changed', removed.changed), '2:3')
      const set = await inbox.flag(ALL_UIDS, change('set', '\\Flagged'))
      same('set', await flagsOf(inbox), ['1 \\Flagged', '2 \\Flagged', '3 \\Flagged', '4 \\Flagged'])
      same('those that were otherwise changed', runsText('changed', set.changed), '1,4')
      await inbox.flag(runs(1, 1), change('set'))
      same('set to nothing', await flagsOf(inbox), ['1', '2 \\Flagged', '3 \\Flagged', '4 \\Flagged'])
      same('ranges without messages', runsText('changed', (await inbox.flag(runs(9, 99), change('add', 'x'))).changed), '')
      same('nothing was refused', [added.refused, removed.refused, set.refused], [[], [], []])
    },
  },
  {
    name: 'Keywords are compared octet by octet: another case is another flag, and a keyword is not a system flag (RFC 9051 §2.3.2)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const flags = ['Work', 'work', 'WORK', 'Seen', '\\Seen', '$Forwarded', "x';--", 'a$b_c']
      await inbox.append([letter({ flags })])
      same('each is its own', await flagsOf(inbox), [`1 ${[...flags].sort().join(' ')}`])
      await inbox.flag(ALL_UIDS, { kind: 'remove', flags: ['work', 'Seen'] })
      const rest = flags.filter(flag => flag !== 'work' && flag !== 'Seen')
      same('only those named go', await flagsOf(inbox), [`1 ${rest.sort().join(' ')}`])
      const { unseen } = await inbox.status()
      same('the message is seen', unseen, 0)
      const many = Array.from({ length: 100 }, (_, n) => `keyword-${n}`)
      await inbox.flag(ALL_UIDS, { kind: 'set', flags: many })
      same('a hundred of them', await flagsOf(inbox), [`1 ${many.sort().join(' ')}`])
    },
  },
  {
    name: 'I18, I21: one new MODSEQ for all that change, above every earlier one; what was so already keeps its own (RFC 7162 §3.1)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letter(), letter({ flags: ['a'] }), letter()])
      const before = await read(inbox)
      const { highestModSeq: highest } = await inbox.status()
      const result = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['a'] })
      same('those without it changed', runsText('changed', result.changed), '1,3')
      promised('the MODSEQ is new', (result.modSeq ?? 0) > highest, () => `${result.modSeq} after ${highest}`)
      const after = await read(inbox)
      same(
        'it is that of the changed ones',
        after.map(({ modSeq }) => modSeq),
        [result.modSeq, before[1]?.modSeq, result.modSeq],
      )
      const status = await inbox.status()
      const again = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['a'] })
      same('again changes nothing', [again.changed, again.refused, again.modSeq], [[], [], undefined])
      same('no MODSEQ is raised for nothing', [await read(inbox), await inbox.status()], [after, status])
      await inbox.flag(ALL_UIDS, { kind: 'set', flags: ['a'] })
      await inbox.flag(ALL_UIDS, { kind: 'remove', flags: ['b'] })
      same('in no way', [await read(inbox), await inbox.status()], [after, status])
    },
  },
  {
    name: 'I10: two who add flags to the same messages at once both succeed, and a remover takes only its own (RFC 9051 §6.4.6)',
    async run(world) {
      const boxes = await Promise.all([1, 2, 3, 4].map(async () => inboxOf(await open(world))))
      const [inbox] = boxes
      if (inbox === undefined) return
      await inbox.append(Array.from({ length: 5 }, () => letter({ flags: ['old'] })))
      const rounds = 10
      const everything: string[] = []
      for (let round = 0; round < rounds; round++) {
        await Promise.all(
          boxes.map((box, n) => {
            const flag = `by-${n}-${round}`
            everything.push(flag)
            return box.flag(ALL_UIDS, { kind: 'add', flags: [flag] })
          }),
        )
      }
      const all = ['old', ...everything].sort().join(' ')
      same(
        'every flag survived',
        await flagsOf(inbox),
        [1, 2, 3, 4, 5].map(uid => `${uid} ${all}`),
      )
      await Promise.all([
        inbox.flag(ALL_UIDS, { kind: 'remove', flags: ['old'] }),
        boxes[1]?.flag(ALL_UIDS, { kind: 'add', flags: ['new'] }),
        boxes[2]?.flag(ALL_UIDS, { kind: 'remove', flags: everything }),
      ])
      same(
        'and nothing came back',
        await flagsOf(inbox),
        [1, 2, 3, 4, 5].map(uid => `${uid} new`),
      )
    },
  },
  {
    name: 'I22: with `unchangedSince`, what changed later is left alone and reported, the rest is changed (RFC 7162 §3.1.3)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letter(), letter(), letter({ flags: ['x'] })])
      const { highestModSeq: unchangedSince } = await inbox.status()
      await inbox.flag(runs(2, 2), { kind: 'add', flags: ['by-another'] })
      const result = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['x'] }, { unchangedSince })
      same('refused', runsText('refused', result.refused), '2')
      same('changed', runsText('changed', result.changed), '1')
      same('so are the flags', await flagsOf(inbox), ['1 x', '2 by-another', '3 x'])
      const lines = await look(inbox)
      const none = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['y'] }, { unchangedSince: 0 as ModSeq })
      same('0 refuses every message', [runsText('refused', none.refused), none.changed, none.modSeq], ['1:3', [], undefined])
      same('and changes none', await look(inbox), lines)
    },
  },
  {
    name: 'I22: of those who race with the same `unchangedSince` exactly one wins, for every message (RFC 7162 §3.1.3)',
    async run(world) {
      const boxes = await Promise.all([1, 2, 3, 4, 5].map(async () => inboxOf(await open(world))))
      const [inbox] = boxes
      if (inbox === undefined) return
      await inbox.append([letter(), letter()])
      for (let round = 0; round < 10; round++) {
        const { highestModSeq: unchangedSince } = await inbox.status()
        const results = await Promise.all(
          boxes.map((box, n) => box.flag(ALL_UIDS, { kind: 'add', flags: [`${round}-${n}`] }, { unchangedSince })),
        )
        const winners = results.flatMap(({ changed }, n) => (changed.length > 0 ? [n] : []))
        same('one wins', winners.length, 1)
        for (const { changed, refused } of results) {
          same('each message is changed or refused', [runsText('', changed), runsText('', refused)].sort(), ['', '1:2'])
        }
        const [record] = await read(inbox)
        same(
          'only the winner’s flag is there',
          record?.flags.filter(flag => flag.startsWith(`${round}-`)),
          [`${round}-${winners[0]}`],
        )
      }
    },
  },
]
