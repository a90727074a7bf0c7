/** The public doors are the files: each key of `exports` leads to an index, and each public index has a key. */
import type { Door } from '../manifest.ts'
import type { Tree } from '../tree.ts'

/** Rooms for use inside the package only: they may change at any time. */
export const privateRooms: ReadonlySet<string> = new Set(['bytes', 'cli'])

/** Folders that hold one public room per adapter or filter instead of being one themselves. */
const collections: ReadonlySet<string> = new Set(['stores', 'directories', 'filters'])

/** The source file behind a key, or undefined for a key that is no door. */
export function sourceOf(key: string): string | undefined {
  if (key === './package.json') return undefined
  return key === '.' ? 'src/index.ts' : `src/${key.slice(2)}/index.ts`
}

function doorOf(source: string): Door {
  const path = source.slice('src/'.length, -'.ts'.length)
  return { 'mailwright-source': `./src/${path}.ts`, types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }
}

function isPublicIndex(file: string): boolean {
  if (file === 'src/index.ts') return true
  const [top, room = '', ...rest] = file.split('/')
  if (top !== 'src' || privateRooms.has(room)) return false
  return collections.has(room) ? rest.length === 2 && rest[1] === 'index.ts' : rest.length === 1 && rest[0] === 'index.ts'
}

/** Keys without a file, files without a key, and keys that lead elsewhere than their name says. */
export function doorFaults(tree: Tree, exports: Readonly<Record<string, Door | string>>): string[] {
  const faults: string[] = []
  for (const [key, door] of Object.entries(exports)) {
    const source = sourceOf(key)
    if (source === undefined) continue
    if (key.includes('*')) faults.push(`exports["${key}"]: a wildcard opens files that were never promised. Name each door.`)
    else if (!tree.files.includes(source))
      faults.push(`exports["${key}"]: ${source} does not exist. Write it or take the key out of package.json.`)
    else if (JSON.stringify(door) !== JSON.stringify(doorOf(source))) {
      faults.push(`exports["${key}"]: should be ${JSON.stringify(doorOf(source))}, in this order.`)
    }
  }
  const doors = new Set(Object.keys(exports).map(key => sourceOf(key)))
  for (const file of tree.files.filter(path => isPublicIndex(path))) {
    if (!doors.has(file)) faults.push(`${file}: a public index without a key in package.json "exports". Add it, or name the room private.`)
  }
  return faults
}

/** Public doors that the reference leaves out, and pages for what is no door. */
export function referenceFaults(entryPoints: readonly string[], exports: Readonly<Record<string, Door | string>>): string[] {
  const doors = Object.keys(exports).flatMap(key => sourceOf(key) ?? [])
  return [
    ...doors.filter(door => !entryPoints.includes(door)).map(door => `typedoc.json: ${door} is exported and not in "entryPoints". Add it.`),
    ...entryPoints
      .filter(entry => !doors.includes(entry))
      .map(entry => `typedoc.json: ${entry} is no public door. Take it out of "entryPoints".`),
  ]
}
