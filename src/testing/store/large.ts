/** Cases about size: a mailbox of a hundred thousand messages is read in pages. */

import { ALL_UIDS } from '../../contracts/index.ts'
import { inboxOf, letter, open, promised, read, runs, runsText, same, type StoreCase } from './world.ts'

/** Cases about large mailboxes. */
export const largeCases: readonly StoreCase[] = [
  {
    name: 'A large mailbox is read in pages, each message once and in order, and changes between pages show (I1, I5)',
    async run(world) {
      const account = await open(world)
      const inbox = await inboxOf(account)
      const { many } = world
      const batch = 1000
      for (let first = 0; first < many; first += batch) {
        const length = Math.min(batch, many - first)
        await inbox.append(Array.from({ length }, (_, at) => letter({ text: 'many', internalDate: (first + at) * 1000 })))
      }
      const { messages, uidNext } = await inbox.status()
      same('all are counted', messages, many)
      let count = 0
      let largest = 0
      let last = 0
      for await (const page of inbox.records(ALL_UIDS, [])) {
        largest = Math.max(largest, page.length)
        for (const { uid, internalDate } of page) {
          promised('ascending', uid > last, () => `${uid} after ${last}`)
          if (internalDate !== count * 1000) same(`message ${count} is in its place`, internalDate, count * 1000)
          last = uid
          count += 1
        }
      }
      same('each once', count, many)
      promised('in pages of at most some thousands', largest <= 10_000, () => `a page of ${largest}`)
      promised('UIDNEXT is above all', uidNext > last, () => `${uidNext}, last UID ${last}`)

      const middle = Math.floor(many / 2)
      const slice = await read(inbox, runs(middle, middle + 9, many - 1, many))
      same(
        'ranges are found',
        slice.map(({ uid }) => Number(uid)),
        [...Array.from({ length: 10 }, (_, n) => middle + n), many - 1, many],
      )
      const { highestModSeq } = await inbox.status()
      const result = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['\\Seen'] })
      same('all are flagged at once', [runsText('changed', result.changed), (await inbox.status()).unseen], [`1:${many}`, 0])
      await inbox.flag(runs(middle, middle), { kind: 'add', flags: ['x'] })
      const since = result.modSeq ?? highestModSeq
      same(
        'one changed since',
        (await read(inbox, ALL_UIDS, [], { changedSince: since })).map(({ uid }) => Number(uid)),
        [middle],
      )

      const seen: number[] = []
      for await (const page of inbox.records(ALL_UIDS, [])) {
        if (seen.length === 0) {
          await inbox.expunge(runs(many - 4, many))
          await inbox.append([letter()])
        }
        seen.push(...page.map(({ uid }) => uid))
      }
      if (many > 20_000) {
        promised('what was expunged meanwhile is not told', !seen.includes(many) && !seen.includes(many - 4), () => `UID ${seen.at(-1)}`)
        same('what was added meanwhile is', (seen.at(-1) ?? 0) > many, true)
      }
      const gone = await inbox.expunge(runs(2, many))
      same(
        'all but the first and the new one go at once',
        [runsText('expunged', gone), (await inbox.status()).messages],
        [`2:${many - 5}`, 2],
      )
    },
  },
  {
    name: 'Reading stops when the reader does, or when its signal fires between pages',
    async run(world) {
      const inbox = await inboxOf(await open(world))
      await inbox.append(Array.from({ length: 300 }, () => letter()))
      for await (const page of inbox.records(ALL_UIDS, [])) {
        promised('a page is not empty', page.length > 0, () => 'an empty page')
        break
      }
      const ending = new AbortController()
      const reason = new Error('the client left')
      ending.abort(reason)
      const seen = await read(inbox, ALL_UIDS, [], { signal: ending.signal }).then(
        records => records.length === 300,
        (error: unknown) => error === reason,
      )
      promised('a signal that has fired ends it with its reason, or not at all', seen, () => 'another error or another end')
      await inbox.expunge(ALL_UIDS)
      same('and nothing is locked', (await inbox.status()).messages, 0)
    },
  },
]
