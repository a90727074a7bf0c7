/**
 * Mail that leaves: a durable queue filled with messages of 4 KiB for 1, 10 and 50 destinations, then sent to `smtp-sink`; ours beside
 * Postfix in the same run. Counted is the sending alone. Needs root and Debian's package `postfix`.
 */

import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cpuGroup, type CpuGroup } from './lib/cgroup.ts'
import { median, printTable } from './lib/figures.ts'
import { freePort, listening } from './lib/ports.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')

/** A relay with a full queue. */
interface Relay {
  readonly name: string
  readonly group: CpuGroup
  readonly port: number
  /** Begins to send. */
  go(): Promise<void>
  stop(): Promise<void>
}

/** Postfix's sink on all of loopback, with a counter. */
async function sink(): Promise<{ readonly port: number; taken(): number; stop(): void }> {
  const port = await freePort()
  const child = spawn('smtp-sink', ['-c', '-u', 'nobody', `0.0.0.0:${port}`, '1000'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let taken = 0
  child.stdout.on('data', (chunk: Buffer) => {
    const last = [...chunk.toString('latin1').matchAll(/mesg=(\d+)/g)].at(-1)?.[1]
    if (last !== undefined) taken = Number(last)
  })
  await listening(port)
  return { port, taken: () => taken, stop: () => void child.kill() }
}

async function mailwright(sinkPort: number): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-relay-'))
  const group = cpuGroup()
  const script = join(ROOT, 'bench/lib/relay-server.ts')
  const command = `${group.enter}; exec ${process.execPath} --conditions=mailwright-source ${script} ${folder} ${sinkPort}`
  const child: ChildProcess = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const { port } = await new Promise<{ port: number }>(resolve => lines.once('line', line => resolve(JSON.parse(line) as { port: number })))
  return {
    name: 'mailwright',
    group,
    port,
    go: async () => void child.kill('SIGUSR1'),
    async stop() {
      const over = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await over
      group.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** All services but the queue manager, which is added when sending begins: until then mail waits in `incoming`. */
const SERVICES = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - 200 smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
retry unix - - n - - error
error unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
`

async function postfix(sinkPort: number): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-postfix-out-'))
  chmodSync(folder, 0o755)
  const id = (name: string): number => Number(execFileSync('id', ['-u', name], { encoding: 'latin1' }))
  const port = await freePort()
  for (const name of ['queue', 'data', 'etc']) mkdirSync(join(folder, name))
  chownSync(join(folder, 'data'), id('postfix'), 0)
  const routes = Array.from({ length: 50 }, (_, at) => `d${at}.example smtp:[127.0.1.${at + 1}]:${sinkPort}`)
  writeFileSync(join(folder, 'etc/transport'), `${routes.join('\n')}\n`)
  writeFileSync(
    join(folder, 'etc/main.cf'),
    `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.bench.example
mydestination =
mynetworks = 127.0.0.0/8
transport_maps = texthash:${folder}/etc/transport
smtp_tls_security_level = none
disable_dns_lookups = yes
smtp_host_lookup = native
message_size_limit = 0
in_flow_delay = 0
alias_maps =
maillog_file = ${folder}/log
maillog_file_prefixes = ${tmpdir()}
`,
  )
  const master = join(folder, 'etc/master.cf')
  const door = `127.0.0.1:${port} inet n - n - - smtpd\n`
  writeFileSync(master, `${door}${SERVICES}`)
  const group = cpuGroup()
  const child = spawn('sh', ['-c', `${group.enter}; exec postfix -c ${folder}/etc start-fg`], { stdio: 'ignore' })
  await listening(port)
  // Whom cleanup can tell of a message: somebody who listens to nothing (and in_flow_delay must not wait for a manager that is not there).
  const deaf = createServer(socket => socket.destroy())
  const told = join(folder, 'queue/public/qmgr')
  await new Promise<void>(resolve => deaf.listen(told, resolve))
  chmodSync(told, 0o666)
  return {
    name: 'postfix',
    group,
    port,
    async go() {
      await new Promise(resolve => deaf.close(resolve))
      rmSync(told, { force: true })
      writeFileSync(master, `${door}qmgr unix n - n 300 1 qmgr\n${SERVICES}`)
      await run('postfix', ['-c', join(folder, 'etc'), 'reload'])
      // A queue manager that is not up yet misses the reload's word: it is told once more.
      await sleep(500)
      await run('postqueue', ['-c', join(folder, 'etc'), '-f'])
    },
    async stop() {
      deaf.close()
      child.kill('SIGTERM')
      group.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Fills the queue: ten sessions at a time. */
async function fill(port: number, destinations: number, messages: number): Promise<void> {
  const each = Math.ceil(messages / destinations)
  const jobs = Array.from({ length: destinations }, (_, at) => at)
  const sessions = destinations === 1 ? 10 : 1
  const worker = async (): Promise<void> => {
    for (let at = jobs.shift(); at !== undefined; at = jobs.shift()) {
      const words = [
        '-s',
        String(sessions),
        '-m',
        String(each),
        '-l',
        '4096',
        '-d',
        '-f',
        'load@elsewhere.example',
        '-t',
        `box@d${at}.example`,
      ]
      await run('smtp-source', [...words, `inet:127.0.0.1:${port}`])
    }
  }
  await Promise.all(Array.from({ length: Math.min(10, destinations) }, worker))
}

interface Row {
  readonly rate: number
  readonly cpuPer1000: number
}

async function once(
  start: (sinkPort: number) => Promise<Relay>,
  destinations: number,
  wanted: number,
): Promise<Row & { readonly name: string }> {
  const messages = Math.ceil(wanted / destinations) * destinations
  const target = await sink()
  const relay = await start(target.port)
  try {
    await fill(relay.port, destinations, messages)
    const cpu = relay.group.seconds()
    await relay.go()
    for (const until = performance.now() + 30_000; target.taken() === 0; await sleep(1)) {
      if (performance.now() > until) throw new Error(`${relay.name} sent nothing in 30 s`)
    }
    const first = target.taken()
    const began = performance.now()
    while (target.taken() < messages) {
      if (performance.now() - began > 300_000) throw new Error(`${relay.name} sent ${target.taken()} of ${messages} in 5 minutes`)
      await sleep(5)
    }
    const seconds = (performance.now() - began) / 1000
    // What is settled afterwards belongs to the work.
    await sleep(500)
    return { name: relay.name, rate: (messages - first) / seconds, cpuPer1000: ((relay.group.seconds() - cpu) / messages) * 1000 }
  } finally {
    await relay.stop()
    target.stop()
  }
}

/** Runs every cell on both, one round after another, so that both meet the same noise. */
export async function outbound(rounds: number, scale: number): Promise<void> {
  const table: string[][] = []
  for (const destinations of [1, 10, 50]) {
    const rows = new Map<string, Row[]>()
    for (let round = 0; round < rounds; round++) {
      for (const [start, share] of [
        [mailwright, 1],
        [postfix, 0.4],
      ] as const) {
        const row = await once(start, destinations, Math.max(100, Math.round(5000 * scale * share)))
        rows.set(row.name, [...(rows.get(row.name) ?? []), row])
        process.stderr.write(
          `${destinations} destinations, round ${round + 1}: ${row.name} ${row.rate.toFixed(0)}/s, ${row.cpuPer1000.toFixed(2)} CPU s/1000\n`,
        )
      }
    }
    for (const [name, runs] of rows) {
      table.push([
        String(destinations),
        name,
        median(runs.map(({ rate }) => rate)).toFixed(0),
        runs.map(({ rate }) => rate.toFixed(0)).join(', '),
        median(runs.map(({ cpuPer1000 }) => cpuPer1000)).toFixed(2),
      ])
    }
  }
  printTable(['destinations', 'server', 'sent/s', 'runs', 'server CPU s per 1000'], table)
}
