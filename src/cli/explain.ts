/** `mailwright explain`: why a message was taken, put aside or refused. RFC 5321 §4.4 for the id in `Received`. */

import { existsSync, readFileSync } from 'node:fs'
import type { TraceRecord, Verdict } from '../contracts/index.ts'
import { printable } from '../pipeline/index.ts'
import { personalFiles } from '../server/index.ts'
import { traceJournal } from '../stores/traces/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { UsageError } from './usage.ts'

async function explain(call: Call): Promise<boolean> {
  const { words, data, options, terminal } = call
  const folder = personalFiles(data).traces
  if (!existsSync(folder)) throw new Error(`no traces are kept in ${folder}: a server keeps them from its first start on`)
  const traces = traceJournal({ folder })
  const [word] = words
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
  terminal.tell([headOf(record), ...stepsOf(record), scoreOf(record)].filter(line => line !== '').join('\n'), { ...record })
  return true
}

/** The id that this server wrote: in the topmost `Received` field. */
function idIn(text: string): string | undefined {
  return /^Received:(?:[^\r\n]|\r?\n[ \t])*?\sid\s+([a-z0-9]{1,64})/im.exec(text)?.[1]
}

function headOf({ id, at, connection, sender, recipients, size, verdict }: TraceRecord): string {
  const from = sender === '' ? '<>' : printable(sender)
  const others = recipients.length > 3 ? ` and ${recipients.length - 3} more` : ''
  const by = connection.user === undefined ? '' : `, logged in as ${printable(connection.user)}`
  const place = connection.address === '' ? 'this server' : connection.address
  return `${new Date(at).toISOString()}  ${id}  ${verdictText(verdict)}\n  ${size} octets from ${from} to ${recipients
    .slice(0, 3)
    .map(to => printable(to))
    .join(
      ', ',
    )}${others}\n  by ${connection.protocol} from ${place}${connection.clientName === undefined ? '' : ` (${printable(connection.clientName)})`}${connection.tls === undefined ? ', in the clear' : `, ${connection.tls}`}${by}`
}

/** Step by step, as they ran. */
function stepsOf({ trace }: TraceRecord): readonly string[] {
  return trace.flatMap(({ phase, middleware, verdict, ms, evidence, symbols = [], fault }) => [
    `  ${phase.padEnd(9)} ${printable(middleware).padEnd(18)} ${verdictText(verdict)} (${ms.toFixed(ms < 10 ? 1 : 0)} ms)`,
    ...symbols.map(
      ({ name, score, text }) => `            ${score > 0 ? '+' : ''}${score} ${name}${text === undefined ? '' : `: ${printable(text)}`}`,
    ),
    ...evidence.map(note => `            ${printable(note)}`),
    ...(fault === undefined ? [] : [`            fault: ${printable(fault)}`]),
  ])
}

function scoreOf({ trace }: TraceRecord): string {
  const symbols = trace.flatMap(entry => entry.symbols ?? [])
  const sum = symbols.reduce((total, { score }) => total + score, 0)
  return symbols.length === 0 ? '' : `  score ${Math.round(sum * 100) / 100}`
}

function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'accept':
      return 'accept'
    case 'reject':
    case 'defer':
      return `${verdict.kind} ${verdict.code} ${printable(verdict.text)}`
    case 'discard':
    case 'quarantine':
      return `${verdict.kind}: ${printable(verdict.reason)}`
  }
}

/** The command. */
export const EXPLAIN: Command = {
  name: 'explain',
  takes: '[ID|FILE]',
  text: 'why a message was taken, put aside or refused',
  more: 'An id stands in the first Received field of a message (name its file instead, if you have it) and in the reply that took it. Without one: the latest decisions.',
  options: [{ name: 'last', value: 'N', text: 'how many of the latest (default 10)' }, ...COMMON],
  arity: [0, 1],
  needs: [],
  run: explain,
}
