/** Small file systems to fill. D4. */

import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { skipUnlessCi } from '../support/programs.ts'

/** Mounts a small file system; undefined where that is not allowed. */
type Mount = (folder: string, mounted: string) => boolean

function run(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { encoding: 'utf8' }).status === 0
}

export const fileSystems: Readonly<Record<string, { readonly programs: readonly string[]; readonly mount: Mount }>> = {
  tmpfs: { programs: ['mount'], mount: (_folder, mounted) => run('mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', mounted) },
  ext4: {
    programs: ['mount', 'mkfs.ext4', 'truncate'],
    mount(folder, mounted) {
      const image = join(folder, 'image')
      return run('truncate', '-s', '24m', image) && run('mkfs.ext4', '-q', '-m', '0', image) && run('mount', '-o', 'loop', image, mounted)
    },
  },
}

/** A small file system, unmounted and removed after the test; undefined where it cannot be mounted. */
export function smallDisk(t: TestContext, mount: Mount): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-full-'))
  const mounted = join(folder, 'disk')
  mkdirSync(mounted)
  t.after(() => {
    run('umount', '-l', mounted)
    rmSync(folder, { recursive: true })
  })
  if (mount(folder, mounted)) return mounted
  skipUnlessCi(t, 'a small file system cannot be mounted here: needs Linux and root')
  return undefined
}

/** Writes a file until nothing is left, or `leave` octets are: somebody else's data on the same disk. */
export function fill(disk: string, name: string, leave: number): string {
  const path = join(disk, name)
  const file = openSync(path, 'w')
  const block = new Uint8Array(65_536)
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(disk)
      const room = bavail * bsize - leave
      if (room <= 0) return path
      writeSync(file, block, 0, Math.min(block.length, room))
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error
    return path
  } finally {
    closeSync(file)
  }
}
