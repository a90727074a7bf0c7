/** What is tried with calls to the disk that fail: a store, a directory, the first start of a personal server. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import { storeFindings } from './fault-findings.ts'
import { type DirectoryReport, faultsOf, isClear, lastWords } from './fault-report.ts'
import { type CallFault, type Ending, withFault, type WithFaultOptions } from './nth-call.ts'

/** A program, and how to judge what became of its folder. */
export interface FaultSubject {
  readonly words: (data: string, report: string) => readonly string[]
  readonly endAtLine?: boolean
  /** Problems that a run showed. */
  readonly judge: (run: FaultRun) => Promise<readonly string[]>
}

/** One run. */
export interface FaultRun {
  readonly data: string
  readonly report: unknown
  readonly ending: Ending
  readonly fault: CallFault | undefined
  readonly options: WithFaultOptions
}

const DOORS = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s']

/** The subjects by name. */
export const SUBJECTS: Readonly<Record<'store' | 'directory' | 'start', FaultSubject>> = {
  store: {
    words: (data, report) => [join(import.meta.dirname, 'fault-store.ts'), data, report],
    judge: ({ data, report, ending, fault }) => storeFindings(data, report, ending, fault),
  },
  directory: {
    words: (data, report) => [join(import.meta.dirname, 'fault-directory.ts'), data, report],
    judge: directoryFindings,
  },
  start: {
    words: data => [
      'examples/personal-server.ts',
      '--data',
      data,
      '--domain',
      'home.test',
      '--json',
      ...DOORS.flatMap(door => [`--${door}-port`, '0']),
    ],
    endAtLine: true,
    judge: startFindings,
  },
}

/** A name of one of them. */
export type SubjectName = keyof typeof SUBJECTS

async function directoryFindings({ data, report, ending, fault }: FaultRun): Promise<readonly string[]> {
  const problems: string[] = []
  if (ending.ended !== 0) problems.push(`the process ended with ${ending.ended}: ${lastWords(ending.stderr)}`)
  if (report === undefined) return [...problems, 'there is no report']
  const { attempts, accounts, aliases, gone, unsure, isOver } = report as DirectoryReport
  if (!isOver) problems.push('the process did not come to its end')
  problems.push(...faultsOf(attempts, fault))
  const directory = sqliteDirectory({ path: join(data, 'directory.db') })
  try {
    for (const [address, password] of Object.entries(accounts)) {
      const isThere = (await directory.verify({ kind: 'password', username: address, password }, 'imap')) !== undefined
      if (!isThere && !unsure.includes(address)) problems.push(`lost: ${address}, or its password`)
    }
    const known = new Map((await directory.aliases()).map(({ address, targets }) => [address, targets]))
    for (const [address, targets] of Object.entries(aliases)) {
      if (known.get(address)?.join() !== targets.join()) problems.push(`lost: the alias ${address}`)
    }
    for (const address of gone) if ((await directory.account(address)) !== undefined) problems.push(`back: ${address}`)
    if ((await directory.domains()).length === 0) await directory.addDomain('home.test')
    await directory.setAlias('new@home.test', ['x@elsewhere.example'])
  } finally {
    directory.close()
  }
  for (const name of readdirSync(data)) if (name !== 'directory.db') problems.push(`${name} stays`)
  return problems
}

/** The first start may fail, with words that say what to do; the next must work, and the password that it tells with it. */
async function startFindings({ data, ending, fault, options }: FaultRun): Promise<readonly string[]> {
  const problems: string[] = []
  if (ending.line === undefined && ending.ended !== 1)
    problems.push(`the first start ended with ${ending.ended}: ${lastWords(ending.stderr)}`)
  if (/^ {4}at /m.test(ending.stderr)) problems.push(`the first start tells a stack: ${lastWords(ending.stderr)}`)
  if (
    ending.line === undefined &&
    !isClear({ isOurs: true, message: ending.stderr.replaceAll(/^mailwright: (?:opening|making|looking) .*$/gm, '') })
  ) {
    problems.push(`the first start does not say what to do: ${lastWords(ending.stderr)}`)
  }
  if (ending.line !== undefined && ending.ended !== 0 && fault === undefined) problems.push(`it ended with ${ending.ended}`)
  const { fault: _, ...sound } = options
  const next = await withFault(SUBJECTS.start.words(data, ''), { ...sound, log: `${options.log}-next` })
  if (next.line === undefined) return [...problems, `the next start ended with ${next.ended}: ${lastWords(next.stderr)}`]
  if (next.ended !== 0) problems.push(`the next start ended with ${next.ended}: ${lastWords(next.stderr)}`)
  type Told = { readonly user: string; readonly password: string | null }
  const [told, again] = [JSON.parse(ending.line ?? '{"password":null}') as Told, JSON.parse(next.line) as Told]
  // A start that failed behind the guide has shown it all the same.
  const password = again.password ?? told.password ?? /^ +password +(\S+)$/m.exec(ending.stderr)?.[1] ?? null
  const directory = sqliteDirectory({ path: join(data, 'directory.db') })
  try {
    const login = password === null ? undefined : await directory.verify({ kind: 'password', username: again.user, password }, 'imap')
    if (login === undefined) problems.push(`nobody knows the password of ${again.user}`)
  } finally {
    directory.close()
  }
  for (const name of readdirSync(data, { recursive: true }) as string[]) if (/\.part|\.tmp|\.new/.test(name)) problems.push(`${name} stays`)
  return problems
}
