/**
 * Runs the tests in two groups and closes with one total.
 *
 *     npm test                              everything
 *     npm run test:unit                     the pure rooms, all in one process
 *     npm run test:integration              the rest, one process for each file
 *     npm test -- test/imap/fetch.test.ts   these files only
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from './command-line.ts'
import type { Counts } from './test-reporter.ts'

/** Rooms whose tests share no process-wide state: one process for all of them saves a start of Node per file. */
const pureRooms: ReadonlySet<string> = new Set(['contracts', 'bytes', 'mime', 'sasl', 'pipeline', 'smtp', 'imap', 'pop3', 'house'])

/** A test that still runs after this many milliseconds has hung. */
const hung = 300_000

const root = join(import.meta.dirname, '..')
const cache = join(root, 'node_modules', '.cache')

interface Result {
  readonly ok: boolean
  readonly counts: Counts
}

function isPure(file: string): boolean {
  return pureRooms.has(file.split(/[\\/]/)[1] ?? '')
}

/** Hundreds of processes load the same sources: what one has stripped and compiled spares the others half of their start. */
function run(name: string, files: readonly string[], flags: readonly string[]): Result {
  const counted = join(cache, `test-counts-${name}-${process.pid}.json`)
  mkdirSync(cache, { recursive: true })
  const child = spawnSync(
    process.execPath,
    ['--conditions=mailwright-source', '--test', '--test-reporter=./tools/test-reporter.ts', `--test-timeout=${hung}`, ...flags, ...files],
    { cwd: root, stdio: 'inherit', env: { NODE_COMPILE_CACHE: join(cache, 'compiled'), ...process.env, MAILWRIGHT_TEST_COUNTS: counted } },
  )
  try {
    return { ok: child.status === 0, counts: JSON.parse(readFileSync(counted, 'utf8')) as Counts }
  } catch {
    console.error(`The ${name} tests ended without a summary (status ${child.status ?? child.signal ?? 'unknown'}).`)
    process.exit(1)
  } finally {
    rmSync(counted, { force: true })
  }
}

const help = `Usage: npm test -- [unit | integration] [FILE ...]

  unit            the pure rooms, all in one process
  integration     the rest, one process for each file
  FILE            these files only, such as test/imap/fetch.test.ts; globs work too
  --help          this text
`

const wanted = readArguments(help, () => {
  const option = process.argv.slice(2).find(argument => argument.startsWith('-'))
  if (option !== undefined) throw new Error(`there is no option ${option}`)
  return process.argv.slice(2)
})
const groups: readonly string[] = wanted.filter(argument => argument === 'unit' || argument === 'integration')
const patterns = wanted.filter(argument => argument !== 'unit' && argument !== 'integration')
const files = globSync(patterns.length > 0 ? patterns : 'test/**/*.test.ts', { cwd: root }).sort()
const includes = (group: string): boolean => groups.length === 0 || groups.includes(group)

const started = performance.now()
const results: Result[] = []
const unit = includes('unit') ? files.filter(file => isPure(file)) : []
const integration = includes('integration') ? files.filter(file => !isPure(file)) : []
if (unit.length > 0) results.push(run('unit', unit, ['--test-isolation=none']))
if (integration.length > 0) results.push(run('integration', integration, ['--test-concurrency=2']))
if (results.length === 0) {
  console.error(`No test file matches${patterns.length > 0 ? ` ${patterns.join(', ')}` : ''}.`)
  process.exit(1)
}

for (const { name, reason } of results.flatMap(result => result.counts.skips)) console.log(`ℹ skipped "${name}": ${reason}`)
const total = (key: Exclude<keyof Counts, 'skips'>): number => results.reduce((sum, result) => sum + result.counts[key], 0)
console.log(`ℹ tests ${total('tests')}`)
console.log(`ℹ suites ${total('suites')}`)
console.log(`ℹ pass ${total('passed')}`)
console.log(`ℹ fail ${total('failed')}`)
console.log(`ℹ cancelled ${total('cancelled')}`)
console.log(`ℹ skipped ${total('skipped')}`)
console.log(`ℹ todo ${total('todo')}`)
console.log(`ℹ duration_ms ${(performance.now() - started).toFixed(0)}`)
process.exit(results.every(result => result.ok) ? 0 : 1)
