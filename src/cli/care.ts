/** The commands that look after mail that is stored: looking for damage, making summaries again, copying. RFC 5321 §6.1. */

import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { findingsOf } from '../pipeline/summary.ts'
import { personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import type { SqliteStore } from '../stores/sqlite/index.ts'
import { COMMON } from './command.ts'
import { copyDatabase } from './copy-database.ts'
import type { Call, Command } from './command.ts'
import { newFolder } from './folder.ts'
import { share } from './progress.ts'
import { UsageError } from './usage.ts'

async function withStore<T>({ data, progress }: Call, work: (store: SqliteStore) => Promise<T>): Promise<T> {
  const store = sqliteStore({ path: personalFiles(data).mail })
  try {
    return await work(store)
  } finally {
    progress.end()
    await store.close()
  }
}

/** Tells what is damaged; answers how much that is. */
async function lookAt({ terminal, progress, signal }: Call, store: SqliteStore, deep: boolean): Promise<number> {
  let problems = 0
  const onProgress = ({ phase, done, total }: { readonly phase: string; readonly done: number; readonly total: number }): void =>
    progress.at(total <= 1 ? `looking at the ${phase}` : share(`looking at the ${phase}`, done, total))
  for await (const { kind, text } of store.verify({ deep, onProgress, signal })) {
    if (kind !== 'stray-file') problems++
    progress.end()
    terminal.tell(`${kind}: ${text}`, { kind, text })
  }
  return problems
}

async function verify(call: Call): Promise<boolean> {
  const { options, terminal } = call
  const problems = await withStore(call, store => lookAt(call, store, options['deep'] === true))
  if (problems === 0) terminal.tell('no damage found', { problems })
  else
    terminal.note(
      `${problems} problem${problems === 1 ? '' : 's'}: keep a copy of the folder, then restore what is named from the latest backup`,
    )
  return problems === 0
}

async function rebuild(call: Call): Promise<void> {
  const { terminal, progress, signal } = call
  const messages = await withStore(call, store =>
    store.rebuild({
      summarise: async source => (await findingsOf(source, {})).summary,
      onProgress: ({ done, total }) => progress.at(share('making summaries', done, total)),
      signal,
    }),
  )
  terminal.tell(`${messages} summaries made again`, { messages })
}

function removeAll(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true })
}

async function copy(call: Call): Promise<boolean> {
  const { words, data, terminal, progress, signal } = call
  const [folder = ''] = words
  if (resolve(folder) === resolve(data))
    throw new UsageError('the copy cannot be made into the folder of the server itself: name another', 'backup')
  const from = personalFiles(data)
  const target = personalFiles(folder)
  for (const path of [target.mail, target.directory, target.state, target.dkim, target.tls]) {
    if (existsSync(path)) throw new Error(`${resolve(folder)} holds a copy or a server already: name a new folder`)
  }
  newFolder(folder)
  // A copy that was not finished must not be taken for one, nor stand in the way of the next.
  await using unfinished = new AsyncDisposableStack()
  unfinished.defer(() => removeAll([target.mail, target.directory, target.state, target.dkim, target.tls]))
  const messages = await withStore(call, async store => {
    const copied = await store.backup(target.mail, {
      onProgress: ({ phase, done, total }) =>
        progress.at(share(phase === 'database' ? 'copying pages' : 'copying files of mail', done, total)),
      // The copy of what is left is worth more than none; the look at it says what is lost.
      onMissing: () => undefined,
      signal,
    })
    progress.at('copying accounts and keys')
    await copyDatabase(from.directory, target.directory)
    if (existsSync(from.state)) await copyDatabase(from.state, target.state)
    // Without them a restored server would sign with keys that DNS does not know, and refuse bounces to senders it rewrote.
    for (const what of ['dkim', 'tls'] as const) {
      if (!existsSync(from[what])) continue
      mkdirSync(target[what], { mode: 0o700 })
      cpSync(from[what], target[what], { recursive: true })
    }
    for (const what of ['secret', 'lastUser'] as const) if (existsSync(from[what])) cpSync(from[what], target[what])
    return copied.messages
  })
  unfinished.move()
  // What was damaged before is damaged in the copy, where nobody would look for it until it is needed.
  const problems = await withStore({ ...call, data: folder }, store => lookAt(call, store, true))
  terminal.tell(`${messages} messages, the accounts and the keys are in ${folder}`, { messages, folder, problems })
  if (problems > 0) {
    terminal.note(
      `the copy is damaged in ${problems} place${problems === 1 ? '' : 's'}, named above; keep the copies from before. "mailwright verify --deep --data ${data}" ` +
        'says whether the server’s own mail is: if so, restore what is named from an earlier copy; if not, make the copy again on another disk',
    )
  }
  return problems === 0
}

/** The commands that look after what is stored. */
export const CARE_COMMANDS: readonly Command[] = [
  {
    name: 'verify',
    takes: '',
    text: 'look for damage; --deep reads every octet',
    more: 'Works beside a running server. Exit code 1 when something is damaged.',
    options: [{ name: 'deep', text: 'read every octet and compare it with its hash' }, ...COMMON],
    arity: [0, 0],
    needs: ['mail'],
    run: verify,
  },
  {
    name: 'rebuild',
    takes: '',
    text: 'make the summaries of all messages again',
    more: 'Summaries are what clients list mail by. They are made from the octets; flags and UIDs stay. Works beside a running server.',
    options: COMMON,
    arity: [0, 0],
    needs: ['mail'],
    run: rebuild,
  },
  {
    name: 'backup',
    takes: 'FOLDER',
    text: 'copy mail, accounts and keys into a new folder while the server runs',
    more: 'Reads every octet of the copy again; exit code 1 when it is damaged, as the mail it was made of may be. It holds passwords and private keys: keep it as you keep the server. To restore, start the server on it: mailwright serve --data FOLDER',
    options: COMMON,
    arity: [1, 1],
    needs: ['mail', 'accounts'],
    run: copy,
  },
]
