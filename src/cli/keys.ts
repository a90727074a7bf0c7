/** The commands about the keys that sign mail: looking at them, and replacing them. RFC 6376 §3.1, §3.6; RFC 8301 §3. */

import { existsSync, readdirSync } from 'node:fs'
import { MailError } from '../contracts/index.ts'
import type { Resolver } from '../contracts/index.ts'
import { canonicalDomain } from '../mime/index.ts'
import { dkimKeys, keyPublication } from '../outbound/index.ts'
import type { DkimKeyStore, DkimRecord, KeyPublication } from '../outbound/index.ts'
import { zoneLine } from '../dns/index.ts'
import { personalFiles, personalResolver } from '../server/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { UsageError } from './usage.ts'

const DNS_OPTION = { name: 'dns', value: 'IP:PORT', text: 'DNS server to ask (default: the system’s)' }
const DAY = 86_400_000

/** What DNS shows of a key, or that it cannot tell. */
type Shown = KeyPublication | 'unknown'

const SHOWN: Readonly<Record<Shown, string>> = {
  published: 'DNS shows it',
  missing: 'not in DNS',
  different: 'DNS shows something else under this name',
  unknown: 'DNS cannot tell',
}
const STATES: Readonly<Record<DkimRecord['state'], string>> = { next: 'waits since', current: 'signs since', retired: 'signed until' }

function domainsIn(data: string): readonly string[] {
  const { dkim } = personalFiles(data)
  if (!existsSync(dkim)) return []
  return readdirSync(dkim)
    .filter(name => name.endsWith('.json'))
    .map(name => name.slice(0, -'.json'.length))
    .sort()
}

function resolverOf({ options }: Call): Resolver {
  return personalResolver(typeof options['dns'] === 'string' ? options['dns'] : undefined)
}

/** The keys of the domains that have some already: a slip makes none. */
async function keysOf(call: Call, resolver: Resolver | undefined, more: { readonly publishMs?: number } = {}): Promise<DkimKeyStore> {
  const there = domainsIn(call.data)
  const [word] = call.words
  const domain = word === undefined ? undefined : canonicalDomain(word)
  if (word !== undefined && domain === undefined) throw new UsageError(`"${word}" is no domain`)
  if (there.length === 0 || (domain !== undefined && !there.includes(domain)))
    throw new Error(
      `there are no DKIM keys${domain === undefined ? '' : ` of ${domain}`} in ${call.data}: ` +
        (there.length === 0
          ? 'start the server once, or name its folder with --data'
          : `there are some of ${there.join(', ')}, and a domain that is new has some from the next start of the server on`),
    )
  return dkimKeys({
    folder: personalFiles(call.data).dkim,
    domains: domain === undefined ? there : [domain],
    ...more,
    ...(resolver === undefined ? {} : { published: async record => (await keyPublication(resolver, record)) === 'published' }),
  })
}

async function shownBy(resolver: Resolver, record: DkimRecord): Promise<Shown> {
  try {
    return await keyPublication(resolver, record)
  } catch (error) {
    if (error instanceof MailError && error.kind === 'unavailable') return 'unknown'
    throw error
  }
}

function day(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10)
}

function facts({ domain, selector, state, since, seen, name, text }: DkimRecord): Readonly<Record<string, unknown>> {
  return {
    domain,
    selector,
    state,
    since: new Date(since).toISOString(),
    seen: seen === undefined ? null : new Date(seen).toISOString(),
    name,
    text,
  }
}

async function list(call: Call): Promise<boolean> {
  const isAsked = call.options['offline'] !== true
  const resolver = resolverOf(call)
  const keys = await keysOf(call, undefined)
  let isWell = true
  for (const record of keys.records()) {
    const shown = isAsked ? await shownBy(resolver, record) : undefined
    if (record.state !== 'next' && shown !== undefined && shown !== 'published') isWell = false
    const words = `${record.name}  ${STATES[record.state]} ${day(record.since)}${shown === undefined ? '' : `, ${SHOWN[shown]}`}`
    call.terminal.tell(words, { ...facts(record), dns: shown ?? null })
  }
  return isWell
}

function tellRecords(call: Call, records: readonly DkimRecord[]): void {
  for (const record of records)
    call.terminal.tell(zoneLine({ name: record.name, ttl: 3600, type: 'TXT', value: record.text }), facts(record))
}

function inState(keys: DkimKeyStore, state: DkimRecord['state']): readonly DkimRecord[] {
  return keys.records().filter(record => record.state === state)
}

async function prepare(call: Call): Promise<void> {
  const keys = await keysOf(call, undefined)
  const [domain = ''] = keys.domains
  const isNew = inState(keys, 'next').length === 0
  await keys.prepare(domain)
  const what = isNew ? 'new keys are made' : 'there are new keys already'
  call.terminal.note(`${what}: publish these records beside the old ones. The server lets them sign three days after DNS shows them.`)
  tellRecords(call, inState(keys, 'next'))
}

async function rotate(call: Call): Promise<boolean> {
  const isUrgent = call.options['now'] === true
  const resolver = resolverOf(call)
  const keys = await keysOf(call, resolver, isUrgent ? { publishMs: 0 } : {})
  const [domain = ''] = keys.domains
  const before = inState(keys, 'current').map(({ selector }) => selector)
  if ((await keys.rotate(domain)) === 'rotated') {
    call.terminal.note(
      isUrgent
        ? 'the new keys sign from now on (a server that runs takes them within a quarter of an hour). Records of the old ones, to be left in DNS for mail on its way unless somebody has stolen the keys:'
        : 'the new keys sign from now on (a server that runs takes them within a quarter of an hour). Leave the records of the old ones for eight days:',
    )
    tellRecords(
      call,
      inState(keys, 'retired').filter(({ selector }) => before.includes(selector)),
    )
    return true
  }
  const next = inState(keys, 'next')
  if (next.length === 0) throw new Error(`there are no new keys of ${domain}: "mailwright keys prepare ${domain}" makes them`)
  const unseen = next.filter(({ seen }) => seen === undefined)
  if (unseen.length > 0) {
    call.terminal.note(`nothing is changed: DNS does not show the new keys of ${domain}. Publish these records, then try again:`)
    tellRecords(call, unseen)
    return false
  }
  const since = Math.max(...next.map(({ seen = 0 }) => seen))
  call.terminal.note(
    `nothing is changed: DNS shows the new keys of ${domain} since ${day(since)}, and they sign from ${day(since + 3 * DAY)} on. ` +
      'With --now they sign at once; whoever asked for them before they were there may find the mail unsigned.',
  )
  return false
}

async function forget(call: Call): Promise<void> {
  const keys = await keysOf(call, undefined)
  const [domain = ''] = keys.domains
  const gone = await keys.forget(domain)
  call.terminal.note(gone.length === 0 ? `there are no old keys of ${domain}` : 'forgotten: take these records out of DNS')
  for (const record of gone) call.terminal.tell(record.name, facts(record))
}

/** The commands. */
export const KEY_COMMANDS: readonly Command[] = [
  {
    name: 'keys list',
    takes: '[DOMAIN]',
    text: 'show the keys that sign mail (DKIM), and whether DNS shows them',
    options: [DNS_OPTION, { name: 'offline', text: 'ask nobody' }, ...COMMON],
    arity: [0, 1],
    needs: [],
    run: list,
  },
  {
    name: 'keys prepare',
    takes: 'DOMAIN',
    text: 'make new keys and print the records to publish',
    more: 'Nothing signs with them yet. The server does this by itself when keys are half a year old (serve --key-days).',
    options: COMMON,
    arity: [1, 1],
    needs: [],
    run: prepare,
  },
  {
    name: 'keys rotate',
    takes: 'DOMAIN',
    text: 'let the new keys sign, once DNS shows them',
    more: 'Nothing changes while DNS does not show their records. The server does this by itself three days after they are published.',
    options: [DNS_OPTION, { name: 'now', text: 'do not wait three days; DNS must show them all the same' }, ...COMMON],
    arity: [1, 1],
    needs: [],
    run: rotate,
  },
  {
    name: 'keys forget',
    takes: 'DOMAIN',
    text: 'drop old keys at once, so that their records may be taken out of DNS',
    more: 'Mail on its way that they signed will not verify. The server does this by itself eight days after they signed last.',
    options: COMMON,
    arity: [1, 1],
    needs: [],
    run: forget,
  },
]
