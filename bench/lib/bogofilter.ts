/** Bogofilter as a peer: the same mail learned and judged by the filter that Debian ships. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether the program is there. */
export function hasBogofilter(): boolean {
  return spawnSync('bogofilter', ['-V']).status === 0
}

/** What it makes of each file, in their order: the probability of spam. */
export function bogofilter(spam: readonly string[], ham: readonly string[], tested: readonly string[]): readonly number[] {
  const folder = mkdtempSync(join(tmpdir(), 'bogofilter-'))
  const run = (flags: readonly string[], files: readonly string[]): string => {
    // Settings of this machine must not make it better or worse.
    const { stdout, stderr, status } = spawnSync('bogofilter', ['-C', '-d', folder, ...flags, '-b'], {
      input: `${files.join('\n')}\n`,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    if (status === null || status > 2) throw new Error(`bogofilter failed: ${stderr}`)
    return stdout
  }
  try {
    run(['-s'], spam)
    run(['-n'], ham)
    const told = new Map(
      run(['-v'], tested)
        .split('\n')
        .flatMap(line => {
          const [, file = '', probability] = /^(\S+) .*spamicity=([0-9.]+)/.exec(line) ?? []
          return probability === undefined ? [] : [[file, Number(probability)] as const]
        }),
    )
    if (told.size < tested.length) throw new Error(`bogofilter judged ${told.size} of ${tested.length} messages`)
    return tested.map(file => told.get(file) ?? 0.5)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
