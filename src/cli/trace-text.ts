/** How a message was decided on, in lines that a person reads. */

import type { TraceRecord, Verdict } from '../contracts/index.ts'
import { printable } from '../pipeline/index.ts'

/** All of it. Whatever strangers wrote is printable. */
export function traceText(record: TraceRecord): string {
  return [headOf(record), ...stepsOf(record), scoreOf(record)].filter(line => line !== '').join('\n')
}

/** Who, whence, and what became of it. */
export function headOf({ id, at, connection, sender, recipients, size, verdict }: TraceRecord): string {
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
    // What was put into the scale with the same words stands there already.
    ...evidence.filter(note => !symbols.some(({ text }) => text === note)).map(note => `            ${printable(note)}`),
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
