/** DNS of a test's own: zones on an authoritative server (nsd), signed where wanted, behind a validating resolver (unbound), all on loopback. RFC 4035 §5. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../bench/lib/ports.ts'
import { requireProgram } from '../support/programs.ts'

/** What a zone holds. */
export interface Zone {
  /** Lines of a zone file with complete names; SOA and NS are added. */
  readonly records: string
  readonly signed?: boolean
  /** Replaces this text by that one after signing, so that signatures no longer fit. */
  readonly damage?: readonly [from: string, to: string]
}

export interface DnsWorld extends AsyncDisposable {
  /** The validating resolver, `127.0.0.1:port`. */
  readonly resolver: string
  /** The authoritative server. */
  readonly authority: string
}

/** For a test's `skip`. */
export const noDnsWorld: string | false = requireProgram('nsd', 'unbound', 'ldns-keygen', 'ldns-signzone')

export async function dnsWorld(zones: Readonly<Record<string, Zone>>): Promise<DnsWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-dns-'))
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  const [authority, resolver] = [await freePort(), await freePort()]
  const anchors = Object.entries(zones).flatMap(([name, zone]) => writeZone(folder, name, zone))

  writeFileSync(
    join(folder, 'nsd.conf'),
    [
      'server:',
      `  ip-address: 127.0.0.1@${authority}`,
      `  zonesdir: "${folder}"`,
      '  username: ""',
      '  chroot: ""',
      ...['pidfile', 'xfrdfile', 'zonelistfile', 'xfrdir', 'database'].map(
        name => `  ${name}: "${name === 'database' ? '' : join(folder, name === 'xfrdir' ? '' : name)}"`,
      ),
      '  server-count: 1',
      '  verbosity: 1',
      'remote-control:',
      '  control-enable: no',
      ...Object.keys(zones).flatMap(name => ['zone:', `  name: "${name}"`, `  zonefile: "${name}.zone"`]),
      '',
    ].join('\n'),
  )
  cleanup.use(await started('nsd', ['-d', '-c', join(folder, 'nsd.conf')], /nsd started/))

  writeFileSync(
    join(folder, 'unbound.conf'),
    [
      'server:',
      `  interface: 127.0.0.1@${resolver}`,
      '  username: ""',
      '  chroot: ""',
      '  pidfile: ""',
      `  directory: "${folder}"`,
      '  do-daemonize: no',
      '  use-syslog: no',
      '  verbosity: 1',
      '  do-ip6: no',
      '  do-not-query-localhost: no',
      '  module-config: "validator iterator"',
      ...anchors.map(file => `  trust-anchor-file: "${file}"`),
      ...Object.keys(zones).map(name => `  local-zone: "${name}." nodefault`),
      '  local-zone: "test." nodefault',
      'remote-control:',
      '  control-enable: no',
      ...Object.keys(zones).flatMap(name => ['stub-zone:', `  name: "${name}"`, `  stub-addr: 127.0.0.1@${authority}`]),
      // Nothing leaves this machine: everything else is refused by the authoritative server.
      'stub-zone:',
      '  name: "."',
      `  stub-addr: 127.0.0.1@${authority}`,
      '',
    ].join('\n'),
  )
  cleanup.use(await started('unbound', ['-d', '-c', join(folder, 'unbound.conf')], /start of service/))
  const world = cleanup.move()
  return {
    resolver: `127.0.0.1:${resolver}`,
    authority: `127.0.0.1:${authority}`,
    [Symbol.asyncDispose]: () => world.disposeAsync(),
  }
}

/** Writes the zone file; gives the trust anchors where it is signed. */
function writeZone(folder: string, name: string, { records, signed, damage }: Zone): string[] {
  const head = [
    `${name}. 300 IN SOA ns.${name}. root.${name}. 1 3600 600 86400 60`,
    `${name}. 300 IN NS ns.${name}.`,
    `ns.${name}. 300 IN A 127.0.0.1`,
  ]
  const file = join(folder, `${name}.zone`)
  writeFileSync(file, `${head.join('\n')}\n${records}\n`)
  if (signed !== true) return []
  const run = (program: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program}: ${stderr}`)
    return stdout.trim()
  }
  const key = run('ldns-keygen', '-r', '/dev/urandom', '-k', '-a', 'ECDSAP256SHA256', name)
  run('ldns-signzone', '-n', '-o', name, '-f', file, file, key)
  if (damage !== undefined) writeFileSync(file, readFileSync(file, 'utf8').replaceAll(...damage))
  return [join(folder, `${key}.key`)]
}

async function started(program: string, args: readonly string[], ready: RegExp): Promise<AsyncDisposable> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`${program} did not start: ${said.join('\n')}`)), 120_000)
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      said.push(line)
      if (ready.test(line)) resolve()
    })
  }
  child.on('error', reject)
  child.on('exit', code => reject(new Error(`${program} ended with ${code}: ${said.join('\n')}`)))
  try {
    await promise
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(timer)
  }
  return { [Symbol.asyncDispose]: () => stopped(child) }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
