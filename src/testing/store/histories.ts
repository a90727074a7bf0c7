/**
 * The main property: after any history of changes, the store equals the model, and catching up from any past point gives
 * what a fresh reading gives. RFC 7162 §3.2.5; invariants I1-I4, I6, I13, I14, I18-I25, I34.
 */

import { ALL_UIDS, type MailAccount, type MailboxChange, type ModSeq } from '../../contracts/index.ts'
import { seededRandom } from '../seeded-random.ts'
import { type Copy, copyOf, rising, upToDate } from './copy.ts'
import { admit, applyFlags, compare, different, type ModelBox, modelBox, take } from './model.ts'
import { invent, type Step, stepText } from './steps.ts'
import { letter, line, listed, open, promised, read, refuses, runs, same, type StoreCase, type World } from './world.ts'

const STEPS = 60
const MOST_RERUNS = 150

/** The cases of made-up histories. */
export const historyCases: readonly StoreCase[] = [
  {
    name: 'I25: after any history the store equals the model, and catching up from any past point equals a fresh reading (RFC 7162 §3.2.5)',
    async run(world) {
      for (let number = 0; number < world.histories; number++) {
        const seed = world.seed * 1000 + number
        const steps = invent(seededRandom(seed), STEPS)
        const fault = await faultOf(world, steps)
        if (fault === undefined) continue
        const shortest = await shrink(world, steps)
        const told = (await faultOf(world, shortest)) ?? fault
        promised(
          'any history leaves what the model says',
          false,
          () =>
            `${told}\n    after these steps (seed ${world.seed}, history ${number}, made shorter):\n${shortest.map(stepText).join('\n')}`,
        )
      }
    },
  },
]

/** What goes wrong when the steps are taken, in a world of their own. */
async function faultOf(world: World, steps: readonly Step[]): Promise<string | undefined> {
  const own = await world.another()
  try {
    const history = await History.begin(own)
    for (const step of steps) await history.take(step)
    await history.end()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await own.end()
  }
}

/** Leaves out runs of steps, halving their length, as long as something still goes wrong. */
async function shrink(world: World, steps: readonly Step[]): Promise<readonly Step[]> {
  let shortest = steps
  let reruns = 0
  for (let length = Math.ceil(steps.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < shortest.length && reruns < MOST_RERUNS;) {
      const shorter = [...shortest.slice(0, at), ...shortest.slice(at + length)]
      reruns += 1
      if ((await faultOf(world, shorter)) === undefined) at += length
      else shortest = shorter
    }
  }
  return shortest
}

/** One run of steps, compared with the model after each. */
class History {
  readonly #account: MailAccount
  readonly #boxes: ModelBox[] = []
  readonly #names: Map<string, string> = new Map()
  readonly #told: MailboxChange[] = []
  /** Copies that were up to date at some past point, by mailbox. */
  readonly #past: { readonly box: ModelBox; readonly copy: Copy; readonly point: ModSeq }[] = []
  /** Copies that are kept up to date by what is told, by mailbox. */
  readonly #live: Map<string, Copy> = new Map()
  readonly #canCatchUp: boolean
  #letters = 0

  private constructor(account: MailAccount, canCatchUp: boolean) {
    this.#account = account
    this.#canCatchUp = canCatchUp
  }

  static async begin(world: World): Promise<History> {
    const account = await open(world)
    const history = new History(account, world.powers.has('vanishedSince'))
    for (const { id, name, uidValidity } of await account.mailboxes()) history.#know(id, name, uidValidity)
    account.watch(change => {
      history.#told.push(change)
      for (const [id, copy] of history.#live) copy.apply(change, id)
    })
    return history
  }

  async take(step: Step): Promise<void> {
    const box = this.#boxes[step.box % this.#boxes.length]
    const other = this.#boxes[step.other % this.#boxes.length]
    if (box === undefined || other === undefined) return
    const before = this.#told.length
    await this.#do(step, box, other)
    rising('told', this.#told.slice(before), this.#told[before - 1]?.modSeq ?? 0)
    if (this.#boxes.includes(box)) await this.#compare(box)
    if (other !== box) await this.#compare(other)
    if (step.mark) await this.#mark(box)
  }

  /** Catches up from every past point, and compares everything. */
  async end(): Promise<void> {
    for (const { box, copy, point } of this.#past) {
      if (!this.#boxes.includes(box)) continue
      const mailbox = this.#account.mailbox(box.id)
      await copy.catchUp(mailbox)
      await upToDate(`I25: catching up from MODSEQ ${point} equals a fresh reading`, copy, mailbox)
    }
    for (const box of this.#boxes) await this.#compare(box)
    const seen = (await this.#account.mailboxes()).map(({ id, name, uidValidity }) => `${name} ${id} ${uidValidity}`)
    const expected = this.#boxes.map(({ id, uidValidity }) => `${this.#names.get(id)} ${id} ${uidValidity}`)
    same('the mailboxes are those that were made', seen.sort(), expected.sort())
  }

  async #do(step: Step, box: ModelBox, other: ModelBox): Promise<void> {
    const mailbox = this.#account.mailbox(box.id)
    // UIDs are named by their distance from the last, so that a step means something wherever it stands.
    const last = Math.max(1, box.highestUid - step.back)
    const ranges = step.wide ? ALL_UIDS : runs(Math.max(1, last - step.length), last)
    const inside = box.messages.filter(({ uid }) => step.wide || (uid >= last - step.length && uid <= last))
    const uids = new Set(inside.map(({ uid }) => uid))
    switch (step.kind) {
      case 'append': {
        const letters = Array.from({ length: 1 + step.length }, () => {
          this.#letters += 1
          return letter({ text: `${this.#letters}`, flags: step.flags, internalDate: this.#letters * 1000 })
        })
        const result = await mailbox.append(letters)
        const expected = letters.map(({ content, flags, internalDate }) => ({ size: content.size, flags, internalDate }))
        admit(box, result.uids, expected)
        break
      }
      case 'add':
      case 'remove':
      case 'set': {
        const change = { kind: step.kind, flags: step.flags }
        const since = step.since ? box.highestModSeq - step.back : Number.MAX_SAFE_INTEGER
        const open = inside.filter(({ modSeq }) => modSeq <= since)
        const refused = inside.filter(({ modSeq }) => modSeq > since)
        const result = await mailbox.flag(ranges, change, step.since ? { unchangedSince: Math.max(0, since) as ModSeq } : undefined)
        const changing = new Set(different(open, change).map(({ uid }) => uid))
        same('changed are those that are different', listed(result.changed), [...changing])
        same(
          'refused are those that changed since',
          listed(result.refused),
          refused.map(({ uid }) => uid),
        )
        same('a MODSEQ when something changed', result.modSeq !== undefined, changing.size > 0)
        promised('it is new', changing.size === 0 || (result.modSeq ?? 0) > box.highestModSeq, () => `${result.modSeq}`)
        applyFlags(box, changing, change, result.modSeq ?? 0)
        break
      }
      case 'expunge': {
        const [having] = step.flags
        const goners = inside.filter(({ flags }) => having === undefined || flags.includes(having))
        const result = await mailbox.expunge(ranges, having === undefined ? undefined : { having })
        same(
          'expunged are those that should go',
          listed(result),
          goners.map(({ uid }) => uid),
        )
        take(box, new Set(goners.map(({ uid }) => uid)))
        break
      }
      case 'copy':
      case 'move': {
        if (step.kind === 'move' && mailbox.move === undefined) return
        const result = await (step.kind === 'copy' ? mailbox.copy(ranges, other.id) : mailbox.move?.(ranges, other.id))
        same('from: those that were there', result?.from.map(Number), [...uids])
        if (step.kind === 'move') take(box, uids)
        admit(other, result?.to ?? [], inside)
        break
      }
      case 'create': {
        const name = `box ${step.length}`
        if ([...this.#names.values()].includes(name)) await refuses('the name is taken', this.#account.create(name), 'already-exists')
        else {
          const { id, uidValidity } = await this.#account.create(name)
          this.#know(id, name, uidValidity)
        }
        break
      }
      case 'rename': {
        const name = `box ${step.length}`
        const taken = [...this.#names.values()].includes(name)
        if (this.#names.get(box.id) === 'INBOX' || taken) {
          await refuses('neither the inbox nor to a taken name', this.#account.rename(box.id, name), 'already-exists', 'no-permission')
        } else {
          await this.#account.rename(box.id, name)
          this.#names.set(box.id, name)
        }
        break
      }
      case 'delete': {
        if (this.#names.get(box.id) === 'INBOX') return
        await this.#account.remove(box.id)
        this.#names.delete(box.id)
        this.#boxes.splice(this.#boxes.indexOf(box), 1)
        this.#live.delete(box.id)
        break
      }
    }
  }

  #know(id: string, name: string, uidValidity: number): void {
    this.#boxes.push(modelBox(id, uidValidity))
    this.#names.set(id, name)
    this.#live.set(id, copyOf([]))
  }

  async #compare(box: ModelBox): Promise<void> {
    if (!this.#boxes.includes(box)) return
    const mailbox = this.#account.mailbox(box.id)
    const records = await read(mailbox)
    const status = await mailbox.status()
    compare(box, records, status.highestModSeq)
    const { messages } = box
    same(
      'the counts are those of the messages',
      [status.messages, status.unseen, status.deleted, status.size, status.uidValidity],
      [
        messages.length,
        messages.filter(({ flags }) => !flags.includes('\\Seen')).length,
        messages.filter(({ flags }) => flags.includes('\\Deleted')).length,
        messages.reduce((sum, { size }) => sum + size, 0),
        box.uidValidity,
      ],
    )
    promised('UIDNEXT is above every UID ever seen', status.uidNext > box.highestUid, () => `${status.uidNext}, UID ${box.highestUid}`)
    const live = this.#live.get(box.id)
    if (live !== undefined) same('a copy kept by what is told equals what is read', live.lines(), records.map(line))
    const usage = await this.#account.usage?.()
    if (usage === undefined) return
    const all = this.#boxes.flatMap(one => one.messages)
    same('I34: usage is the sum', [usage.octets, usage.messages], [all.reduce((sum, { size }) => sum + size, 0), all.length])
  }

  async #mark(box: ModelBox): Promise<void> {
    if (!this.#canCatchUp || !this.#boxes.includes(box)) return
    const mailbox = this.#account.mailbox(box.id)
    const { highestModSeq } = await mailbox.status()
    this.#past.push({ box, copy: copyOf(await read(mailbox), highestModSeq), point: highestModSeq })
  }
}
