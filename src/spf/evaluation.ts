/** One run through a domain's record and those that it leads to. RFC 7208 §4.6, §5, §6. */

import type { Answer } from '../contracts/index.ts'
import { parseIpAddress } from '../bytes/ip-address.ts'
import { sameNetwork } from './client-address.ts'
import { expand, parseMacroString, type MacroString, type MacroValues } from './macro.ts'
import { isQuestion, type SpfCase, type SpfReason, type SpfResult } from './question.ts'
import { parseSpfRecord, spfRecords, type Mechanism, type Qualifier, type SpfRecord } from './record.ts'

/** What a record said. */
export interface Found {
  readonly result: SpfResult
  readonly mechanism?: string
  readonly reason?: SpfReason
  /** Asks for the explanation that the record promises. */
  readonly explain?: () => Promise<string | undefined>
}

/** Ends the run: no mechanism matches or fails to match. */
class Broken extends Error {
  readonly found: Found

  constructor(result: 'temperror' | 'permerror', reason: SpfReason) {
    super(reason)
    this.found = { result, reason }
  }
}

const MOST_LOOKUPS = 10
const MOST_VOID = 2
const MOST_EXCHANGERS = 10
const MOST_NAMES = 10
const RESULTS: Readonly<Record<Qualifier, SpfResult>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' }

/** The counters that all records of one question share. */
export class Evaluation {
  readonly #case: SpfCase
  #lookups = 0
  #void = 0
  #names: Promise<readonly string[]> | undefined

  constructor(given: SpfCase) {
    this.#case = given
  }

  /** Terms that asked DNS so far. */
  get lookups(): number {
    return this.#lookups
  }

  /** The result of a domain's record. Never rejects. */
  async check(domain: string): Promise<Found> {
    try {
      return await this.#check(domain)
    } catch (error) {
      if (error instanceof Broken) return error.found
      return { result: 'temperror', reason: 'dns-failure' }
    }
  }

  async #check(domain: string): Promise<Found> {
    const record = await this.#record(domain)
    if (record === undefined) return { result: 'none', reason: 'no-record' }
    for (const { qualifier, mechanism, text } of record.terms) {
      if (!(await this.#matches(mechanism, domain))) continue
      const { explanation } = record
      const explain = explanation === undefined ? undefined : (): Promise<string | undefined> => this.#explanation(explanation, domain)
      return { result: RESULTS[qualifier], mechanism: text, ...(explain === undefined ? {} : { explain }) }
    }
    if (record.redirect === undefined) return { result: 'neutral' }
    this.#count()
    const target = await this.#target(record.redirect, domain)
    const found = isQuestion(target) ? await this.#check(target) : undefined
    if (found === undefined || found.result === 'none') throw new Broken('permerror', 'target-without-record')
    return found
  }

  async #record(domain: string): Promise<SpfRecord | undefined> {
    const { resolver, options } = this.#case
    const records = spfRecords((await this.#asked(resolver.txt(domain, options))).records)
    const [record] = records
    if (record === undefined) return undefined
    if (records.length > 1) throw new Broken('permerror', 'several-records')
    const parsed = parseSpfRecord(record)
    if (typeof parsed === 'string') throw new Broken('permerror', 'record-syntax')
    return parsed
  }

  async #matches(mechanism: Mechanism, domain: string): Promise<boolean> {
    const { client, resolver, options } = this.#case
    switch (mechanism.kind) {
      case 'all':
        return true
      case 'ip':
        return sameNetwork(client.octets, mechanism.network, mechanism.prefix)
      case 'include':
        return this.#includes(await this.#counted(mechanism.domain, domain))
      case 'exists': {
        const name = await this.#counted(mechanism.domain, domain)
        return isQuestion(name) && (await this.#looked(resolver.a(name, options))).length > 0
      }
      case 'a': {
        const name = await this.#counted(mechanism.domain, domain)
        return this.#inNetwork(await this.#addresses(name), mechanism)
      }
      case 'mx': {
        const name = await this.#counted(mechanism.domain, domain)
        if (!isQuestion(name)) return false
        const exchangers = await this.#looked(resolver.mx(name, options))
        if (exchangers.length > MOST_EXCHANGERS) throw new Broken('permerror', 'mx-limit')
        for (const { exchange } of exchangers) if (this.#inNetwork(await this.#addresses(exchange), mechanism)) return true
        return false
      }
      case 'ptr': {
        const name = (await this.#counted(mechanism.domain, domain)).toLowerCase()
        return (await this.#validatedNames()).some(validated => validated === name || validated.endsWith(`.${name}`))
      }
    }
  }

  /** RFC 7208 §5.2. */
  async #includes(target: string): Promise<boolean> {
    const { result } = isQuestion(target) ? await this.#check(target) : { result: 'none' }
    if (result === 'none') throw new Broken('permerror', 'target-without-record')
    return result === 'pass'
  }

  /** A term that asks DNS, and the name that it asks for. RFC 7208 §4.6.4. */
  #counted(spec: MacroString | undefined, domain: string): Promise<string> {
    this.#count()
    return spec === undefined ? Promise.resolve(domain) : this.#target(spec, domain)
  }

  #count(): void {
    if (++this.#lookups > MOST_LOOKUPS) throw new Broken('permerror', 'lookup-limit')
  }

  /** RFC 7208 §7.3: too long a name loses labels on the left. */
  async #target(spec: MacroString, domain: string): Promise<string> {
    let name: string
    try {
      name = (await expand(spec, this.#values(domain))).replace(/\.$/, '')
    } catch (error) {
      if (error instanceof RangeError) throw new Broken('permerror', 'record-syntax')
      throw error
    }
    while (name.length > 253 && name.includes('.')) name = name.slice(name.indexOf('.') + 1)
    return name
  }

  #inNetwork(addresses: readonly string[], { prefix4, prefix6 }: { readonly prefix4: number; readonly prefix6: number }): boolean {
    const { client } = this.#case
    const bits = client.octets.length === 4 ? prefix4 : prefix6
    return addresses.some(text => {
      const octets = parseIpAddress(text)
      return octets !== undefined && sameNetwork(client.octets, octets, bits)
    })
  }

  /** Addresses of the client's family. */
  async #addresses(name: string): Promise<readonly string[]> {
    return isQuestion(name) ? this.#looked(this.#ask(name)) : []
  }

  #ask(name: string): Promise<Answer<string>> {
    const { client, resolver, options } = this.#case
    return client.family === 'ip6' ? resolver.aaaa(name, options) : resolver.a(name, options)
  }

  async #asked<T>(answer: Promise<Answer<T>>): Promise<Answer<T>> {
    try {
      return await answer
    } catch {
      throw new Broken('temperror', 'dns-failure')
    }
  }

  async #looked<T>(answer: Promise<Answer<T>>): Promise<readonly T[]> {
    const { records } = await this.#asked(answer)
    if (records.length === 0 && ++this.#void > MOST_VOID) throw new Broken('permerror', 'void-lookup-limit')
    return records
  }

  /** Names of the client that lead back to it; failures count as no name. RFC 7208 §5.5. */
  #validatedNames(): Promise<readonly string[]> {
    return (this.#names ??= this.#findNames())
  }

  async #findNames(): Promise<readonly string[]> {
    const { client, resolver, options } = this.#case
    const validated: string[] = []
    try {
      const { records } = await resolver.ptr(client.readable, options)
      for (const record of records.slice(0, MOST_NAMES)) {
        const name = record.toLowerCase().replace(/\.$/, '')
        if (isQuestion(name) && (await this.#leadsBack(name))) validated.push(name)
      }
    } catch {
      // "If a DNS error occurs while doing the PTR RR lookup, then this mechanism fails to match."
    }
    return validated
  }

  async #leadsBack(name: string): Promise<boolean> {
    try {
      return this.#inNetwork((await this.#ask(name)).records, { prefix4: 32, prefix6: 128 })
    } catch {
      return false
    }
  }

  /** `%{p}`: the domain itself if it is among the names, else one below it, else any. RFC 7208 §7.3. */
  async #validatedName(domain: string): Promise<string> {
    const names = await this.#validatedNames()
    return names.find(name => name === domain) ?? names.find(name => name.endsWith(`.${domain}`)) ?? names[0] ?? 'unknown'
  }

  #values(domain: string): MacroValues {
    const { question, local, senderDomain, client } = this.#case
    return {
      sender: `${local}@${senderDomain}`,
      local,
      senderDomain,
      domain,
      dottedIp: client.dotted,
      readableIp: client.readable,
      family: client.family,
      helo: question.helo,
      receiver: question.receiver ?? 'unknown',
      timestamp: question.now ?? 0,
      validatedName: () => this.#validatedName(domain.toLowerCase()),
    }
  }

  /** RFC 7208 §6.2: whatever goes wrong, there is no explanation. */
  async #explanation(spec: MacroString, domain: string): Promise<string | undefined> {
    try {
      const { resolver, options } = this.#case
      const name = await this.#target(spec, domain)
      const { records } = isQuestion(name) ? await resolver.txt(name, options) : { records: [] }
      const [text] = records
      const pieces = text === undefined || records.length > 1 ? undefined : parseMacroString(text, 'explanation')
      const explanation = pieces === undefined ? undefined : await expand(pieces, this.#values(domain), 1000)
      return explanation !== undefined && /^[\u0020-\u007e]*$/.test(explanation) ? explanation : undefined
    } catch {
      return undefined
    }
  }
}
