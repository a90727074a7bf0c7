/** Opens what reports come in, within limits: gzip, or a zip file with one entry. RFC 1952; APPNOTE 6.3.10 §4.3; M5. */

import { gunzipSync, inflateRawSync } from 'node:zlib'

const LOCAL = 0x0403_4b50
const CENTRAL = 0x0201_4b50
const END = 0x0605_4b50

/** The octets within; `undefined` for what is damaged, has several entries, or is more than `most` octets. Plain octets are given back. */
export function unpacked(octets: Uint8Array, most: number): Uint8Array | undefined {
  try {
    if (octets[0] === 0x1f && octets[1] === 0x8b) return gunzipSync(octets, { maxOutputLength: most })
    if (octets[0] === 0x50 && octets[1] === 0x4b) return singleEntry(octets, most)
    return octets.length > most ? undefined : octets
  } catch {
    return undefined
  }
}

/** Sizes come from the central directory: a local header may leave them to what follows the data. */
function singleEntry(file: Uint8Array, most: number): Uint8Array | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  let end = file.length - 22
  while (end >= 0 && end >= file.length - 65_557 && view.getUint32(end, true) !== END) end--
  if (end < 0 || view.getUint32(end, true) !== END || view.getUint16(end + 10, true) !== 1) return undefined
  const entry = view.getUint32(end + 16, true)
  if (view.getUint32(entry, true) !== CENTRAL || (view.getUint16(entry + 8, true) & 1) !== 0) return undefined
  const method = view.getUint16(entry + 10, true)
  const compressed = view.getUint32(entry + 20, true)
  const local = view.getUint32(entry + 42, true)
  if (view.getUint32(local, true) !== LOCAL) return undefined
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  if (start + compressed > entry) return undefined
  const data = file.subarray(start, start + compressed)
  if (method === 8) return inflateRawSync(data, { maxOutputLength: most })
  return method === 0 && data.length <= most ? data : undefined
}
