/** `mailwright explain`: why a message was taken, put aside or refused. RFC 5321 §4.4 for the id in `Received`. */

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressScope } from '../bytes/ip-address.ts'
import { canonicalAddress } from '../mime/index.ts'
import { printable } from '../pipeline/index.ts'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import { systemClock, systemRandom } from '../net/index.ts'
import { dryRun, lastUserOf, personalFiles, personalFilters, personalResolver, serverName } from '../server/index.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { traceJournal } from '../stores/traces/index.ts'
import { COMMON } from './command.ts'
import { copyDatabase } from './copy-database.ts'
import type { Call, Command } from './command.ts'
import { headOf, traceText } from './trace-text.ts'
import { countOption, UsageError } from './usage.ts'

async function explain(call: Call): Promise<boolean> {
  const { words, data, options, terminal } = call
  const [word] = words
  const limit = countOption(options, 'last', 10)
  if (typeof options['from'] === 'string' || typeof options['ip'] === 'string') return imagine(call)
  const folder = mustKeepTraces(data)
  const traces = traceJournal({ folder })
  if (word === undefined) {
    const records = await traces.recent(limit, { signal: call.signal })
    if (records.length === 0) terminal.note('no message was decided on yet')
    for (const record of records.toReversed()) terminal.tell(headOf(record), { ...record })
    return true
  }
  // Ids are letters and digits: whatever else was typed is meant as a file.
  const isFile = existsSync(word) || !/^[a-z0-9]+$/i.test(word)
  const id = isFile ? idIn(octetsOf(word).toString('latin1', 0, 65_536)) : word
  if (id === undefined) throw new Error(`${printable(word)} has no Received field with an id that a server like this writes`)
  const record = await traces.find(id, { signal: call.signal })
  if (record === undefined) {
    throw new Error(
      `nothing is known of ${printable(id)}: an id stands in the first Received field of a message and in the reply that took it, and is kept for two weeks`,
    )
  }
  terminal.tell(traceText(record), { ...record })
  return true
}

/** Where they are. Throws for a folder in which no server was ever started. */
function mustKeepTraces(data: string): string {
  const folder = personalFiles(data).traces
  if (!existsSync(folder)) throw new Error(`no traces are kept in ${folder}: a server keeps them from its first start on`)
  return folder
}

/** Runs the filters over a file, on a copy of what they remember. */
async function imagine({ words, data, options, terminal }: Call): Promise<boolean> {
  const [path] = words
  const { from, ip, to, helo, dns } = options
  if (path === undefined || typeof ip !== 'string' || typeof from !== 'string')
    throw new UsageError('a dry run takes FILE --from ADDRESS --ip ADDRESS', 'explain')
  if (addressScope(ip) === undefined) throw new UsageError(`--ip takes an IP address such as 203.0.113.7, not "${ip}"`, 'explain')
  for (const [name, address] of [
    ['from', from],
    ['to', to],
  ]) {
    if (typeof address === 'string' && address !== '<>' && canonicalAddress(address) === undefined)
      throw new UsageError(`--${String(name)} takes a mail address, not "${address}"`, 'explain')
  }
  mustKeepTraces(data)
  const octets = octetsOf(path)
  const files = personalFiles(data)
  const scratch = mkdtempSync(join(tmpdir(), 'mailwright-dry-run-'))
  const directory = sqliteDirectory({ path: files.directory })
  const store = memoryStore()
  try {
    const stateFile = join(scratch, 'state.sqlite')
    if (existsSync(files.state)) await copyDatabase(files.state, stateFile)
    const accounts = await directory.accounts()
    const lastUser = lastUserOf(data)
    const [first] = await directory.domains()
    const hostname = serverName(lastUser?.slice(lastUser.lastIndexOf('@') + 1) ?? first ?? 'home.test')
    const account = accounts.find(({ address }) => address === lastUser) ?? accounts[0]
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
        from: from === '<>' ? '' : from,
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

/** A message in a file. */
function octetsOf(path: string): Buffer {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new Error(`there is no file ${printable(path)}`)
  if (found.isDirectory()) throw new Error(`${printable(path)} is a folder: name the file of a message`)
  return readFileSync(path)
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
    { name: 'from', value: 'ADDRESS', text: 'dry run: the envelope sender; <> for the empty one of bounces' },
    { name: 'ip', value: 'ADDRESS', text: 'dry run: the client' },
    { name: 'to', value: 'ADDRESS', text: 'dry run: the recipient (default: the account that the server was last started for)' },
    { name: 'helo', value: 'NAME', text: 'dry run: how the client names itself' },
    { name: 'dns', value: 'IP:PORT', text: 'dry run: the DNS server to ask' },
    { name: 'last', value: 'N', text: 'how many of the latest (default 10)' },
    ...COMMON,
  ],
  arity: [0, 1],
  needs: [],
  run: explain,
}
