/** How far SQLite's write-ahead log is filled. The file's size does not say: once it has grown it is written over from its beginning. */

import { closeSync, openSync, readSync } from 'node:fs'

/** Octets of the file's header: page size at 8, salts at 16; then frames of a header, with salts at 8, and a page. */
const HEADER = 32
const FRAME_HEADER = 24
const SALTS = 8

/** Looks at a log through its documented format (sqlite.org/fileformat2.html, "The Write-Ahead Log"). */
export class LogSize {
  readonly #path: string
  readonly #buffer = Buffer.alloc(HEADER)
  #fd = -1

  /** Nothing is opened before the first look: no other lock of SQLite lies on this file. */
  constructor(path: string) {
    this.#path = path
  }

  /** Names the present filling: another one after the log was begun anew. `undefined` while there is no log. */
  generation(): string | undefined {
    return this.#read(0, HEADER) ? this.#buffer.toString('latin1', 16, 16 + SALTS) : undefined
  }

  /** Whether the frames written since the log was begun anew take at least so many octets. */
  holds(octets: number): boolean {
    const generation = this.generation()
    if (generation === undefined) return false
    const frame = FRAME_HEADER + this.#buffer.readUInt32BE(8)
    const at = HEADER + Math.max(0, Math.floor(octets / frame) - 1) * frame
    return this.#read(at + SALTS, SALTS) && this.#buffer.toString('latin1', 0, SALTS) === generation
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd)
    this.#fd = -1
  }

  #read(position: number, length: number): boolean {
    try {
      if (this.#fd === -1) this.#fd = openSync(this.#path, 'r')
      return readSync(this.#fd, this.#buffer, 0, length, position) === length
    } catch {
      return false
    }
  }
}
