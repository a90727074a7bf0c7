/** The personal server as a newcomer starts it, in a folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { cpuGroup } from './cgroup.ts'
import { countOverImap } from './imap-client.ts'
import type { Peer } from './peer.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Runs in the server's process before the server. */
const STALL_WATCH = join(ROOT, 'bench/lib/stall-watch.ts')

interface Ready {
  readonly user: string
  readonly password: string | null
  readonly ports: Readonly<Record<'smtp' | 'submission' | 'submissions' | 'lmtp' | 'imap' | 'imaps' | 'pop3', number>>
}

/** Our server with what a restart needs: the same folder, another process. */
export interface OwnPeer extends Peer {
  readonly pid: number
  readonly imapsPort: number
  readonly submissionPort: number
  readonly submissionsPort: number
  readonly folder: string
  /** The longest that the server's event loop stood still since the last question, in milliseconds. */
  longestStall(): Promise<number>
  /** The most processor time that one turn of its event loop took since the last question, in milliseconds. */
  longestTurn(): Promise<number>
  /** Kills the process and leaves the folder. */
  kill(): Promise<void>
  /** Kills the process and starts it again on the same folder. */
  restart(): Promise<OwnPeer>
  /** Stops it and leaves the folder. */
  stopKeeping(): Promise<void>
}

/** Starts the personal server with free ports and a known password; `more` are further words of its command line. */
export async function mailwright(
  folder: string = mkdtempSync(join(tmpdir(), 'bench-mailwright-')),
  more: readonly string[] = [],
): Promise<OwnPeer> {
  const words = [
    '--data',
    folder,
    '--domain',
    'bench.example',
    '--user',
    'box@bench.example',
    '--password',
    'bench-secret-1',
    '--json',
    '--allow-plaintext-login',
    // As bare as the servers beside it: none of them asks DNS or weighs words.
    '--filters',
    'none',
    ...more,
  ]
  for (const name of ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s']) words.push(`--${name}-port`, '0')
  return started(folder, join(ROOT, 'examples/personal-server.ts'), words, () => mailwright(folder, more))
}

async function started(folder: string, script: string, words: readonly string[], again: () => Promise<OwnPeer>): Promise<OwnPeer> {
  const group = cpuGroup()
  const command = `${group.enter}; exec ${process.execPath} --max-semi-space-size=4 --conditions=mailwright-source --import ${STALL_WATCH} ${script} ${words.join(' ')}`
  const child: ChildProcess = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
  const stalls = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]()
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the server ended with ${code} before it was ready`)))
    createInterface({ input: child.stdout as Readable }).once('line', line => resolve(JSON.parse(line) as Ready))
  })
  const asked = async (): Promise<readonly number[]> => {
    child.kill('SIGUSR2')
    const { value } = await stalls.next()
    return String(value).split(' ').map(Number)
  }
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const over = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await over
    group.remove()
  }
  return {
    name: 'mailwright',
    group,
    pid: child.pid ?? 0,
    folder,
    smtpPort: ready.ports.smtp,
    lmtpPort: ready.ports.lmtp,
    imapPort: ready.ports.imap,
    imapsPort: ready.ports.imaps,
    submissionPort: ready.ports.submission,
    submissionsPort: ready.ports.submissions,
    pop3Port: ready.ports.pop3,
    user: 'box@bench.example',
    password: 'bench-secret-1',
    delivered: () => countOverImap({ host: '127.0.0.1', port: ready.ports.imap, user: 'box@bench.example', password: 'bench-secret-1' }),
    async stop() {
      await stop('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
    stopKeeping: () => stop('SIGTERM'),
    kill: () => stop('SIGKILL'),
    longestStall: async () => (await asked())[0] ?? 0,
    longestTurn: async () => (await asked())[1] ?? 0,
    async restart() {
      await stop('SIGKILL')
      return again()
    },
  }
}

/** The same parts without limits of connections: for counting what a connection costs. */
export async function roomy(): Promise<OwnPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-mailwright-'))
  const words = [folder, 'box@bench.example', 'bench-secret-1']
  return started(folder, join(ROOT, 'bench/lib/roomy-server.ts'), words, roomy)
}
