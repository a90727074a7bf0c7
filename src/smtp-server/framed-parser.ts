/** Our parser in the place of the package's own: the framer decides where lines and messages end. RFC 5321 §2.3.8, §4.1.1.4, §4.5.2. */

import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { Framer } from '../bytes/index.ts'
import type { Frame } from '../bytes/index.ts'
import { MAX_LINE } from './options.ts'

/** Lines handled before others get their turn. */
const LINES_PER_TURN = 100

/** What happens to what the framer finds. A promise means: nothing more until it resolves. */
export interface FrameHandlers {
  frame(frame: Frame): Promise<void> | undefined
  /** Everything that came was handled; `isMidLine` when the beginning of a line waits for its end. */
  drained(isMidLine: boolean): void
  /** The client has said its last. */
  ended(): void
}

/**
 * Stands where `SMTPStream` stands, so that the package pipes the socket into it; its own parsing is never reached. One
 * frame at a time: while a handler runs, octets wait here and then in the socket.
 */
export class FramedParser extends SMTPStream {
  readonly #framer = new Framer({ maxLength: MAX_LINE })
  readonly #handlers: FrameHandlers
  #next: ((error?: Error | null) => void) | undefined
  #isRunning = false
  #hasEnded = false
  #isMidLine = false
  #linesThisTurn = 0

  constructor(handlers: FrameHandlers) {
    super({ highWaterMark: 65_536 })
    this.#handlers = handlers
  }

  /** Octets that came and were not handled yet. */
  get waiting(): number {
    return this.#framer.buffered + this.writableLength - (this.#next === undefined ? 0 : this.#chunkLength)
  }
  #chunkLength = 0

  /** What follows is a message. */
  readMessage(options: { readonly normalise: boolean }): void {
    this.#framer.dotData(options)
  }

  /** Nothing that comes is looked at any more. */
  retire(): void {
    this.isClosed = true
    this.#framer.dropBuffered()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: (error?: Error | null) => void): void {
    if (this.isClosed) {
      next()
      return
    }
    this.#framer.push(chunk)
    this.#chunkLength = chunk.length
    this.#next = next
    if (!this.#isRunning) this.#run()
  }

  override _flushData(): void {
    this.#hasEnded = true
    if (!this.#isRunning) this.#handlers.ended()
  }

  #run(): void {
    this.#isRunning = true
    for (;;) {
      const frame = this.isClosed ? undefined : this.#framer.next()
      if (frame === undefined) break
      this.#isMidLine = frame.kind === 'fault'
      if (++this.#linesThisTurn > LINES_PER_TURN && frame.kind !== 'data') {
        this.#linesThisTurn = 0
        setImmediate(() => this.#handle(frame))
        return
      }
      const pause = this.#handlers.frame(frame)
      if (pause !== undefined) {
        void pause.finally(() => this.#run())
        return
      }
    }
    this.#rest()
  }

  #handle(frame: Frame): void {
    const pause = this.isClosed ? undefined : this.#handlers.frame(frame)
    if (pause === undefined) this.#run()
    else void pause.finally(() => this.#run())
  }

  #rest(): void {
    this.#isRunning = false
    this.#linesThisTurn = 0
    const next = this.#next
    this.#next = undefined
    this.#chunkLength = 0
    if (!this.isClosed) this.#handlers.drained(this.#framer.buffered > 0 || this.#isMidLine)
    if (next !== undefined) next()
    if (this.#hasEnded && !this.isClosed) this.#handlers.ended()
  }
}
