/** The stairs: which room may import which, and which of Node's own modules. Imports go down only, and never in a circle. */
import { builtinModules } from 'node:module'
import { roomOf, sources } from '../tree.ts'
import type { Tree } from '../tree.ts'

interface Room {
  /** The rooms below that this one may import. */
  readonly rooms: readonly string[]
  /** Node's own modules that it may import; `any` leaves out sockets, which only `net` may open. */
  readonly node: readonly string[] | 'any'
  /** May open datagram sockets all the same. */
  readonly datagrams?: true
}

const ground = ['contracts']
const tools = [...ground, 'bytes', 'engine', 'mime', 'sasl', 'dkim', 'spf']
const engineRoom = [...tools, 'pipeline']
const workshops = ['smtp', 'imap', 'pop3', 'smtp-server', 'filters', 'stores', 'directories', 'dns']
const upstairs = [...engineRoom, 'files', ...workshops, 'outbound', 'net']

/** One line per room, from the ground up. */
export const stairs: Readonly<Record<string, Room>> = {
  contracts: { rooms: [], node: [] },
  bytes: { rooms: ground, node: [] },
  engine: { rooms: ground, node: [] },
  files: { rooms: ground, node: ['node:fs', 'node:path'] },
  mime: { rooms: [...ground, 'bytes'], node: [] },
  sasl: { rooms: [...ground, 'bytes'], node: ['node:crypto'] },
  dkim: { rooms: [...ground, 'bytes', 'mime'], node: ['node:crypto'] },
  spf: { rooms: [...ground, 'bytes', 'mime'], node: [] },
  // Hostile mail is parsed on a thread of its own; nothing else of Node's.
  pipeline: { rooms: [...ground, 'bytes', 'mime'], node: ['node:worker_threads'] },
  smtp: { rooms: engineRoom, node: [] },
  imap: { rooms: engineRoom, node: [] },
  pop3: { rooms: engineRoom, node: [] },
  'smtp-server': { rooms: engineRoom, node: 'any' },
  filters: { rooms: engineRoom, node: 'any' },
  // A store that holds the queue as well keeps to the queue's own rules: `outbound/queue`, which imports no store.
  stores: { rooms: [...tools, 'files', 'outbound'], node: 'any' },
  directories: { rooms: tools, node: 'any' },
  // Questions go out as datagrams; what does not fit comes over a connection of `net`.
  dns: { rooms: tools, node: 'any', datagrams: true },
  outbound: { rooms: [...engineRoom, 'files', 'dns'], node: 'any' },
  net: {
    rooms: [...tools, 'files'],
    node: ['node:net', 'node:tls', 'node:https', 'node:crypto', 'node:fs', 'node:fs/promises', 'node:path'],
  },
  server: { rooms: upstairs, node: [] },
  index: { rooms: [...upstairs, 'server'], node: [] },
  cli: { rooms: [...upstairs, 'server', 'index'], node: 'any' },
  testing: { rooms: [...engineRoom, ...workshops, 'outbound'], node: ['node:assert', 'node:assert/strict'] },
}

const socketModules: ReadonlySet<string> = new Set(['node:net', 'node:tls', 'node:dgram', 'node:http', 'node:https', 'node:http2'])
const builtins: ReadonlySet<string> = new Set(builtinModules)

function mayUse(room: Room, module: string): boolean {
  if (room.datagrams === true && module === 'node:dgram') return true
  return room.node === 'any' ? !socketModules.has(module) : room.node.includes(module)
}

function shelf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ')
}

/** Imports that climb the stairs, reach a module of Node that the room may not use, or leave `src`. */
export function climbing(tree: Tree): string[] {
  const faults: string[] = []
  for (const file of sources(tree, 'src')) {
    const name = roomOf(file)
    const room = stairs[name]
    if (room === undefined) {
      faults.push(`${file}: src/${name} is not on the stairs. Add the room to test/house/rules/stairs.ts and docs/architecture.md.`)
      continue
    }
    for (const { specifier, file: target, line, typeOnly } of tree.imports(file)) {
      const at = `${file}:${line}`
      if (target !== undefined) {
        if (!target.startsWith('src/')) faults.push(`${at}: imports ${target}, outside src. The package ships src only.`)
        else if (roomOf(target) !== name && !room.rooms.includes(roomOf(target))) {
          faults.push(
            `${at}: ${name} imports ${roomOf(target)}. It may import ${shelf(room.rooms)}: move the shared part down or pass it in.`,
          )
        }
        continue
      }
      if (specifier === 'mailwright' || specifier.startsWith('mailwright/')) {
        faults.push(`${at}: imports "${specifier}", its own package by name. Inside src write the relative path.`)
      } else if (specifier.startsWith('node:')) {
        // A type leaves no trace at run time; a room that may use some of Node may name the types of the rest.
        if (mayUse(room, specifier) || (typeOnly && room.node.length > 0)) continue
        faults.push(
          `${at}: ${name} imports ${specifier}. It may import ${room.node === 'any' ? 'no sockets: those are net’s' : shelf(room.node)}.`,
        )
      } else if (builtins.has(specifier)) {
        faults.push(`${at}: write node:${specifier}, so that Node’s own modules are seen at a glance.`)
      }
    }
  }
  return faults
}

/** Circles of imports, type-only ones included: each is a pair of files that cannot be understood apart. */
export function circles(tree: Tree): string[] {
  const files = new Set(sources(tree, 'src', 'test', 'examples', 'bench', 'tools'))
  const done = new Set<string>()
  const path: string[] = []
  const found: string[] = []
  const visit = (file: string): void => {
    if (path.includes(file)) {
      found.push(`${[...path.slice(path.indexOf(file)), file].join(' → ')}: move what both need into a third file.`)
      return
    }
    if (done.has(file) || !files.has(file)) return
    path.push(file)
    for (const { file: target } of tree.imports(file)) if (target !== undefined) visit(target)
    path.pop()
    done.add(file)
  }
  for (const file of files) visit(file)
  return found
}

/** Dependencies used in more than one room: each belongs to one place, behind our own names. */
export function scatteredDependencies(tree: Tree, dependencies: readonly string[]): string[] {
  return dependencies.flatMap(dependency => {
    const users = sources(tree, 'src').filter(file =>
      tree.imports(file).some(({ specifier }) => specifier === dependency || specifier.startsWith(`${dependency}/`)),
    )
    const rooms = new Set(users.map(file => roomOf(file)))
    return rooms.size < 2 ? [] : [`${dependency} is imported by ${users.join(', ')}: keep it in one room and import that room instead.`]
  })
}
