/** Cases about adding, reading and expunging messages. RFC 9051 §2.3, §6.3.12, §6.4.3. */

import { ALL_UIDS, MAX_UID, type MessageSource } from '../../contracts/index.ts'
import { seededRandom } from '../seeded-random.ts'
import { inboxOf, letter, letterOf, look, octets, open, promised, read, runs, runsText, same, slowSource, type StoreCase } from './world.ts'
import { contentOf, sameOctets, wholeOf } from './world.ts'

/** Cases about messages. */
export const messageCases: readonly StoreCase[] = [
  {
    name: 'I1, I2, I13: messages get ascending UIDs in the order they are given, all below UIDNEXT, and are told as they were given (RFC 9051 §2.3.1.1)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const before = await inbox.status()
      const letters = [
        letter({ text: 'one', flags: ['\\Seen', '$Junk'], internalDate: 1_000 }),
        letter({ text: 'two', internalDate: 4_102_444_800_000 }),
        letter({ text: 'three', flags: ['\\Deleted'], internalDate: 0, prefix: octets('Delivered-To: ann\r\n') }),
      ]
      const { uids, uidValidity } = await inbox.append(letters)
      same('one UID for each message', uids.length, 3)
      promised('they ascend from UIDNEXT', (uids[0] ?? 0) >= before.uidNext && isAscending(uids), () => `${uids} from ${before.uidNext}`)
      same('UIDVALIDITY is that of the mailbox', uidValidity, before.uidValidity)
      const records = await read(inbox)
      same(
        'flags, sizes and dates are those given, in order',
        records.map(({ uid, flags, size, internalDate }) => [uid, [...flags].sort(), size, internalDate]),
        await Promise.all(letters.map(async (one, at) => [uids[at], [...one.flags].sort(), (await wholeOf(one)).length, one.internalDate])),
      )
      const more = await inbox.append([letter()])
      promised('later ones get greater UIDs', (more.uids[0] ?? 0) > (uids[2] ?? 0), () => `${more.uids} after ${uids}`)
      same('adding nothing adds nothing', (await inbox.append([])).uids, [])
      const after = await inbox.status()
      promised('UIDNEXT is above all', after.uidNext > (more.uids[0] ?? 0), () => `UIDNEXT ${after.uidNext}, UID ${more.uids}`)
    },
  },
  {
    name: 'I16: the counts are those of the messages at that moment (RFC 9051 §6.3.11)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append([letterOf(10), letterOf(20, ['\\Seen']), letterOf(30, ['\\Seen', '\\Deleted']), letterOf(40, ['\\Deleted'])])
      const counts = async (): Promise<readonly number[]> => {
        const { messages, unseen, deleted, size } = await inbox.status()
        return [messages, unseen, deleted, size]
      }
      same('messages, unseen, deleted, octets', await counts(), [4, 2, 2, 100])
      await inbox.flag(runs(1, 1), { kind: 'set', flags: ['\\Seen', '\\Deleted', 'x'] })
      same('after a change of flags', await counts(), [4, 1, 3, 100])
      await inbox.flag(ALL_UIDS, { kind: 'remove', flags: ['\\Seen'] })
      same('after another', await counts(), [4, 4, 3, 100])
      await inbox.expunge(ALL_UIDS, { having: '\\Deleted' })
      same('after an expunge', await counts(), [1, 1, 0, 20])
      await inbox.copy(ALL_UIDS, inbox.id)
      same('after a copy', await counts(), [2, 2, 0, 40])
    },
  },
  {
    name: 'Records are those in the ranges; what is not there is passed over, however wide the question',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append(Array.from({ length: 10 }, (_, n) => letter({ text: `${n}` })))
      await inbox.expunge(runs(3, 4, 8, 8))
      const seen = async (...ends: readonly number[]): Promise<string> => (await read(inbox, runs(...ends))).map(({ uid }) => uid).join()
      same('all', await seen(1, MAX_UID), '1,2,5,6,7,9,10')
      same('some', await seen(2, 3, 6, 9), '2,6,7,9')
      same('gaps only', await seen(3, 4, 8, 8), '')
      same('none', await seen(), '')
      same('beyond the end', await seen(11, MAX_UID), '')
      same('the last UID there can be', await seen(MAX_UID, MAX_UID), '')
    },
  },
  {
    name: 'I1, I6: expunge removes exactly the messages in the ranges, answers them, and their UIDs never come back (RFC 9051 §6.4.3, §6.4.9)',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append(Array.from({ length: 6 }, (_, n) => letter({ flags: n % 2 === 0 ? ['\\Deleted'] : ['deleted'] })))
      const first = await inbox.expunge(runs(2, 5), { having: '\\Deleted' })
      same('those with the flag', runsText('expunge', first), '3,5')
      same('the others stay', (await read(inbox)).map(({ uid }) => uid).join(), '1,2,4,6')
      same('again removes nothing', runsText('expunge', await inbox.expunge(runs(2, 5), { having: '\\Deleted' })), '')
      same('without a flag all go', runsText('expunge', await inbox.expunge(runs(4, MAX_UID))), '4,6')
      const { uidNext } = await inbox.status()
      promised('UIDNEXT does not fall', uidNext > 6, () => String(uidNext))
      const { uids } = await inbox.append([letter()])
      promised('a UID is not given again', (uids[0] ?? 0) > 6, () => `UID ${uids} after 6`)
      await inbox.expunge(ALL_UIDS)
      const last = await inbox.append([letter()])
      promised('nor after the mailbox was empty', (last.uids[0] ?? 0) > (uids[0] ?? 0), () => `UID ${last.uids} after ${uids}`)
    },
  },
  {
    name: 'I4: octets, size, date and summary of a UID stay as they were given, whatever happens around it (RFC 9051 §2.3.1.1)',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const box = account.mailbox((await account.create('box')).id)
      const mine = octets('the sender will scribble on this later')
      const prefix = octets('Return-Path: <>\r\n')
      const summary = new Uint8Array([0, 255, 13, 10, 0])
      const given = letter({ content: slowSource(mine), prefix, summary, internalDate: 86_400_000 })
      const whole = await wholeOf(given)
      const kept = { content: whole.slice(), summary: summary.slice() }
      await inbox.append([letter({ text: 'before' }), given, letter({ text: 'after' })])
      mine.fill(0x21)
      prefix.fill(0x21)
      summary.fill(0x21)
      const check = async (when: string): Promise<void> => {
        const [record] = await read(inbox, runs(2, 2), ['source', 'summary'])
        same(`size and date ${when}`, [record?.size, record?.internalDate, record?.source?.size], [whole.length, 86_400_000, whole.length])
        sameOctets(`octets ${when}`, await contentOf(record), kept.content)
        sameOctets(`summary ${when}`, record?.summary ?? new Uint8Array(), kept.summary)
      }
      await check('when it is there')
      await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['\\Seen'] })
      await inbox.copy(ALL_UIDS, box.id)
      await check('after flags and copies')
      await inbox.expunge(runs(1, 1, 3, 3))
      await box.expunge(ALL_UIDS)
      await inbox.append([letter({ text: 'after' }), letter({ text: 'another' })])
      await check('after others came and went')
    },
  },
  {
    name: 'A source answers any part of the octets, clamped to its size, also across the seam of prefix and content',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const random = seededRandom(world.seed)
      const sizes = [0, 1, 5, 4096, 70_000]
      for (const prefixSize of [0, 1, 300]) {
        for (const size of sizes) {
          const given = letter({ content: slowSource(random.bytes(size)), prefix: random.bytes(prefixSize) })
          const whole = await wholeOf(given)
          const { uids } = await inbox.append([given])
          const uid = uids[0] ?? 0
          const [record] = await read(inbox, runs(uid, uid), ['source'])
          const source = record?.source
          promised('the column `source` when it is asked for', source !== undefined, () => 'none')
          if (source === undefined) return
          const edges = [0, 1, prefixSize - 1, prefixSize, prefixSize + 1, whole.length - 1, whole.length, whole.length + 9, 1e9]
          for (let round = 0; round < 12; round++) edges.push(random.below(whole.length + 2))
          for (const start of edges.filter(edge => edge >= 0)) {
            const end = edges[random.below(edges.length)] ?? 0
            sameOctets(
              `octets ${start} to ${end} of ${whole.length}`,
              await source.read(start, end),
              whole.slice(start, Math.max(start, end)),
            )
          }
        }
      }
    },
  },
  {
    name: 'Many read many messages at once and each gets what it asked for',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const random = seededRandom(world.seed)
      const letters = Array.from({ length: 20 }, () => letter({ content: slowSource(random.bytes(50_000)) }))
      await inbox.append(letters)
      const records = await read(inbox, ALL_UIDS, ['source'])
      await Promise.all(
        records.map(async (record, at) => {
          const whole = await wholeOf(letters[at] ?? letter())
          const parts = Array.from({ length: 5 }, async (_, n) => record.source?.read(n * 10_000, (n + 1) * 10_000))
          for (const [n, part] of (await Promise.all(parts)).entries()) {
            sameOctets(`part ${n} of UID ${record.uid}`, part ?? new Uint8Array(), whole.subarray(n * 10_000, (n + 1) * 10_000))
          }
        }),
      )
    },
  },
  {
    name: 'A message that is expunged while it is read gives its own octets or `no-such-message`, never another’s',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const given = letter({ content: slowSource(new Uint8Array(200_000).fill(7)) })
      await inbox.append([given])
      const [record] = await read(inbox, ALL_UIDS, ['source'])
      await inbox.expunge(ALL_UIDS)
      await inbox.append([letter({ content: slowSource(new Uint8Array(200_000).fill(9)) })])
      try {
        sameOctets('its own octets', await contentOf(record), await wholeOf(given))
      } catch (error) {
        const gone = error instanceof Error && 'kind' in error && error.kind === 'no-such-message'
        if (!gone) throw error
      }
    },
  },
  {
    name: 'Columns that were asked for are there; the summary is kept octet for octet, empty or large',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      const random = seededRandom(world.seed)
      const summaries = [new Uint8Array(), random.bytes(1), random.bytes(65_536)]
      await inbox.append(summaries.map(summary => letter({ summary })))
      const records = await read(inbox, ALL_UIDS, ['summary'])
      same('all are there', records.length, 3)
      for (const [at, summary] of summaries.entries()) sameOctets('the summary', records[at]?.summary ?? octets('none'), summary)
    },
  },
  {
    name: 'Adding is all or none: when one of the messages cannot be read, none is there (I2: nothing half visible)',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      await inbox.append([letter()])
      const before = await look(inbox)
      const told: string[] = []
      account.watch(change => told.push(change.kind))
      const broken: MessageSource = { size: 1000, read: () => Promise.reject(new Error('the sender is gone')) }
      for (const content of [broken, { size: 1000, read: (): Uint8Array => new Uint8Array(10) }]) {
        const outcome = await inbox.append([letter(), letter({ content }), letter()]).then(
          () => 'it resolved',
          () => 'it rejected',
        )
        same('it is refused as a whole', outcome, 'it rejected')
      }
      same('nothing is there, nothing was told', [await look(inbox), told], [before, []])
      const { uids } = await inbox.append([letter()])
      same('and the next one is added', (await read(inbox)).at(-1)?.uid, uids[0])
    },
  },
  {
    name: 'I28: messages have equal email ids exactly when their octets are equal, prefix included (RFC 8474 §4.2)',
    needs: ['emailId'],
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const box = account.mailbox((await account.create('box')).id)
      const prefix = octets('Subject: ')
      const rest = octets('x\r\n\r\nx\r\n')
      await inbox.append([letter({ text: 'x' }), letter({ text: 'x', flags: ['\\Seen'], internalDate: 5_000 }), letter({ text: 'y' })])
      await inbox.append([letter({ text: 'x', prefix: octets('X: 1\r\n') }), letter({ content: slowSource(rest), prefix })])
      await inbox.copy(ALL_UIDS, box.id)
      const ids = (await read(inbox, ALL_UIDS, ['emailId'])).map(({ emailId }) => emailId ?? 'missing')
      for (const id of ids) promised('an email id is an RFC 8474 objectid', /^[\w-]{1,255}$/.test(id), () => id)
      same('equal octets, equal id', [ids[1], ids[4]], [ids[0], ids[0]])
      same('other octets, another id', new Set(ids).size, 3)
      same(
        'copies keep it',
        (await read(box, ALL_UIDS, ['emailId'])).map(({ emailId }) => emailId),
        ids,
      )
    },
  },
]

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))
}
