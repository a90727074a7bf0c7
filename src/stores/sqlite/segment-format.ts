/** How contents lie in a segment file: a header, the octets, and sums kept in the content's row. */

import { readSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** Octets that share one checksum. */
export const BLOCK = 65_536

/** Octets in front of each content: magic (4), the CRC-32 of its sums (4), size (8); all big-endian. */
export const HEADER = 16

/** The first four octets of a header. */
const MAGIC = 0x4d57_6332

/** Where a segment lies. */
export function segmentPath(folder: string, segment: number): string {
  return join(folder, 'segments', `${String(segment).padStart(8, '0')}.seg`)
}

/**
 * What equal contents have in common: 32 bits of their sums, 16 of their size. Who has found the key compares octets, so that whoever
 * makes other octets with the same key gains nothing.
 */
export function keyOf(sums: Uint8Array, size: number): number {
  return crc32(sums) * 65_536 + (size % 65_536)
}

/** CRC-32 of each block of what the pieces are together, big-endian, one after the other. */
export function sumsOf(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const sums = new Uint8Array(Math.ceil(size / BLOCK) * 4)
  const view = new DataView(sums.buffer)
  let done = 0
  let sum = 0
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + BLOCK - (done % BLOCK))
      sum = crc32(part, done % BLOCK === 0 ? 0 : sum)
      view.setUint32(Math.floor(done / BLOCK) * 4, sum)
      at += part.length
      done += part.length
    }
  }
  return sums
}

/** The octets in front of a content. */
export function headerOf(size: number, sums: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER)
  const view = new DataView(header.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, crc32(sums))
  view.setBigUint64(8, BigInt(size))
  return header
}

/** Reads until the array is full or the file ends; answers how much it got. */
export function readFully(fd: number, into: Uint8Array, position: number): number {
  let got = 0
  while (got < into.length) {
    const read = readSync(fd, into, got, into.length - got, position + got)
    if (read === 0) break
    got += read
  }
  return got
}
