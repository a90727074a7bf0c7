import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { manifest } from './manifest.ts'
import { none } from './none.ts'
import { sourceOf } from './rules/exports.ts'
import { examplesIn, pageSnippets, sourceSnippets } from './rules/snippets.ts'
import type { Snippet } from './rules/snippets.ts'
import { house, root, treeOf } from './tree.ts'

/** Compiles each snippet as a module of its own, against the public doors, and gives the errors at their place in the page. */
function compile(snippets: readonly Snippet[]): string[] {
  const folder = join(root, 'node_modules', '.cache', `snippets-${process.pid}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const names = new Map(snippets.map((snippet, index) => [`${index}.ts`, snippet]))
  // Empty lines in front keep the line numbers of the page.
  for (const [name, { line, code }] of names) writeFileSync(join(folder, name), `${'\n'.repeat(line - 1)}${code}\nexport {}\n`)
  const doors = Object.keys(manifest.exports).flatMap(key => {
    const source = sourceOf(key)
    return source === undefined ? [] : [[key.replace(/^\./, 'mailwright'), [join(root, source)]] as const]
  })
  const options = {
    noUnusedLocals: false,
    noUnusedParameters: false,
    isolatedDeclarations: false,
    declaration: false,
    paths: Object.fromEntries(doors),
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions: options, include: [], files: [...names.keys()] }),
  )
  try {
    const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8', cwd: folder })
    const errors = stdout.split('\n').flatMap(text => {
      const [, name = '', line = '', message = ''] = /^(\d+\.ts)\((\d+),\d+\): (.*)$/.exec(text) ?? []
      const snippet = names.get(name)
      return snippet === undefined ? [] : [`${snippet.file}:${line}: ${message}`]
    })
    // Errors elsewhere are those of the sources: "npm run check:types" names them.
    return status === 0 || errors.length > 0 || /^\S*src\//m.test(stdout) ? errors : [`tsc failed: ${stdout}`]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('every @example block, and every ts block of the README and the guides, compiles', () => {
  const { snippets, faults } = sourceSnippets(house)
  none([...faults, ...compile([...snippets, ...pageSnippets(house)])])
})

test('examples are found with their lines', () => {
  const source = [
    'const before = 1',
    '/**',
    ' * Doubles.',
    ' *',
    ' * @example',
    ' * ```ts',
    ' * double(2)',
    ' * ```',
    ' */',
    'export const a = 1',
  ]
  const { snippets, faults } = examplesIn(treeOf({ 'src/a.ts': source.join('\n') }), 'src/a.ts')
  assert.deepEqual(snippets, [{ file: 'src/a.ts', line: 7, code: 'double(2)\n' }])
  assert.deepEqual(faults, [])
  const page = pageSnippets(treeOf({ 'README.md': '# Title\n\n```ts\nstart()\n```\n\n```sh\nls\n```\n' }))
  assert.deepEqual(page, [{ file: 'README.md', line: 4, code: 'start()\n' }])
})

test('an example without a ts block is a fault', () => {
  const text = '/**\n * Doubles.\n *\n * @example\n * double(2)\n */\nexport const a = 1\n'
  assert.equal(examplesIn(treeOf({ 'src/a.ts': text }), 'src/a.ts').faults.length, 1)
})

test('a snippet that does not compile is named with its line', () => {
  const errors = compile([
    { file: 'README.md', line: 40, code: `const port: number = '25'\n` },
    { file: 'README.md', line: 60, code: `await Promise.resolve(1)\n` },
  ])
  assert.equal(errors.length, 1)
  assert.match(errors[0] ?? '', /^README\.md:40: error TS2322/)
})
