/** Where a message waits while it arrives, so that its size does not become memory. */

import type { MessageSource } from './message.ts'

/** Makes room for arriving messages. */
export interface Spool {
  /** Begins a message. Throws `MailError('no-space')` when there is no room, also from `write`. */
  begin(): SpoolWriter
}

/** One message arriving. */
export interface SpoolWriter {
  /** Takes the next octets (the array is given away); a promise means: wait before giving more. */
  write(octets: Uint8Array): Promise<void> | undefined
  /**
   * The same for octets that fill a buffer of their own to which nobody else refers: the spool may let go of its memory at once and
   * not when the garbage collector comes, so that a large message costs what waits of it. The array is empty afterwards.
   */
  writeOwned?(octets: Uint8Array): Promise<void> | undefined
  /** No more octets: the message can be read from now on, until it is disposed of. */
  finish(): Promise<SpooledMessage>
  /** Forgets the message; nothing stays behind. */
  discard(): void
}

/** A message that has arrived but is nobody's yet. Must be disposed of once it is stored or refused. */
export interface SpooledMessage extends MessageSource {
  /** Lets go of the octets. */
  dispose(): void
}
