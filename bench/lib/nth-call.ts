/** Runs a program some call of which to the disk fails (`nth-call.c`). */

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** The kinds of calls that can be made to fail. */
export const CALLS = ['open', 'write', 'sync', 'truncate', 'rename', 'unlink', 'mkdir', 'read', 'close', 'map', 'lock'] as const

/** Calls to the disk that are one of these. */
export type Call = (typeof CALLS)[number]

const ERRORS = { EIO: 5, EMFILE: 24, ENOSPC: 28 } as const

/** What the call says. */
export type CallError = keyof typeof ERRORS

/** Which call fails, and how. */
export interface CallFault {
  readonly call: Call
  /** From 1. */
  readonly at: number
  readonly error: CallError
  /** That call and all of its kind after it. */
  readonly lasting: boolean
}

/** How a process ended. */
export interface Ending {
  /** Exit code, a signal's name, or `hung`. */
  readonly ended: number | string
  readonly stderr: string
  /** The first line of its output, if it came to that. */
  readonly line: string | undefined
  /** The files on which calls failed. */
  readonly hits: readonly string[]
}

/** Compiles the library into a folder; answers its path. */
export function compileNthCall(folder: string): string {
  const library = join(folder, 'nth-call.so')
  const { status, stderr, error } = spawnSync('cc', [
    '-shared',
    '-fPIC',
    '-O2',
    '-nostdlib',
    '-o',
    library,
    join(import.meta.dirname, 'nth-call.c'),
  ])
  if (status !== 0) throw new Error(`nth-call.c could not be compiled, which needs a C compiler: ${error?.message ?? String(stderr)}`)
  return library
}

/** Options of {@link withFault}. */
export interface WithFaultOptions {
  readonly library: string
  /** Calls on files below it count. */
  readonly folder: string
  /** A file for what the library tells. */
  readonly log: string
  /** Without one, every call is told of and none fails. */
  readonly fault?: CallFault
  /** Milliseconds after which it counts as hung. */
  readonly patience: number
  /** Whether it is asked to end (SIGTERM) once it has said a line. */
  readonly endAtLine?: boolean
}

/** Runs a Node program to its end. */
export async function withFault(
  words: readonly string[],
  { library, folder, log, fault, patience, endAtLine = false }: WithFaultOptions,
): Promise<Ending> {
  const child = spawn(process.execPath, ['--conditions=mailwright-source', ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LD_PRELOAD: library,
      NTH_FOLDER: folder,
      NTH_LOG: log,
      ...(fault !== undefined && {
        NTH_KIND: fault.call,
        NTH_CALL: String(fault.at),
        NTH_ERRNO: String(ERRORS[fault.error]),
        NTH_LASTING: fault.lasting ? '1' : '0',
      }),
    },
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', text => (stderr += String(text)))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    const before = said.includes('\n')
    said += String(text)
    if (endAtLine && !before && said.includes('\n')) child.kill('SIGTERM')
  })
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, patience)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...how) => resolve(how))
  })
  clearTimeout(timer)
  const hits = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []
  const line = said.includes('\n') ? said.slice(0, said.indexOf('\n')) : undefined
  return { line, ended: hung ? 'hung' : (code ?? signal ?? 'unknown'), stderr, hits }
}
