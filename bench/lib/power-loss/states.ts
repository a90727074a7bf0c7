/** The states in which the power can leave a disk: which of the changes that no sync covered reached it, whole or in part. */

import { crc32 } from 'node:zlib'
import { type Disk, type File, type Folder, give, type Naming, type Node, type Pending, type PendingName, SECTOR } from './disk.ts'

/** A file of a state. Equal keys stand for equal octets. */
export interface Found {
  readonly data: Buffer
  readonly key: string
}

/** What is there when the power is back. Paths are relative to the recorded folder. */
export interface State {
  readonly folders: readonly string[]
  readonly files: ReadonlyMap<string, Found>
  /** Equal for equal states. */
  readonly key: string
}

/** Which part of a change reached the disk; of a write by the number of its sector. */
type Part = boolean | ((sector: number) => boolean)

/** What the power spared. */
export interface Fate {
  /** For a person who looks for the cause. */
  readonly text: string
  /** How many changes of folders, in order, or which. */
  readonly names: number | ((name: PendingName, at: number) => boolean)
  readonly part: (file: File, change: Pending, at: number) => Part
  /** Whether a file has the length that it was to have, though octets are missing: then zeros are there, or what lay there before. */
  readonly length: (file: File) => 'told' | 'zeros' | 'remains'
}

/** Numbers from a seed (mulberry32): the same on every machine. */
export type Dice = () => number

/** Dice for a seed. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Makes the state that a fate leaves. Good until the next one is made: they share their memory. */
export function stateOf(disk: Disk, fate: Fate): State {
  const { names } = fate
  const kept = typeof names === 'number' ? disk.names.slice(0, names) : disk.names.filter((name, at) => names(name, at))
  const byFolder = new Map<Folder, Map<string, Node>>()
  const entriesOf = (folder: Folder): Map<string, Node> => {
    const known = byFolder.get(folder)
    if (known !== undefined) return known
    const entries = new Map(folder.durable)
    byFolder.set(folder, entries)
    for (const name of kept) if (name.folder === folder) give(entries, name.names)
    return entries
  }
  const folders: string[] = []
  const files = new Map<string, Found>()
  const walk = (folder: Folder, path: string): void => {
    for (const [name, node] of entriesOf(folder)) {
      const full = path === '' ? name : `${path}/${name}`
      if (node.kind === 'file') files.set(full, fileOf(node, fate))
      else {
        folders.push(full)
        walk(node, full)
      }
    }
  }
  walk(disk.root, '')
  const parts = [...folders, ...[...files].map(([path, { key }]) => `${path} ${key}`)].sort()
  return { folders, files, key: parts.join('\n') }
}

const GARBAGE = 0xa5

/** Memory by file, used again for each state: what is thrown away would cost more than all else. */
const rooms = new Map<number, Buffer>()

function roomFor({ id }: File, size: number): Buffer {
  let room = rooms.get(id)
  if (room === undefined || room.length < size) rooms.set(id, (room = Buffer.alloc(size * 2)))
  return room.subarray(0, size)
}

function fileOf(file: File, fate: Fate): Found {
  const { durable, pending } = file
  const parts = pending.map((change, at) => fate.part(file, change, at))
  const length = pending.length === 0 ? 'told' : fate.length(file)
  if (length === 'told' && parts.every(part => part === false)) return { data: durable, key: `${file.id}.${file.version}` }
  let size = durable.length
  let longest = size
  for (const change of pending) longest = Math.max(longest, change.kind === 'write' ? change.at + change.data.length : change.size)
  const data = roomFor(file, longest)
  durable.copy(data)
  data.fill(length === 'remains' ? GARBAGE : 0, durable.length)
  for (const [at, change] of pending.entries()) {
    const part = parts[at] ?? false
    if (part === false) continue
    if (change.kind === 'truncate') {
      // What was cut off reads as zeros when the file grows again.
      if (change.size < size) data.fill(0, change.size, size)
      size = change.size
      continue
    }
    size = Math.max(size, put(data, size, change.at, change.data, part))
  }
  const result = length === 'told' ? data.subarray(0, size) : data
  return { data: result, key: `${result.length}.${crc32(result)}` }
}

/** Puts the sectors that reached the disk into their places; answers where the last of them ends. */
function put(into: Buffer, size: number, at: number, data: Buffer, part: Part): number {
  let end = 0
  for (let done = 0; done < data.length;) {
    const sector = Math.floor((at + done) / SECTOR)
    const next = Math.min(data.length, (sector + 1) * SECTOR - at)
    if (part === true || (typeof part === 'function' && part(sector))) {
      data.copy(into, at + done, done, next)
      end = at + next
    }
    done = next
  }
  // A hole in front of what is there reads as zeros.
  if (end > 0 && at > size) into.fill(0, size, at)
  return end
}

const told = (): 'told' => 'told'

/** A fate in which every change of a file has the same part, and every name or none. */
export function plain(text: string, all: boolean): Fate {
  return { text, names: all ? Infinity : 0, part: () => all, length: told }
}

/** The fates that are looked at wherever something is pending, in the order of what they are worth. */
export function systematic(disk: Disk, naming: Naming): readonly (() => Fate)[] {
  const files = [...disk.files()].filter(({ pending }) => pending.length > 0)
  const changes = files.flatMap(file => file.pending.map(change => ({ file, change })))
  const fates: (() => Fate)[] = [() => plain('nothing unsynced', false), () => plain('everything', true)]
  const add = (text: string, more: Partial<Fate>, all = false): void => void fates.push(() => ({ ...plain(text, all), ...more }))
  add('lengths and names only', { names: Infinity, length: () => 'zeros' })
  add('all but names', { names: 0 }, true)
  add('names only', { names: Infinity })
  for (const file of files) {
    add(`file ${file.id} only`, { names: Infinity, part: other => other === file })
    add(`all but file ${file.id}`, { part: other => other !== file }, true)
    add(
      `all, of file ${file.id} the length`,
      { part: other => other !== file, length: other => (other === file ? 'remains' : 'told') },
      true,
    )
  }
  for (let at = 0; at < disk.names.length; at++) {
    if (naming === 'ordered') add(`names up to ${at}`, { names: at }, true)
    else {
      add(`all but name ${at}`, { names: (_, other) => other !== at }, true)
      add(`name ${at} only`, { names: (_, other) => other === at })
      add(`all, of the names ${at} only`, { names: (_, other) => other === at }, true)
    }
  }
  for (const [at, { file, change }] of changes.entries()) {
    const { id } = change
    add(`all but change ${at}`, { part: (_, other) => other.id !== id }, true)
    add(`change ${at} only`, { names: Infinity, part: (_, other) => other.id === id })
    add(`up to change ${at}`, { part: (_, other) => other.id <= id }, true)
    add(`all, of change ${at} every other sector`, { part: (_, other) => (other.id === id ? sector => sector % 2 === 0 : true) }, true)
    add(`up to change ${at}, torn`, { part: (_, other) => (other.id === id ? sector => sector % 3 === 0 : other.id < id) }, true)
    add(`file ${file.id} from change ${at} on`, { part: (f, other) => (f === file ? other.id >= id : true) }, true)
  }
  return fates
}

/** A fate as chance has it. */
export function byChance(dice: Dice, naming: Naming, names: number): Fate {
  const modes = new Map<File, readonly [mode: number, share: number, length: 'told' | 'zeros' | 'remains']>()
  const modeOf = (file: File): readonly [number, number, 'told' | 'zeros' | 'remains'] => {
    const known = modes.get(file)
    if (known !== undefined) return known
    const mode = [Math.floor(dice() * 7), dice(), dice() < 0.7 ? 'told' : dice() < 0.5 ? 'zeros' : 'remains'] as const
    modes.set(file, mode)
    return mode
  }
  const share = dice()
  return {
    text: 'by chance',
    names: naming === 'ordered' ? Math.floor(dice() * (names + 1)) : () => dice() < share,
    length: file => modeOf(file)[2],
    part(file, _, at) {
      const [mode, share] = modeOf(file)
      const edge = Math.floor(share * (file.pending.length + 1))
      switch (mode) {
        case 0:
          return false
        case 1:
          return true
        case 2:
          return at === edge ? () => dice() < 0.5 : at < edge
        case 3:
          return at >= edge
        case 4:
          return dice() < share
        case 5:
          return () => dice() < share
        default:
          return at === file.pending.length - 1 ? () => dice() < 0.5 : true
      }
    },
  }
}
