/** Is our mail told from forgeries: SPF, DKIM, DMARC. RFC 7208 §4.5, §4.6.4; RFC 6376 §3.6.1; RFC 9989 §4.7. */

import { parseKeyRecord, parseTagList } from '../../dkim/index.ts'
import type { KeyFault } from '../../dkim/index.ts'
import { linesFor } from './check-route.ts'
import type { Facts } from './facts.ts'
import { unchecked } from './finding.ts'
import type { Finding, Known } from './finding.ts'
import { valuesOf } from './gather-dns.ts'
import type { SpfReport } from './spf.ts'

/** RFC 7208 §4.6.4. */
const MAX_LOOKUPS = 10
const MAX_VOIDS = 2

/** Everything about who may send. */
export function checkSenders(facts: Facts): readonly Finding[] {
  return [...checkSpf(facts), ...checkKeys(facts), ...checkDmarc(facts)]
}

function checkSpf({ expected, dns }: Facts): readonly Finding[] {
  return [...dns.spf].flatMap(([name, report]) => {
    const publish = linesFor(expected, 'spf', record => record.name === name)
    return name === expected.domain ? spfOfDomain(name, report, publish) : spfOfHost(name, report, publish)
  })
}

function spfOfDomain(name: string, answer: Known<SpfReport>, publish: readonly string[]): readonly Finding[] {
  const looked = `SPF of ${name}`
  const common = { check: 'spf', looked } as const
  if (!answer.ok) return [unchecked('spf', looked, answer.why)]
  const { records, faults, lookups, voids, strangers, results } = answer.value
  if (records.length === 0)
    return [{ ...common, level: 'fault', found: 'there is none, so nobody can tell our mail from forgeries', todo: 'publish', publish }]
  if (records.length > 1) {
    const found = `there are ${records.length} records, which makes all of them void`
    return [{ ...common, level: 'fault', found, todo: 'keep one of them, with everything in it; such as', publish }]
  }
  const findings: Finding[] = faults.map(found => ({ ...common, level: 'fault', found, todo: 'mend the record; a simple one is', publish }))
  if (lookups > MAX_LOOKUPS) {
    const found = `it takes ${lookups} questions to read, and receivers give up after ${MAX_LOOKUPS}`
    findings.push({
      ...common,
      level: 'fault',
      found,
      todo: 'leave out some of include, a, mx and exists, or name networks with ip4 and ip6',
    })
  }
  if (voids > MAX_VOIDS) {
    const found = `${voids} of its names do not exist or have no address, and receivers give up after ${MAX_VOIDS}`
    findings.push({ ...common, level: 'fault', found, todo: 'take these names out' })
  }
  for (const [address, result] of results) {
    if (result === 'pass') continue
    const found = `it does not let ${address} send, which is this server: "${result}" for its mail`
    findings.push({ ...common, level: 'fault', found, todo: 'let the server send, with mx, a or ip4; such as', publish })
  }
  if (strangers === 'pass')
    findings.push({ ...common, level: 'fault', found: 'it lets everybody send (+all)', todo: 'end it with -all; such as', publish })
  else if (strangers === 'neutral')
    findings.push({ ...common, level: 'warning', found: 'it says nothing of strangers', todo: 'end it with -all; such as', publish })
  if (findings.length > 0) return findings
  return [{ ...common, level: 'ok', found: `"${records[0] ?? ''}", ${lookups} of ${MAX_LOOKUPS} questions, lets this server send` }]
}

/** RFC 7208 §2.3: of bounces, which have no sender, the name in the greeting is checked. */
function spfOfHost(name: string, answer: Known<SpfReport>, publish: readonly string[]): readonly Finding[] {
  const looked = `SPF of ${name}, for bounces`
  const common = { check: 'spf-host', looked } as const
  if (!answer.ok) return [unchecked('spf-host', looked, answer.why)]
  const { records, results } = answer.value
  if (records.length === 0)
    return [{ ...common, level: 'note', found: 'there is none; bounces are trusted a little less', todo: 'publish', publish }]
  const refused = [...results].filter(([, result]) => result !== 'pass').map(([address]) => address)
  if (refused.length === 0 && records.length === 1) return [{ ...common, level: 'ok', found: `"${records[0] ?? ''}"` }]
  const found =
    records.length > 1 ? `there are ${records.length} records, which makes all of them void` : `it does not let ${refused.join(', ')} send`
  return [{ ...common, level: 'warning', found, todo: 'publish instead', publish }]
}

const KEY_FAULTS: Readonly<Record<KeyFault, string>> = {
  'key-syntax': 'it is not written as a key record is',
  'key-version': 'it is of another version than DKIM1',
  'key-type': 'its kind of key is unknown',
  'key-hash': 'it forbids SHA-256, with which everybody signs',
  'key-service': 'it is not for mail',
  'key-revoked': 'the key is revoked: p= is empty',
  'weak-key': 'the key is too short: nobody accepts it',
  'large-key': 'the key is too long: many do not accept it',
}

function checkKeys({ expected, dns, unfitKeys }: Facts): readonly Finding[] {
  const keys = expected.records.flatMap(record => (record.purpose === 'dkim' && record.type === 'TXT' ? [record] : []))
  if (keys.length === 0) {
    const found = 'no keys in this folder, so the published ones cannot be compared'
    return [
      { check: 'dkim', level: 'note', looked: 'DKIM keys', found, todo: 'name the folder of the server with --data', unchecked: true },
    ]
  }
  return keys.flatMap((record): readonly Finding[] => {
    const looked = `DKIM key ${record.name}`
    const common = { check: 'dkim', looked } as const
    const publish = linesFor(expected, 'dkim', other => other.name === record.name)
    const selector = record.name.slice(0, record.name.indexOf('._domainkey.'))
    const findings: Finding[] = []
    if (unfitKeys.includes(selector)) {
      const found = 'the record in the folder does not belong to the private key beside it'
      findings.push({ ...common, level: 'fault', found, todo: 'restore the key file from a backup, or let the server make new keys' })
    }
    const answer = dns.texts.get(record.name)
    if (answer?.ok !== true) return [...findings, unchecked('dkim', looked, answer?.why ?? 'nobody asked')]
    const [text] = answer.value
    if (text === undefined)
      return [
        ...findings,
        { ...common, level: 'fault', found: 'it is not published, so our signatures count for nothing', todo: 'publish', publish },
      ]
    if (answer.value.length > 1)
      return [
        ...findings,
        { ...common, level: 'fault', found: 'several texts are published there; which one counts is chance', todo: 'keep only', publish },
      ]
    const [ours, theirs] = [parseKeyRecord(record.value), parseKeyRecord(text)]
    if (typeof theirs === 'string')
      return [...findings, { ...common, level: 'fault', found: `it cannot be used: ${KEY_FAULTS[theirs]}`, todo: 'publish', publish }]
    if (typeof ours === 'string' || !ours.publicKey.equals(theirs.publicKey)) {
      const found = 'another key is published than the one that we sign with, so our signatures fail'
      return [...findings, { ...common, level: 'fault', found, todo: 'publish', publish }]
    }
    if (theirs.testing) {
      const found = 'it is marked as a test (t=y), so it protects nothing'
      findings.push({ ...common, level: 'warning', found, todo: 'publish it without t=y', publish })
    }
    return findings.length > 0 ? findings : [{ ...common, level: 'ok', found: `published, and the one that we sign with (${theirs.type})` }]
  })
}

function checkDmarc({ expected, dns }: Facts): readonly Finding[] {
  const name = `_dmarc.${expected.domain}`
  const looked = `DMARC of ${expected.domain}`
  const common = { check: 'dmarc', looked } as const
  const answer = dns.texts.get(name)
  if (answer?.ok !== true) return [unchecked('dmarc', looked, answer?.why ?? 'nobody asked')]
  const publish = linesFor(expected, 'dmarc')
  const records = valuesOf(answer).filter(text => /^v\s*=\s*DMARC1\s*(?:;|$)/.test(text))
  const [record] = records
  if (record === undefined)
    return [{ ...common, level: 'warning', found: 'there is none; large providers trust mail less without it', todo: 'publish', publish }]
  if (records.length > 1)
    return [
      { ...common, level: 'fault', found: `there are ${records.length} records, which makes all of them void`, todo: 'keep only', publish },
    ]
  const tags = parseTagList(record)
  const policy = tags?.get('p')?.toLowerCase()
  const findings = dns.reportsElsewhere.flatMap(({ name, answer: consent }) => checkConsent(common, name, consent))
  if (policy === 'quarantine' || policy === 'reject') return [...findings, { ...common, level: 'ok', found: `"${record}"` }]
  // RFC 9989 §4.7: a record without a policy watches, if it says where reports go.
  if (policy !== 'none' && (policy !== undefined || tags?.has('rua') !== true))
    return [
      ...findings,
      { ...common, level: 'fault', found: `it has no policy that receivers understand: "${record}"`, todo: 'publish', publish },
    ]
  const found = 'it only watches (p=none): forgeries are delivered like our own mail'
  return [...findings, { ...common, level: 'note', found, todo: 'once the reports show that our own mail passes, publish', publish }]
}

/** RFC 9990 §4: whoever is to get another domain's reports has to say so. */
function checkConsent(
  common: { readonly check: 'dmarc'; readonly looked: string },
  name: string,
  answer: Known<readonly string[]>,
): readonly Finding[] {
  if (!answer.ok || answer.value.some(text => text.startsWith('v=DMARC1'))) return []
  const found = `its reports go to another domain, which does not say that it wants them, so nobody sends any`
  const todo = 'have reports sent to an address of your own domain, or have the other domain publish'
  return [{ ...common, level: 'warning', found, todo, publish: [`${name}. 3600 IN TXT "v=DMARC1"`] }]
}
