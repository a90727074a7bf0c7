/** `mailwright explain`: why a message was taken, put aside or refused. RFC 5321 §4.4 for the id in `Received`. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printable } from '../pipeline/index.ts'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import { systemClock, systemRandom } from '../net/index.ts'
import { dryRun, personalFiles, personalFilters, personalResolver } from '../server/index.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { traceJournal } from '../stores/traces/index.ts'
import { COMMON } from './command.ts'
import { copyDatabase } from './copy-database.ts'
import type { Call, Command } from './command.ts'
import { headOf, traceText } from './trace-text.ts'
import { UsageError } from './usage.ts'

async function explain(call: Call): Promise<boolean> {
  const { words, data, options, terminal } = call
  const folder = personalFiles(data).traces
  if (!existsSync(folder)) throw new Error(`no traces are kept in ${folder}: a server keeps them from its first start on`)
  const [word] = words
  if (typeof options['from'] === 'string' || typeof options['ip'] === 'string') return imagine(call)
  const traces = traceJournal({ folder })
  if (word === undefined) {
    const limit = Number(options['last'] ?? 10)
    if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--last takes a number', 'explain')
    const records = await traces.recent(limit, { signal: call.signal })
    if (records.length === 0) terminal.note('no message was decided on yet')
    for (const record of records.toReversed()) terminal.tell(headOf(record), { ...record })
    return true
  }
  const id = existsSync(word) ? idIn(readFileSync(word, 'latin1').slice(0, 65_536)) : word
  const record = id === undefined ? undefined : await traces.find(id, { signal: call.signal })
  if (record === undefined) {
    throw new Error(
      `nothing is known of ${printable(id ?? word)}: an id stands in the first Received field of a message and in the reply that took it, and is kept for two weeks`,
    )
  }
  terminal.tell(traceText(record), { ...record })
  return true
}

/** Runs the filters over a file, on a copy of what they remember. */
async function imagine({ words, data, options, terminal }: Call): Promise<boolean> {
  const [path] = words
  const { from, ip, to, helo, dns } = options
  if (path === undefined || typeof ip !== 'string' || typeof from !== 'string')
    throw new UsageError('a dry run takes FILE --from ADDRESS --ip ADDRESS', 'explain')
  const octets = readFileSync(path)
  const files = personalFiles(data)
  const scratch = mkdtempSync(join(tmpdir(), 'mailwright-dry-run-'))
  const directory = sqliteDirectory({ path: files.directory })
  const store = memoryStore()
  try {
    const stateFile = join(scratch, 'state.sqlite')
    if (existsSync(files.state)) await copyDatabase(files.state, stateFile)
    const [domain = 'home.test'] = await directory.domains()
    const hostname = `mail.${domain}`
    const account = (await directory.accounts())[0]
    const filters = personalFilters(
      {},
      { hostname, store, resolver: personalResolver(typeof dns === 'string' ? dns : undefined), clock: systemClock, stateFile },
    )
    try {
      const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
      const record = await dryRun({
        hostname,
        directory,
        middleware: filters.middleware,
        content,
        from,
        ip,
        to: typeof to === 'string' ? to : (account?.address ?? ''),
        clock: systemClock,
        random: systemRandom,
        ...(typeof helo === 'string' ? { helo } : {}),
      })
      terminal.note('a dry run: nothing was delivered, and nothing is remembered of it')
      terminal.tell(traceText(record), { ...record })
    } finally {
      await filters.close()
    }
  } finally {
    directory.close()
    await store.close()
    rmSync(scratch, { recursive: true, force: true })
  }
  return true
}

/** The id that this server wrote: in the topmost `Received` field. */
function idIn(text: string): string | undefined {
  return /^Received:(?:[^\r\n]|\r?\n[ \t])*?\sid\s+([a-z0-9]{1,64})/im.exec(text)?.[1]
}

/** The command. */
export const EXPLAIN: Command = {
  name: 'explain',
  takes: '[ID|FILE]',
  text: 'why a message was taken, put aside or refused',
  more: 'An id stands in the first Received field of a message (name its file instead, if you have it) and in the reply that took it. Without one: the latest decisions.\nWith --from and --ip it is a dry run: the filters judge the file as if it came from there now, and nothing is delivered.',
  options: [
    { name: 'from', value: 'ADDRESS', text: 'dry run: the envelope sender' },
    { name: 'ip', value: 'ADDRESS', text: 'dry run: the client' },
    { name: 'to', value: 'ADDRESS', text: 'dry run: the recipient (default: the first account)' },
    { name: 'helo', value: 'NAME', text: 'dry run: how the client names itself' },
    { name: 'dns', value: 'IP:PORT', text: 'dry run: the DNS server to ask' },
    { name: 'last', value: 'N', text: 'how many of the latest (default 10)' },
    ...COMMON,
  ],
  arity: [0, 1],
  needs: [],
  run: explain,
}
