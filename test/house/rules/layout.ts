/** The shape that a stranger meets first: the top level, the size of files, and texts that belong to no machine. */
import type { Tree } from '../tree.ts'
import { sources } from '../tree.ts'

/** Everything that stands at the top level, beside the dotfiles that tools need. */
const topLevelNames: readonly string[] = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'typedoc.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'src',
  'examples',
  'test',
  'docs',
  'bench',
  'tools',
]

/** The dotfiles, each read by one tool. */
const dotfiles: readonly string[] = ['.ci', '.gitignore', '.knip.json', '.npmrc', '.oxfmtrc.json', '.oxlintrc.json']

/** No file may hold more lines. */
const mostLines = 400

/** Names at the top level that should not be there, and names that are missing. */
export function topLevelFaults(names: readonly string[]): string[] {
  const wanted = [...topLevelNames, ...dotfiles]
  return [
    ...names
      .filter(name => !wanted.includes(name))
      .map(name => `${name}: does not belong at the top level. Put it in the folder of its kind.`),
    ...wanted.filter(name => !names.includes(name)).map(name => `${name}: missing at the top level.`),
  ]
}

/** TypeScript files that are too long to hold one idea. */
export function longFiles(tree: Tree): string[] {
  return sources(tree, 'src', 'test', 'examples', 'bench', 'tools').flatMap(file => {
    const text = tree.text(file)
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    return lines > mostLines
      ? [`${file}: ${lines} lines, more than ${mostLines}. It holds two ideas: find the seam and split it there.`]
      : []
  })
}

const foreignText: readonly (readonly [RegExp, string])[] = [
  [/"resolved": "https?:/, 'a download address. Keep omit-lockfile-registry-resolved=true in .npmrc and write the lock again'],
  [/registry\.(?:npmjs|yarnpkg)\.|npmmirror\./, 'a registry host. The user’s own npm settings decide where packages come from'],
  [
    /(?:^|[^\w.-])\/(?:work|farm|root|home\/\w+|Users\/\w+|tmp\/\w+)\//,
    'a path of one machine. Use a path relative to the repository or os.tmpdir()',
  ],
]

/** Registry hosts and paths of one machine, in any file. */
export function foreignTexts(tree: Tree): string[] {
  return tree.files.flatMap(file =>
    tree
      .text(file)
      .split('\n')
      .flatMap((line, index) =>
        foreignText.filter(([pattern]) => pattern.test(line)).map(([, problem]) => `${file}:${index + 1}: ${problem}.`),
      ),
  )
}

/** Tests that are the only ones to run, or that never run and do not say why. */
export function silencedTests(tree: Tree): string[] {
  const pattern = /\b(?:test|it|suite|describe)\.(?:only|skip|todo)\(|\b(?:only|skip|todo): true\b/
  return sources(tree, 'test').flatMap(file =>
    tree
      .text(file)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: a silenced test. Run it, or skip it with a printed reason.`] : [],
      ),
  )
}
