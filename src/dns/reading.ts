/** Finds in an answer what was asked for: aliases are followed, strangers' records left aside. RFC 1034 §3.6.2, §4.3.2; RFC 2308 §2. */

import { MailError } from '../contracts/index.ts'
import { questionName } from './names.ts'
import { negativeTtl, validTtl } from './rdata.ts'
import type { ReadRecord } from './rdata.ts'
import { RCODES, TYPES } from './wire.ts'
import type { QuestionType, RawRecord, Reply } from './wire.ts'

/** More records than any name needs; the rest is left unread. */
const MAX_RECORDS = 256

/** What an answer holds. */
export interface Found<T> {
  readonly records: readonly T[]
  /** Seconds; `undefined` when nothing says. */
  readonly ttl: number | undefined
  readonly exists: boolean
  /** The name to ask about next, when the server left an alias unfollowed. */
  readonly next: string | undefined
  /** Aliases on the way. */
  readonly aliases: number
}

/**
 * Reads what an answer says of `name`. Throws `MailError('unavailable')` for more than `maxAliases` aliases in a row, and when there
 * are exchangers but none that could be a host: to take that for "no exchangers" would send mail elsewhere (RFC 5321 §5.1).
 */
export function readReply<T>(reply: Reply, name: string, type: QuestionType, maxAliases: number, read: ReadRecord<T>): Found<T> {
  const { owner, aliases, ttl: aliasTtl } = type === 'CNAME' ? { owner: name, aliases: 0, ttl: undefined } : follow(reply, name, maxAliases)
  const own = reply.answers.filter(record => record.type === TYPES[type] && record.name === owner).slice(0, MAX_RECORDS)
  const records = own.map(record => readSafely(record, read)).filter(value => value !== undefined)
  if (type === 'MX' && own.length > 0 && records.length === 0) {
    throw new MailError('unavailable', `no mail exchanger of ${name} has a name that a host can have`)
  }
  const isMissing = own.length === 0
  const hasSoa = reply.authorities.some(record => record.type === TYPES.SOA)
  const isUnfollowed = isMissing && aliases > 0 && reply.rcode === RCODES.noError && !hasSoa
  const ttls = [aliasTtl, isMissing ? negativeTtl(reply.authorities, TYPES.SOA) : least(own)].filter(ttl => ttl !== undefined)
  return {
    records,
    ttl: ttls.length === 0 ? undefined : Math.min(...ttls),
    exists: reply.rcode !== RCODES.nameError,
    next: isUnfollowed && questionName(owner) === owner && !owner.includes('\\') ? owner : undefined,
    aliases,
  }
}

function follow(reply: Reply, name: string, maxAliases: number): { owner: string; aliases: number; ttl: number | undefined } {
  const targets = new Map<string, RawRecord>()
  for (const record of reply.answers) if (record.type === TYPES.CNAME && !targets.has(record.name)) targets.set(record.name, record)
  let [owner, aliases] = [name, 0]
  const passed: RawRecord[] = []
  for (let alias = targets.get(owner); alias !== undefined; alias = targets.get(owner)) {
    if (++aliases > maxAliases) throw new MailError('unavailable', `${name} is an alias of an alias without end`)
    passed.push(alias)
    const target = readSafely(alias, record => record.nameAt(0))
    if (target === undefined) throw new MailError('unavailable', `an alias on the way from ${name} names nothing`)
    owner = target
  }
  return { owner, aliases, ttl: passed.length === 0 ? undefined : least(passed) }
}

function least(records: readonly RawRecord[]): number {
  return records.reduce((ttl, record) => Math.min(ttl, validTtl(record.ttl)), Number.POSITIVE_INFINITY)
}

function readSafely<T>(record: RawRecord, read: ReadRecord<T>): T | undefined {
  try {
    return read(record)
  } catch {
    return undefined
  }
}
