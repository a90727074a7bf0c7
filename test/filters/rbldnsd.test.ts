/** The filters that ask lists, with a real server of lists behind a real resolver. RFC 5782. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Resolver, TraceEntry } from 'mailwright/contracts'
import { stubResolver } from 'mailwright/dns'
import { dnsbl } from 'mailwright/filters/dnsbl'
import { domainBlocklist } from 'mailwright/filters/domain-blocklist'
import { freePort } from '../../bench/lib/ports.ts'
import { address, connectionOf, houseOf, spooled } from '../pipeline/house.ts'
import { requireProgram } from '../support/programs.ts'

const ZONES: Readonly<Record<string, readonly [kind: string, text: string]>> = {
  'v4.list.example': ['ip4set', ':127.0.0.2:listed\n127.0.0.2\n203.0.113.0/24 :127.0.0.4:a network\n'],
  'all.list.example': ['ip4set', ':127.0.0.2:everything\n127.0.0.0/8\n203.0.113.0/24\n'],
  'names.list.example': ['dnset', ':127.0.1.2:listed\n.spam.example\n'],
}

interface Lists extends AsyncDisposable {
  readonly resolver: Resolver
}

async function lists(): Promise<Lists> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-rbldnsd-'))
  chmodSync(folder, 0o755)
  const zones = Object.entries(ZONES).map(([zone, [kind, text]]) => {
    const file = join(folder, zone)
    writeFileSync(file, text, { mode: 0o644 })
    return `${zone}:${kind}:${file}`
  })
  const port = await freePort()
  // As root it wants to be somebody else.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const server = spawn('rbldnsd', ['-n', '-b', `127.0.0.1/${port}`, ...user, ...zones], { stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`rbldnsd ended: ${said}`)))
    server.stdout.setEncoding('utf8').on('data', text => {
      said += String(text)
      if (said.includes('started')) resolve()
    })
  })
  const resolver = stubResolver({ servers: [`127.0.0.1:${port}`] })
  return {
    resolver,
    async [Symbol.asyncDispose]() {
      const over = once(server, 'exit')
      server.kill()
      await over
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

test(
  'rbldnsd is asked about addresses and domains, and its list of everything counts for nothing',
  { skip: requireProgram('rbldnsd'), timeout: 30_000 },
  async () => {
    await using served = await lists()
    const { resolver } = served
    const house = houseOf({
      middleware: [
        dnsbl({
          resolver,
          lists: [{ zone: 'v4.list.example', codes: { '127.0.0.4': { symbol: 'DNSBL_NET', score: 3 } } }, { zone: 'all.list.example' }],
        }),
        domainBlocklist({ resolver, lists: [{ zone: 'names.list.example', symbol: 'NAMES', score: 4 }] }),
      ],
    })
    const connection = connectionOf('smtp', { remote: { address: '203.0.113.7', port: 1 } })
    const { reception } = await house.host.receive(connection, { sender: address('bob@example.com') })
    await reception.recipient(address('ann@example.org'))
    await reception.message(spooled('From: <bob@example.com>\n\nsee http://www.spam.example/ and http://ham.example/\n'))
    const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
    assert.deepEqual(
      trace.flatMap(({ symbols }) => symbols ?? []).map(({ name, score }) => `${name} ${score}`),
      ['DNSBL_NET 3', 'NAMES 4'],
    )
    assert.match(
      trace.flatMap(({ evidence }) => evidence).join('\n'),
      /all.list.example answers 127.0.0.2 for 7.113.0.203, which counts for nothing: it lists everything/,
    )
  },
)
