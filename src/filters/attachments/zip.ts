/** Lists a zip file by its central directory, and opens single entries within limits. APPNOTE 6.3.10 §4.3, §4.4. */

import { constants, inflateRawSync } from 'node:zlib'
import { utf8Text } from '../../bytes/ascii.ts'

/** An entry as the central directory tells it. */
export interface ZipEntry {
  readonly name: string
  readonly isEncrypted: boolean
  /** 0: stored, 8: deflated; others are not opened. */
  readonly method: number
  readonly compressed: number
  readonly size: number
  /** Where its local header begins. */
  readonly offset: number
}

/** A zip file that is none, or is built to deceive. */
export class ZipFault extends Error {
  override readonly name: string = 'ZipFault'
}

const END = 0x0605_4b50
const CENTRAL = 0x0201_4b50
const LOCAL = 0x0403_4b50
const END_LENGTH = 22
const LONGEST_COMMENT = 65_535
/** Octets of an entry that are opened to see what it is. */
const PEEK = 512

/** The entries; throws {@link ZipFault} when there is no directory to be read, or more than `most` entries in it. */
export function zipEntries(file: Uint8Array, most: number): readonly ZipEntry[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const end = findEnd(view)
  const count = view.getUint16(end + 10, true)
  const size = view.getUint32(end + 12, true)
  const stated = view.getUint32(end + 16, true)
  if (count === 0xffff || stated === 0xffff_ffff) throw new ZipFault('a zip64 archive')
  if (count > most) throw new ZipFault(`${count} entries`)
  // What stands in front of an archive (a program that unpacks it) shifts all offsets; readers allow for it.
  const start = end - size
  const shift = start - stated
  if (start < 0 || shift < 0) throw new ZipFault('a directory outside the file')
  const entries: ZipEntry[] = []
  let at = start
  while (entries.length < count) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) throw new ZipFault('a directory that breaks off')
    const nameLength = view.getUint16(at + 28, true)
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    if (next > end) throw new ZipFault('a directory that breaks off')
    entries.push({
      name: utf8Text(file.subarray(at + 46, at + 46 + nameLength)),
      isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      method: view.getUint16(at + 10, true),
      compressed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true) + shift,
    })
    at = next
  }
  return entries
}

/** The octets of an entry, at most `most`; throws {@link ZipFault} for more, or when its own header tells another story. */
export function zipContent(file: Uint8Array, entry: ZipEntry, most: number): Uint8Array {
  const data = dataOf(file, entry)
  if (entry.method === 0) {
    if (data.length > most) throw new ZipFault(`an entry of ${data.length} octets`)
    return data
  }
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(1, most) })
  } catch (error) {
    throw new ZipFault('an entry that cannot be opened within limits', { cause: error })
  }
}

/** The first octets of an entry, as far as a little of it gives any. */
export function zipBeginning(file: Uint8Array, entry: ZipEntry): Uint8Array {
  const data = dataOf(file, entry).subarray(0, PEEK)
  if (entry.method === 0) return data
  try {
    return inflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: PEEK * 1100 })
  } catch {
    return new Uint8Array()
  }
}

function dataOf(file: Uint8Array, { offset, name, method, compressed }: ZipEntry): Uint8Array {
  if (method !== 0 && method !== 8) throw new ZipFault(`an entry of the method ${method}`)
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  if (offset < 0 || offset + 30 > file.length || view.getUint32(offset, true) !== LOCAL) throw new ZipFault('an entry outside the file')
  const nameEnd = offset + 30 + view.getUint16(offset + 26, true)
  // Some readers believe the directory, others the entry: a file with two names is two files (M9).
  if (utf8Text(file.subarray(offset + 30, nameEnd)) !== name) throw new ZipFault('an entry with two names')
  const start = nameEnd + view.getUint16(offset + 28, true)
  if (start + compressed > file.length) throw new ZipFault('an entry outside the file')
  return file.subarray(start, start + compressed)
}

/** Whether a reader that looks from the end would take it for a zip file, whatever it begins with. */
export function endsAsZip(file: Uint8Array): boolean {
  try {
    findEnd(new DataView(file.buffer, file.byteOffset, file.length))
    return true
  } catch {
    return false
  }
}

/** From the end, since that is where readers look. */
function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_LENGTH - LONGEST_COMMENT)
  for (let at = view.byteLength - END_LENGTH; at >= first; at--) {
    if (view.getUint32(at, true) === END && at + END_LENGTH + view.getUint16(at + 20, true) <= view.byteLength) return at
  }
  throw new ZipFault('no directory')
}
