/** `mailwright reports`: what other servers report about the mail and the TLS of this domain. RFC 9990 §3.1; RFC 8460 §4. */

import { existsSync } from 'node:fs'
import type { DmarcReport, ReceivedReport, ReportedRow, TlsReport } from '../contracts/index.ts'
import { printable } from '../pipeline/index.ts'
import { personalFiles } from '../server/index.ts'
import { reportArchive } from '../stores/reports/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { countOption } from './usage.ts'

async function reports({ words, data, options, terminal, signal }: Call): Promise<boolean> {
  const folder = personalFiles(data).reports
  const limit = countOption(options, 'last', 20)
  const [domain] = words
  const filter = { limit, ...(domain === undefined ? {} : { domain: domain.toLowerCase() }) }
  const found = existsSync(folder) ? await reportArchive({ folder }).list(filter, { signal }) : []
  if (found.length === 0)
    terminal.note('no report came yet: others send them once a day to the address in the records that "mailwright dns" prints')
  for (const received of found.toReversed()) terminal.tell(textOf(received), { ...received })
  return true
}

function textOf(received: ReceivedReport): string {
  const { kind, report, sender, at } = received
  const head = `${new Date(at).toISOString()}  ${kind === 'dmarc' ? 'DMARC' : 'TLS'} by ${printable(report.organisation)} (mail from ${printable(sender)})`
  return [head, ...(kind === 'dmarc' ? dmarcLines(report) : tlsLines(report))].join('\n')
}

function dmarcLines({ policy, records, begin, end }: DmarcReport): readonly string[] {
  const span = `${new Date(begin * 1000).toISOString().slice(0, 16)} to ${new Date(end * 1000).toISOString().slice(0, 16)}`
  return [`  ${printable(policy.domain)}, p=${policy.p}, ${span}`, ...records.map(rowText)]
}

function rowText({ ip, count, disposition, dkim, spf, headerFrom }: ReportedRow): string {
  const isFine = dkim === 'pass' || spf === 'pass'
  return `  ${isFine ? ' ' : '!'} ${count} from ${ip}: ${disposition}, DKIM ${dkim}, SPF ${spf}, as ${printable(headerFrom)}`
}

function tlsLines({ policies }: TlsReport): readonly string[] {
  return policies.flatMap(({ type, domain, successes, failures, details }) => [
    `  ${failures === 0 ? ' ' : '!'} ${printable(domain)} (${printable(type)}): ${successes} well, ${failures} failed`,
    ...details.map(detail =>
      `      ${detail.count} ${printable(detail.type)} at ${printable(detail.receivingHost)} ${printable(detail.reason)}`.trimEnd(),
    ),
  ])
}

/** Shows them. */
export const REPORTS: Command = {
  name: 'reports',
  takes: '[DOMAIN]',
  text: 'what others report about mail and TLS of this domain',
  more: 'The latest comes last; "!" marks what failed.',
  options: [{ name: 'last', value: 'N', text: 'how many of the latest (default 20)' }, ...COMMON],
  arity: [0, 1],
  needs: [],
  run: reports,
}
