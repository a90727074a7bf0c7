/** A spool in memory, for tests and examples: arriving messages wait as octets of this process. */

import { MailError } from '../contracts/index.ts'
import type { Spool, SpoolWriter } from '../contracts/index.ts'

/** Options of {@link memorySpool}. */
export interface MemorySpoolOptions {
  /** Octets that all waiting messages may hold together; beyond that `write` throws `no-space`. Default: no limit. */
  readonly capacity?: number
}

/** A {@link Spool} that can be asked what it holds. */
export interface MemorySpool extends Spool {
  /** Octets held by messages that were neither discarded nor disposed of: 0 when nothing leaks. */
  readonly held: number
}

/** Makes a spool that keeps messages in memory. */
export function memorySpool(options: MemorySpoolOptions = {}): MemorySpool {
  const capacity = options.capacity ?? Number.POSITIVE_INFINITY
  let held = 0

  function begin(): SpoolWriter {
    let chunks: Uint8Array[] = []
    let size = 0
    let open = true

    function release(): void {
      held -= size
      chunks = []
      size = 0
    }

    return {
      write(octets) {
        if (!open) throw new Error('the spooled message is finished already')
        if (held + octets.length > capacity) throw new MailError('no-space', `the spool holds ${held} of ${capacity} octets`)
        chunks.push(octets)
        size += octets.length
        held += octets.length
        return undefined
      },
      finish() {
        open = false
        const content = new Uint8Array(new SharedArrayBuffer(size))
        let at = 0
        for (const chunk of chunks) {
          content.set(chunk, at)
          at += chunk.length
        }
        chunks = []
        let disposed = false
        return Promise.resolve({
          size,
          pieces: [content],
          read(start, end) {
            if (disposed) throw new MailError('no-such-message', 'the spooled message was disposed of')
            // A copy: decoders of the platform refuse shared memory.
            return Uint8Array.from(content.subarray(Math.max(0, start), Math.max(0, end)))
          },
          dispose() {
            if (disposed) return
            disposed = true
            held -= content.length
          },
        })
      },
      discard() {
        if (!open) return
        open = false
        release()
      },
    }
  }

  return {
    begin,
    get held() {
      return held
    },
  }
}
