/** The public suite's zones as a resolver. */
import { MailError, type Answer, type Resolver } from 'mailwright/contracts'
import { reverseName } from 'mailwright/dns'

export interface ZoneRecord {
  readonly type: string
  readonly value?: unknown
  readonly timeout?: boolean
}

/** Answers from a zone of the suite; `*` with `timeout` stands for every type that the name does not have. */
export function zoneResolver(zone: Readonly<Record<string, readonly ZoneRecord[]>>): Resolver {
  const names = new Map(Object.entries(zone).map(([name, records]) => [name.toLowerCase().replace(/\.$/, ''), records]))

  function look<T>(type: string, question: string, read: (value: unknown) => T): Promise<Answer<T>> {
    let name = question.toLowerCase().replace(/\.$/, '')
    for (let hops = 0; hops < 8; hops++) {
      const records = names.get(name) ?? []
      const found = records.filter(record => record.type === type)
      if (found.length > 0) return Promise.resolve({ records: found.map(({ value }) => read(value)), authentic: false })
      if (records.some(({ timeout }) => timeout === true)) return Promise.reject(new MailError('unavailable', 'no answer'))
      const alias = records.find(record => record.type === 'CNAME')
      if (alias === undefined)
        return Promise.resolve({ records: [], authentic: false, ...(names.has(name) ? {} : { exists: false as const }) })
      name = String(alias.value).toLowerCase().replace(/\.$/, '')
    }
    return Promise.reject(new MailError('unavailable', 'an alias without end'))
  }

  return {
    a: name => look('A', name, String),
    aaaa: name => look('AAAA', name, String),
    mx: name =>
      look('MX', name, value => {
        const [preference, exchange] = value as [number, string]
        return { preference, exchange: exchange.toLowerCase() }
      }),
    txt: name => look('TXT', name, value => (value as string[]).join('')),
    ptr: address => look('PTR', reverseName(address) ?? '', value => String(value).toLowerCase().replace(/\.$/, '')),
    cname: name => look('CNAME', name, String),
    tlsa: () => Promise.resolve({ records: [], authentic: false }),
  }
}
