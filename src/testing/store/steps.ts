/** The steps of made-up histories: plain data, so that a history can be run again without some of them. */

import type { SeededRandom } from '../seeded-random.ts'

/** What a step can be. */
export type StepKind = 'append' | 'add' | 'remove' | 'set' | 'expunge' | 'copy' | 'move' | 'create' | 'rename' | 'delete'

/** One step: every field is there for every kind, and means something wherever the step stands. */
export interface Step {
  readonly kind: StepKind
  /** Which mailbox, modulo how many there are. */
  readonly box: number
  /** Which other mailbox: the target of copies and moves. */
  readonly other: number
  /** The range ends this far before the highest UID ... */
  readonly back: number
  /** ... and is this long. Also how many messages are added, and which name is given. */
  readonly length: number
  /** All messages instead of the range. */
  readonly wide: boolean
  readonly flags: readonly string[]
  /** Flags are changed only where nothing changed lately. */
  readonly since: boolean
  /** A client looks afterwards, and comes back at the end. */
  readonly mark: boolean
}

const KINDS: readonly [StepKind, ...StepKind[]] = [
  ...(['append', 'append', 'append', 'append', 'add', 'add', 'add', 'remove', 'remove', 'set'] as const),
  ...(['expunge', 'expunge', 'expunge', 'copy', 'copy', 'move', 'move', 'create', 'rename', 'delete'] as const),
]

const FLAGS: readonly string[] = ['\\Seen', '\\Deleted', '$Junk', 'work']

/** Makes steps up. */
export function invent(random: SeededRandom, count: number): readonly Step[] {
  return Array.from({ length: count }, () => ({
    kind: random.pick(KINDS),
    // The first mailbox is busier than the others.
    box: random.below(2) === 0 ? 0 : random.below(5),
    other: random.below(5),
    back: random.below(8),
    length: random.below(4),
    wide: random.below(8) === 0,
    flags: FLAGS.filter(() => random.below(3) === 0),
    since: random.below(4) === 0,
    mark: random.below(4) === 0,
  }))
}

/** A step in words. */
export function stepText({ kind, box, other, back, length, wide, flags, since, mark }: Step): string {
  const range = wide ? 'all' : `the ${length + 1} that end ${back} before the last`
  const words: Readonly<Record<StepKind, string>> = {
    append: `append ${length + 1} with (${flags.join(' ')}) to mailbox ${box}`,
    add: `add (${flags.join(' ')}) to ${range} in mailbox ${box}`,
    remove: `remove (${flags.join(' ')}) from ${range} in mailbox ${box}`,
    set: `set (${flags.join(' ')}) on ${range} in mailbox ${box}`,
    expunge: `expunge ${range} in mailbox ${box}${flags[0] === undefined ? '' : ` having ${flags[0]}`}`,
    copy: `copy ${range} from mailbox ${box} to ${other}`,
    move: `move ${range} from mailbox ${box} to ${other}`,
    create: `create "box ${length}"`,
    rename: `rename mailbox ${box} to "box ${length}"`,
    delete: `remove mailbox ${box}`,
  }
  const lately = since && (kind === 'add' || kind === 'remove' || kind === 'set') ? `, unchanged since ${back} before HIGHESTMODSEQ` : ''
  return `      ${words[kind]}${lately}${mark ? ', then look' : ''}`
}
