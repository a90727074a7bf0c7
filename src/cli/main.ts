#!/usr/bin/env node
/** The command line: accounts, the server itself, and looking after its mail. RFC 5321 §3.6. */

import { mkdirSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { survey } from '../pipeline/summary.ts'
import { personalFiles, personalServer } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { manageAccounts } from './accounts.ts'
import { examine } from './doctor.ts'
import { processTerminal } from './terminal.ts'
import type { Terminal } from './terminal.ts'
import { USAGE, UsageError } from './usage.ts'

async function main(): Promise<void> {
  const { words, data, json, deep, help } = wishes()
  if (help || words.length === 0) {
    process.stdout.write(USAGE)
    return
  }
  const terminal = processTerminal(json)
  const [command = ''] = words
  switch (command) {
    case 'user':
    case 'alias':
    case 'domain':
      return manageAccounts(words, data, terminal)
    case 'serve':
      return serve(data, terminal)
    case 'verify':
      return verify(data, deep, terminal)
    case 'rebuild':
      return renew(data, terminal)
    case 'doctor':
      if (!(await examine(data, terminal))) process.exitCode = 1
      return
    case 'backup':
      return copy(data, words[1], terminal)
    default:
      throw new UsageError(`there is no command "${command}"`)
  }
}

function wishes(): { words: readonly string[]; data: string; json: boolean; deep: boolean; help: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        data: { type: 'string', default: './data' },
        json: { type: 'boolean', default: false },
        deep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return { words: positionals, ...values }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function serve(data: string, terminal: Terminal): Promise<void> {
  const personal = await personalServer({ data })
  terminal.tell(personal.guide, { domain: personal.domain, user: personal.user, ports: personal.server.ports })
  const { promise, resolve } = Promise.withResolvers<void>()
  process.once('SIGINT', () => resolve())
  process.once('SIGTERM', () => resolve())
  await promise
  await personal.close()
}

async function verify(data: string, deep: boolean, terminal: Terminal): Promise<void> {
  const store = sqliteStore({ path: personalFiles(data).mail })
  let problems = 0
  try {
    for await (const { kind, text } of store.verify({ deep })) {
      if (kind !== 'stray-file') problems++
      terminal.tell(`${kind}: ${text}`, { kind, text })
    }
  } finally {
    await store.close()
  }
  if (problems > 0) process.exitCode = 1
  else terminal.tell('no damage found', { problems })
}

async function renew(data: string, terminal: Terminal): Promise<void> {
  const store = sqliteStore({ path: personalFiles(data).mail })
  try {
    const messages = await store.rebuild({ summarise: async source => (await survey(source)).summary })
    terminal.tell(`${messages} summaries made again`, { messages })
  } finally {
    await store.close()
  }
}

async function copy(data: string, folder: string | undefined, terminal: Terminal): Promise<void> {
  if (folder === undefined) throw new UsageError('backup takes a folder')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const store = sqliteStore({ path: personalFiles(data).mail })
  try {
    const { messages } = await store.backup(personalFiles(folder).mail)
    const directory = new DatabaseSync(personalFiles(data).directory, { readOnly: true })
    try {
      await backup(directory, personalFiles(folder).directory)
    } finally {
      directory.close()
    }
    terminal.tell(`${messages} messages and the accounts are in ${folder}`, { messages, folder })
  } finally {
    await store.close()
  }
}

main().catch((error: unknown) => {
  console.error(`mailwright: ${error instanceof Error ? error.message : String(error)}`)
  if (error instanceof UsageError) console.error('mailwright: see mailwright --help')
  process.exitCode = error instanceof UsageError ? 2 : 1
})
