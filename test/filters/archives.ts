/** Makes archives and messages with attachments, whole and broken ones. */
import { deflateRawSync } from 'node:zlib'

const encoder = new TextEncoder()

/** An entry of a zip file to be. */
export interface Packed {
  readonly name: string
  readonly content: Uint8Array
  readonly encrypted?: boolean
  /** What its own header calls it. */
  readonly otherName?: string
  /** What the directory says its size is. */
  readonly claims?: number
  readonly stored?: boolean
}

function numbers(...values: readonly (readonly [number, 2 | 4])[]): Uint8Array {
  const octets = new Uint8Array(values.reduce((sum, [, width]) => sum + width, 0))
  const view = new DataView(octets.buffer)
  let at = 0
  for (const [value, width] of values) {
    if (width === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    at += width
  }
  return octets
}

/** A zip file. */
export function zip(entries: readonly Packed[], comment: string = ''): Uint8Array {
  const files: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const { name, content, encrypted = false, otherName = name, claims = content.length, stored = false } of entries) {
    const data = stored ? content : deflateRawSync(content)
    const [flags, method] = [encrypted ? 1 : 0, stored ? 0 : 8]
    const [central, local] = [encoder.encode(name), encoder.encode(otherName)]
    const common = [
      [flags, 2],
      [method, 2],
      [0, 4],
      [0, 4],
      [data.length, 4],
      [claims, 4],
    ] as const
    const header = numbers([0x0403_4b50, 4], [20, 2], ...common, [local.length, 2], [0, 2])
    files.push(header, local, data)
    directory.push(
      numbers([0x0201_4b50, 4], [20, 2], [20, 2], ...common, [central.length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]),
      central,
    )
    offset += header.length + local.length + data.length
  }
  const size = directory.reduce((sum, piece) => sum + piece.length, 0)
  const count = entries.length & 0xffff
  const end = numbers([0x0605_4b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [comment.length, 2])
  return Buffer.concat([...files, ...directory, end, encoder.encode(comment)])
}

/** A tar file. */
export function tar(entries: readonly Packed[]): Uint8Array {
  const blocks = entries.flatMap(({ name, content }) => {
    const header = new Uint8Array(512)
    header.set(encoder.encode(name))
    header.set(encoder.encode(`${content.length.toString(8).padStart(11, '0')}\0`), 124)
    header.set(encoder.encode('ustar'), 257)
    const data = new Uint8Array(Math.ceil(content.length / 512) * 512)
    data.set(content)
    return [header, data]
  })
  return Buffer.concat([...blocks, new Uint8Array(1024)])
}

/** A Windows program, as far as anybody looks. */
export const PROGRAM: Uint8Array = Uint8Array.from({ length: 200 }, (_, at) => [0x4d, 0x5a, 0x90, 0][at] ?? at & 3)

/** A message with one attachment; `head` gives further header lines of its part. */
export function letterWith(
  content: Uint8Array,
  name: string,
  head: string = `Content-Disposition: attachment; filename="${name}"`,
): string {
  return `From: <bob@example.com>
Subject: see the file
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

see the file
--b
Content-Type: application/octet-stream
${head}
Content-Transfer-Encoding: base64

${Buffer.from(content).toString('base64').replaceAll(/.{76}/g, '$&\n')}
--b--
`
}
