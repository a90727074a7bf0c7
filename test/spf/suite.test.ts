import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkHost } from 'mailwright/spf'
import { zoneResolver, type ZoneRecord } from './zone.ts'

interface Case {
  readonly id: string
  readonly helo: string
  readonly ip: string
  readonly mailfrom: string
  readonly result: readonly string[]
  readonly explanation: string | null
  readonly zone: string
}

interface Zone {
  readonly zone_name: string
  readonly records: Readonly<Record<string, readonly ZoneRecord[]>>
}

const suite = join(import.meta.dirname, '..', '..', '..', 'shared', 'suites', 'spf.json')
const absent = existsSync(suite) ? false : 'the public SPF suite is not beside this checkout'

test('the public suite of SPF, explanations included (RFC 7208 §4)', { skip: absent }, async () => {
  const all = JSON.parse(readFileSync(suite, 'utf8')) as readonly (Case | Zone)[]
  const zones = new Map(all.filter(item => 'zone_name' in item).map(({ zone_name, records }) => [zone_name, zoneResolver(records)]))
  const cases = all.filter(item => 'id' in item)
  const differ: string[] = []
  for (const { id, helo, ip, mailfrom, result, explanation, zone } of cases) {
    const resolver = zones.get(zone)
    assert.ok(resolver !== undefined)
    const found = await checkHost({ ip, helo, sender: mailfrom, receiver: 'mx.example.org' }, resolver)
    if (!result.includes(found.result))
      differ.push(`${id}: ${found.result} (${found.reason ?? found.mechanism ?? ''}), wanted ${result.join(' or ')}`)
    else if (explanation !== null && (found.explanation ?? 'DEFAULT') !== explanation)
      differ.push(`${id}: "${found.explanation ?? ''}", wanted "${explanation}"`)
  }
  console.log(`SPF suite: ${cases.length - differ.length} of ${cases.length}${differ.map(line => `\n  ${line}`).join('')}`)
  assert.deepEqual(differ, [])
})
