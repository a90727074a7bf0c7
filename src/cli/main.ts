#!/usr/bin/env node
/** The command line: accounts, the server itself, and looking after its mail. RFC 5321 §3.6. */

import { readFileSync } from 'node:fs'
import { ConfigurationError } from '../contracts/index.ts'
import { DEFAULT_DATA } from '../server/index.ts'
import { ACCOUNT_COMMANDS } from './accounts.ts'
import { CARE_COMMANDS } from './care.ts'
import type { Command } from './command.ts'
import { DNS } from './dns.ts'
import { DOCTOR } from './doctor.ts'
import { EXPLAIN } from './explain.ts'
import { mustHave } from './folder.ts'
import { KEY_COMMANDS } from './keys.ts'
import { progressOn } from './progress.ts'
import { QUARANTINE_COMMANDS } from './quarantine.ts'
import { REPORTS } from './reports.ts'
import { SERVE } from './serve.ts'
import { QUEUE_COMMANDS } from './queue.ts'
import { processTerminal } from './terminal.ts'
import { checkedOptions, helpOf, nearest, overview, readLine, UsageError } from './usage.ts'
import type { ReadLine } from './usage.ts'

const COMMANDS: readonly Command[] = [
  ...ACCOUNT_COMMANDS,
  SERVE,
  DNS,
  DOCTOR,
  EXPLAIN,
  REPORTS,
  ...KEY_COMMANDS,
  ...QUEUE_COMMANDS,
  ...QUARANTINE_COMMANDS,
  ...CARE_COMMANDS,
]
const NOUNS: readonly string[] = ['user', 'alias', 'domain', 'keys', 'queue', 'quarantine']
/** What people who know other programs type first. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  start: 'serve',
  run: 'serve',
  server: 'serve',
  up: 'serve',
  init: 'serve',
  adduser: 'user add',
  useradd: 'user add',
  passwd: 'user password',
  users: 'user list',
  domains: 'domain list',
  aliases: 'alias list',
  check: 'verify',
  fsck: 'verify',
  repair: 'rebuild',
  status: 'doctor',
  dkim: 'keys list',
  mailq: 'queue list',
  postqueue: 'queue list',
}

/** Codes of values that only come from the command line here. */
const SLIPS: ReadonlySet<string> = new Set([
  'MW_OPTION',
  'MW_DNS_SERVER_INVALID',
  'MW_DOMAIN_INVALID',
  'MW_ADDRESS_INVALID',
  'MW_USER_ELSEWHERE',
])

async function main(): Promise<void> {
  const line = readLine(process.argv.slice(2), name =>
    COMMANDS.some(({ options }) => options.some(option => option.name === name && option.value !== undefined)),
  )
  const wantsHelp = line.words[0] === 'help' || line.options.some(({ name }) => name === 'help')
  const words = line.words[0] === 'help' ? line.words.slice(1) : line.words
  if (words.length === 0 && line.options.some(({ name }) => name === 'version')) {
    process.stdout.write(`mailwright ${version()}\n`)
    return
  }
  if (words.length === 0) {
    const [stray] = line.options.filter(({ name }) => name !== 'help')
    if (stray !== undefined && !wantsHelp)
      throw new UsageError(`${stray.written} comes behind a command, such as "mailwright serve ${stray.written}"`)
    process.stdout.write(overview(COMMANDS))
    return
  }
  const [noun = ''] = words
  if (words.length === 1 && NOUNS.includes(noun)) {
    const text = overview(COMMANDS, noun)
    if (!wantsHelp) process.exitCode = 2
    ;(wantsHelp ? process.stdout : process.stderr).write(text)
    return
  }
  const command = found(words)
  if (wantsHelp) process.stdout.write(helpOf(command))
  else await run(command, { ...line, words: words.slice(command.name.split(' ').length) })
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown'
}

function found(words: readonly string[]): Command {
  const [first = '', second = ''] = words
  const name = NOUNS.includes(first) ? `${first} ${second}` : first
  const command = COMMANDS.find(candidate => candidate.name === name)
  if (command !== undefined) return command
  // Behind `user` only the second word can be meant otherwise.
  const stem = NOUNS.includes(first) ? `${first} ` : ''
  const names = COMMANDS.map(candidate => candidate.name).filter(candidate => candidate.startsWith(stem))
  const close = nearest(
    name.slice(stem.length),
    names.map(candidate => candidate.slice(stem.length)),
  )
  const meant = OTHER_NAMES[first] ?? (close === undefined ? undefined : `${stem}${close}`)
  throw new UsageError(
    `there is no command "${name}": ${meant === undefined ? `there are ${names.join(', ')}` : `did you mean "mailwright ${meant}"?`}`,
  )
}

async function run(command: Command, line: ReadLine): Promise<void> {
  const options = checkedOptions(line, command)
  const { words } = line
  const [least, most] = command.arity
  if (words.length < least) throw new UsageError(`"mailwright ${command.name}" takes ${command.takes}`, command.name)
  if (words.length > most) {
    const what = most === 0 ? 'nothing' : `${command.takes} and nothing`
    throw new UsageError(`"mailwright ${command.name}" takes ${what} else, but "${words[most]}" came too`, command.name)
  }
  const data = typeof options['data'] === 'string' ? options['data'] : DEFAULT_DATA
  mustHave(data, command.needs)
  const stop = new AbortController()
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(1)
    stop.abort(new Error('stopped before the end'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const progress = progressOn(process.stderr)
  try {
    const terminal = processTerminal(options['json'] === true)
    const isWell = await command.run({ words, data, options, terminal, progress, signal: stop.signal })
    if (isWell === false) process.exitCode = 1
  } catch (error) {
    throw isSlip(error) && !(error instanceof UsageError && error.command !== undefined)
      ? new UsageError(error.message, command.name)
      : error
  } finally {
    progress.end()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

/** Whether an option has a value that cannot be, wherever that was found out. */
function isSlip(error: unknown): error is Error {
  return error instanceof UsageError || (error instanceof ConfigurationError && SLIPS.has(error.code))
}

main().catch((error: unknown) => {
  console.error(`mailwright: ${error instanceof Error ? error.message : String(error)}`)
  if (error instanceof UsageError)
    console.error(`mailwright: see mailwright ${error.command === undefined ? '' : `${error.command} `}--help`)
  process.exitCode = error instanceof UsageError ? 2 : 1
})
