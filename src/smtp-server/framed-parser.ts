/** Our parser in the place of the package's own: the framer decides where lines and messages end. RFC 5321 §2.3.8, §4.1.1.4, §4.5.2. */

import type { Socket } from 'node:net'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { Framer } from '../bytes/index.ts'
import type { Frame } from '../bytes/index.ts'
import { MAX_LINE } from './options.ts'

/** Lines handled before others get their turn. */
const LINES_PER_TURN = 100

/** Octets that wait here while a handler runs, about; more stay in the socket. */
const MOST_WAITING = 65_536

/** What happens to what the framer finds. A promise means: nothing more until it resolves. */
export interface FrameHandlers {
  frame(frame: Frame): Promise<void> | undefined
  /** Everything that came was handled; `isMidLine` when the beginning of a line waits for its end. */
  drained(isMidLine: boolean): void
  /** The client has said its last. */
  ended(): void
}

/**
 * Stands where `SMTPStream` stands for the package; its own parsing is never reached, and its stream neither: octets are taken from
 * the socket as they come. One frame at a time: while a handler runs, octets wait here and then in the socket.
 */
export class FramedParser extends SMTPStream {
  readonly #framer = new Framer({ maxLength: MAX_LINE })
  readonly #handlers: FrameHandlers
  #socket: Socket | undefined
  #isRunning = false
  #isHeld = false
  #hasEnded = false
  #isMidLine = false
  #linesThisTurn = 0

  constructor(handlers: FrameHandlers) {
    super()
    this.#handlers = handlers
  }

  /** Octets that came and were not handled yet. */
  get waiting(): number {
    return this.#framer.buffered
  }

  /** Takes what the socket gives from now on. */
  readFrom(socket: Socket): void {
    this.#socket = socket
    socket.on('data', this.#take)
    socket.on('end', this.#end)
    // Accepted sockets are paused until somebody reads them.
    socket.resume()
  }

  /** Leaves the socket to somebody else, with everything that it has not given yet. */
  letGo(): void {
    this.#socket?.off('data', this.#take).off('end', this.#end).pause()
    this.#socket = undefined
  }

  /** What follows is a message. */
  readMessage(options: { readonly normalise: boolean }): void {
    this.#framer.dotData(options)
  }

  /** Nothing that comes is looked at any more. */
  retire(): void {
    this.isClosed = true
    this.#framer.dropBuffered()
  }

  readonly #take = (octets: Uint8Array): void => {
    if (this.isClosed) return
    this.#framer.push(octets)
    if (!this.#isRunning) this.#run()
    if (!this.#isRunning || this.#framer.buffered < MOST_WAITING) return
    this.#isHeld = true
    this.#socket?.pause()
  }

  readonly #end = (): void => {
    this.#hasEnded = true
    if (!this.#isRunning) this.#handlers.ended()
  }

  readonly #goOn = (): void => this.#run()

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
        void pause.then(this.#goOn, this.#goOn)
        return
      }
    }
    this.#rest()
  }

  #handle(frame: Frame): void {
    const pause = this.isClosed ? undefined : this.#handlers.frame(frame)
    if (pause === undefined) this.#run()
    else void pause.then(this.#goOn, this.#goOn)
  }

  #rest(): void {
    this.#isRunning = false
    this.#linesThisTurn = 0
    if (!this.isClosed) this.#handlers.drained(this.#framer.buffered > 0 || this.#isMidLine)
    if (this.#isHeld) this.#socket?.resume()
    this.#isHeld = false
    if (this.#hasEnded && !this.isClosed) this.#handlers.ended()
  }
}
