/** Each command names the section that defines it, and a transcript shows it at work. */
import ts from 'typescript'
import { roomOf, sources, visitAll } from '../tree.ts'
import type { Tree } from '../tree.ts'

/** The citation form that can be indexed, as in `RFC 9051 §6.4.7`. */
const citation = /\bRFC \d{3,5} §[A-Z]?\d/

/** The rooms whose commands must be shown. */
const engines: readonly string[] = ['imap', 'pop3', 'smtp']

/** The files in `commands/` of the engines, without the table that lists them. */
export function commandFiles(tree: Tree): string[] {
  return sources(tree, 'src').filter(file => {
    const [, room = '', folder, ...rest] = file.split('/')
    return engines.includes(room) && folder === 'commands' && !rest.includes('index.ts')
  })
}

/** The names under which a file declares commands: `name: 'FETCH'`. */
export function commandNames(tree: Tree, file: string): string[] {
  const names = new Set<string>()
  visitAll(tree.source(file), node => {
    if (!ts.isPropertyAssignment(node) || !ts.isIdentifier(node.name) || node.name.text !== 'name') return
    if (ts.isStringLiteral(node.initializer) && /^[A-Z][A-Z0-9 -]*$/.test(node.initializer.text)) names.add(node.initializer.text)
  })
  return [...names]
}

function shows(text: string, name: string): boolean {
  const transcript = new RegExp(String.raw`^\s*['"\x60]?\w: (?:\S+ )?(?:UID )?${name}\b`, 'im')
  const title = new RegExp(String.raw`\b(?:test|it)\(\s*['"\x60][^\n]*\b${name}\b`)
  return transcript.test(text) || title.test(text)
}

/** Command files without a citation, without a command, or without a transcript. */
export function unshownCommands(tree: Tree): string[] {
  const faults: string[] = []
  for (const file of commandFiles(tree)) {
    const room = roomOf(file)
    const names = commandNames(tree, file)
    if (!citation.test(tree.text(file)))
      faults.push(`${file}: cites no section. Write it as "RFC 9051 §6.4.7" in the head of the file and in its rfc field.`)
    // A file of a family that declares nothing itself (parts shared by two commands) belongs beside the folder.
    if (names.length === 0) faults.push(`${file}: declares no command (name: 'VERB'). Move shared parts out of commands/.`)
    const tests = sources(tree, `test/${room}`, 'test/interop', 'test/security').map(test => tree.text(test))
    for (const name of names) {
      if (!tests.some(text => shows(text, name))) {
        faults.push(`${file}: no transcript in test/${room} has the client send ${name}. Write one: "C: ... ${name} ...".`)
      }
    }
  }
  return faults
}
