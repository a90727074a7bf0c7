/** The repository as the house rules see it: paths, texts and imports, each read and parsed at most once. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** One import, export-from, `import()` or `import('…')` type, as written in one file. */
export interface Import {
  readonly specifier: string
  /** The path in the repository when the specifier is relative, else undefined. */
  readonly file: string | undefined
  readonly line: number
  readonly typeOnly: boolean
}

/** A set of files. Paths are relative to the root of the repository and use `/`. */
export interface Tree {
  readonly files: readonly string[]
  text(file: string): string
  source(file: string): ts.SourceFile
  imports(file: string): readonly Import[]
}

/** The root of the repository. */
export const root: string = join(import.meta.dirname, '..', '..')

/** What a checkout gathers beside the project's own files: the same names as in `.gitignore`. */
const ignored =
  /^(?:\.git|node_modules|dist|data|coverage|docs\/reference|bench\/results)$|\.(?:tgz|log|tsbuildinfo)$|(?:^|\/)(?:node_modules|\.DS_Store)$/

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = posix.join(folder, entry.name)
    if (ignored.test(path)) return []
    return entry.isDirectory() ? walk(path) : [path]
  })
}

/** The names at the top level, without what a checkout gathers there. */
export function topLevel(): string[] {
  return readdirSync(root).filter(name => !ignored.test(name))
}

/** The line, counted from one, at which a node starts. */
export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

/** Calls `visit` for every node of a file. */
export function visitAll(source: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node)
    ts.forEachChild(node, step)
  }
  step(source)
}

function specifierOf(node: ts.Node): { readonly literal: ts.StringLiteral; readonly typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { literal: node.moduleSpecifier, typeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { literal: node.moduleSpecifier, typeOnly: node.isTypeOnly }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { literal: node.argument.literal, typeOnly: true }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const argument = node.arguments[0]
    if (argument !== undefined && ts.isStringLiteral(argument)) return { literal: argument, typeOnly: false }
  }
  return undefined
}

function importsOf(file: string, source: ts.SourceFile): Import[] {
  const found: Import[] = []
  visitAll(source, node => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return
    const text = specifier.literal.text
    found.push({
      specifier: text,
      file: text.startsWith('.') ? posix.join(posix.dirname(file), text) : undefined,
      line: lineOf(source, node),
      typeOnly: specifier.typeOnly,
    })
  })
  return found
}

function remember<Value>(make: (file: string) => Value): (file: string) => Value {
  const known = new Map<string, Value>()
  return file => {
    const value = known.get(file) ?? make(file)
    known.set(file, value)
    return value
  }
}

function treeFrom(files: readonly string[], read: (file: string) => string): Tree {
  const text = remember(read)
  const source = remember(file => ts.createSourceFile(file, text(file), ts.ScriptTarget.ES2024, true))
  return { files: [...files].sort(), text, source, imports: remember(file => importsOf(file, source(file))) }
}

/** An invented tree, with which each rule shows that it finds what it forbids. */
export function treeOf(texts: Readonly<Record<string, string>>): Tree {
  return treeFrom(Object.keys(texts), file => texts[file] ?? '')
}

/** The repository itself. */
export const house: Tree = treeFrom(walk('.'), file => readFileSync(join(root, file), 'utf8'))

/** The TypeScript files below one of the folders. */
export function sources(tree: Tree, ...folders: readonly string[]): string[] {
  return tree.files.filter(file => file.endsWith('.ts') && folders.some(folder => file.startsWith(`${folder}/`)))
}

/** The room of a file in `src`: the first folder, or `index` for the front door. */
export function roomOf(file: string): string {
  const [, room = '', ...rest] = file.split('/')
  return rest.length === 0 ? room.replace(/\.ts$/, '') : room
}
