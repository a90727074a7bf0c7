/** `mailwright dns`: prints what a domain has to publish. RFC 1035 §5.1. */

import { recordsFor, tableText, zoneText } from '../dns/index.ts'
import type { DmarcPolicy, MtaStsMode } from '../dns/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { folderKeys } from './dns-folder.ts'
import { domainNamed, listOption, PLACE_OPTIONS, placeOf, textOption } from './dns-options.ts'
import { UsageError } from './usage.ts'

async function print({ words, data, options, terminal }: Call): Promise<void> {
  if (options['zone'] === true && options['table'] === true) throw new UsageError('--zone and --table exclude each other', 'dns')
  const domain = domainNamed(words[0] ?? '')
  const { dkim, certificates, host } = await folderKeys(data, domain)
  const webHost = textOption(options, 'web-host')
  const records = recordsFor(domain, {
    ...(host === undefined ? {} : { host }),
    ...placeOf(options),
    dkim,
    certificates,
    alsoSends: listOption(options, 'also-sends'),
    silent: listOption(options, 'silent'),
    dmarc: choice(options['dmarc'], 'dmarc', ['quarantine', 'none', 'reject']),
    mtaSts: { mode: choice(options['mta-sts'], 'mta-sts', ['testing', 'enforce', 'none']) },
    ...(webHost === undefined ? {} : { webHost: webHost === 'none' ? false : webHost }),
  })
  terminal.tell((options['zone'] === true ? zoneText(records) : tableText(records)).trimEnd(), {
    ...records,
    records: records.records.map(jsonRecord),
  })
  if (dkim.length === 0)
    terminal.note(
      `no DKIM keys of ${records.domain} in ${data}, so no records for them: start the server once, or name its folder with --data`,
    )
  if (records.records.every(({ purpose }) => purpose !== 'host-address'))
    terminal.note(`no addresses of ${records.host}: name them with --ipv4 and --ipv6`)
}

/** Octets as text: JSON has none. */
function jsonRecord<R extends { readonly value: unknown }>(record: R): unknown {
  const { value } = record
  if (typeof value !== 'object' || value === null || !('data' in value) || !(value.data instanceof Uint8Array)) return record
  return { ...record, value: { ...value, data: Buffer.from(value.data).toString('hex') } }
}

function choice<T extends DmarcPolicy | MtaStsMode>(value: string | boolean | undefined, name: string, known: readonly [T, ...T[]]): T {
  if (value === undefined) return known[0]
  const found = known.find(candidate => candidate === value)
  if (found === undefined) throw new UsageError(`--${name} takes one of ${known.join(', ')}, not "${value}"`, 'dns')
  return found
}

/** The command that prints records. */
export const DNS: Command = {
  name: 'dns',
  takes: 'DOMAIN',
  text: 'print the DNS records to publish for a domain',
  more: 'Asks nobody and changes nothing. With the folder of a server its DKIM keys and the TLSA record of its certificate are among them.\n"mailwright doctor DOMAIN" looks at what is published.',
  options: [
    ...PLACE_OPTIONS,
    { name: 'zone', text: 'as a fragment of a zone file' },
    { name: 'table', text: 'in columns, with the pages for a web server (default)' },
    { name: 'also-sends', value: 'SPF,…', text: 'who else sends for the domain, such as include:spf.example.net' },
    { name: 'dmarc', value: 'POLICY', text: 'quarantine (default), none or reject' },
    { name: 'mta-sts', value: 'MODE', text: 'testing (default), enforce or none' },
    { name: 'web-host', value: 'NAME', text: 'web server with the pages (default the mail server; none: no pages)' },
    { name: 'silent', value: 'NAME,…', text: 'names without mail, such as www' },
    ...COMMON,
  ],
  arity: [1, 1],
  needs: [],
  run: print,
}
