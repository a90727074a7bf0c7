/** Each example is a promise that a test keeps by running it. */
import { sources } from '../tree.ts'
import type { Tree } from '../tree.ts'

/** Examples that no test names by their path. */
export function unrunExamples(tree: Tree): string[] {
  const tests = sources(tree, 'test').map(file => tree.text(file))
  return tree.files
    .filter(file => /^examples\/[^/]+\.ts$/.test(file))
    .filter(file => !tests.some(text => text.includes(file)))
    .map(file => `${file}: no test runs it. Start it from a test in test/examples/, by this path.`)
}
