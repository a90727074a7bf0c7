/** What pure rooms may not touch: clocks, chance, timers, the process. Time and randomness come to them through contracts. */
import ts from 'typescript'
import { lineOf, roomOf, sources, visitAll } from '../tree.ts'
import type { Tree } from '../tree.ts'

/** The rooms that can be tested without a socket or a clock. */
const pureRooms: ReadonlySet<string> = new Set(['contracts', 'bytes', 'engine', 'mime', 'sasl', 'dkim', 'pipeline', 'smtp', 'imap', 'pop3'])

const insteadOfClock = 'take the time from the Clock contract'
const insteadOfRandom = 'take it from the Random contract'
const insteadOfWorld = 'take it as an argument or through a contract'

/** Globals that a pure room may not call, construct or read from, with what to do instead. */
const globals: ReadonlyMap<string, string> = new Map([
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'performance'].map(
    name => [name, insteadOfClock] as const,
  ),
  ...['crypto', 'randomBytes', 'randomInt', 'randomUUID', 'getRandomValues'].map(name => [name, insteadOfRandom] as const),
  ...['process', 'fetch', 'console', 'globalThis', 'WebSocket'].map(name => [name, insteadOfWorld] as const),
])

/** Members of globals that are otherwise fine. */
const members: ReadonlyMap<string, string> = new Map([
  ['Date.now', insteadOfClock],
  ['AbortSignal.timeout', insteadOfClock],
  ['Math.random', insteadOfRandom],
])

interface Use {
  readonly name: string
  readonly instead: string | undefined
}

function useOf(node: ts.Node): Use | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const owner = node.expression.text
    return { name: `${owner}.${node.name.text}`, instead: members.get(`${owner}.${node.name.text}`) ?? globals.get(owner) }
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
    const name = node.expression.text
    const readsClock = name === 'Date' && (node.arguments?.length ?? 0) === 0
    return { name: `new ${name}()`, instead: readsClock ? insteadOfClock : globals.get(name) }
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const name = node.expression.text
    return { name: `${name}()`, instead: name === 'Date' ? insteadOfClock : globals.get(name) }
  }
  return undefined
}

/** A file's own names, which hide a global of the same name: parameters, variables, imports. */
function ownNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  visitAll(source, node => {
    const declares = ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isFunctionDeclaration(node)
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text)
  })
  return names
}

/** Uses of clocks, chance, timers and the process in pure rooms. */
export function impurities(tree: Tree): string[] {
  const faults: string[] = []
  for (const file of sources(tree, 'src').filter(path => pureRooms.has(roomOf(path)))) {
    const source = tree.source(file)
    const own = ownNames(source)
    visitAll(source, node => {
      const use = useOf(node)
      if (use?.instead === undefined || own.has(use.name.replace(/^new |[.(].*$/g, ''))) return
      faults.push(`${file}:${lineOf(source, node)}: ${use.name} in a pure room: ${use.instead}.`)
    })
  }
  return faults
}
