/** Lists a tar file by its headers. POSIX.1-2017, pax, "ustar Interchange Format". */

import { latin1Text, utf8Text } from '../../bytes/ascii.ts'

/** An entry of a tar file. */
export interface TarEntry {
  readonly name: string
  readonly content: Uint8Array
}

const BLOCK = 512

/** The entries, at most `most`; stops where the file does, and at what is no header. Answers whether all were seen. */
export function tarEntries(file: Uint8Array, most: number): { readonly entries: readonly TarEntry[]; readonly isWhole: boolean } {
  const entries: TarEntry[] = []
  for (let at = 0; at + BLOCK <= file.length;) {
    if (file[at] === 0) return { entries, isWhole: true }
    if (entries.length >= most) return { entries, isWhole: false }
    const size = Number.parseInt(latin1Text(file.subarray(at + 124, at + 136)).replaceAll(/[\0 ]/g, ''), 8)
    if (!Number.isSafeInteger(size) || size < 0) return { entries, isWhole: false }
    const prefix = latin1Text(file.subarray(at + 257, at + 262)) === 'ustar' ? field(file, at + 345, 155) : ''
    const name = field(file, at, 100)
    const start = at + BLOCK
    entries.push({ name: prefix === '' ? name : `${prefix}/${name}`, content: file.subarray(start, start + size) })
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
  return { entries, isWhole: true }
}

function field(file: Uint8Array, at: number, length: number): string {
  const octets = file.subarray(at, at + length)
  const end = octets.indexOf(0)
  return utf8Text(end < 0 ? octets : octets.subarray(0, end))
}
