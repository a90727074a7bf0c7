/** The code that documentation shows: the `@example` blocks of the sources and the ts blocks of the README and the guides. */
import ts from 'typescript'
import { sources, visitAll } from '../tree.ts'
import type { Tree } from '../tree.ts'

/** One piece of example code, and where its first line stands. */
export interface Snippet {
  readonly file: string
  /** Counted from one. */
  readonly line: number
  readonly code: string
}

function fencesIn(file: string, text: string, firstLine: number): Snippet[] {
  return [...text.matchAll(/^([ \t]*)```ts\n(.*?)^[ \t]*```[ \t]*$/gms)].map(({ 1: indent = '', 2: code = '', index }) => ({
    file,
    line: firstLine + text.slice(0, index).split('\n').length,
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

/** The text of a comment, line for line, without its stars. */
function insideOf(comment: string): string {
  return comment.replaceAll(/^[ \t]*(?:\/\*\*|\*\/|\* ?)/gm, '').replace(/\*\/$/, '')
}

function commentsIn(source: ts.SourceFile): { readonly text: string; readonly line: number }[] {
  const found = new Map<number, ts.JSDoc>()
  visitAll(source, node => {
    for (const doc of ts.getJSDocCommentsAndTags(node)) if (ts.isJSDoc(doc)) found.set(doc.pos, doc)
  })
  return [...found.values()].map(doc => ({
    text: source.text.slice(doc.pos, doc.end),
    line: source.getLineAndCharacterOfPosition(doc.pos).line + 1,
  }))
}

/** The examples of the sources; an `@example` without a ts block is a fault, since nothing would compile it. */
export function examplesIn(tree: Tree, file: string): { readonly snippets: readonly Snippet[]; readonly faults: readonly string[] } {
  const snippets: Snippet[] = []
  const faults: string[] = []
  for (const { text, line } of commentsIn(tree.source(file)).filter(comment => comment.text.includes('@example'))) {
    const found = fencesIn(file, insideOf(text), line)
    const tags = text.split(/^[ \t]*\*?[ \t]*@example\b|\/\*\*[ \t]*@example\b/m).length - 1
    if (found.length < tags) faults.push(`${file}:${line}: an @example without a \`\`\`ts block. Fence the code, so that it is compiled.`)
    snippets.push(...found)
  }
  return { snippets, faults }
}

/** Everything in `src` that is shown as an example. */
export function sourceSnippets(tree: Tree): { readonly snippets: readonly Snippet[]; readonly faults: readonly string[] } {
  const all = sources(tree, 'src').map(file => examplesIn(tree, file))
  return { snippets: all.flatMap(({ snippets }) => snippets), faults: all.flatMap(({ faults }) => faults) }
}

/** The ts blocks of the README and of the guides. */
export function pageSnippets(tree: Tree): Snippet[] {
  const pages = tree.files.filter(file => file === 'README.md' || (file.startsWith('docs/guides/') && file.endsWith('.md')))
  return pages.flatMap(file => fencesIn(file, tree.text(file), 1))
}
