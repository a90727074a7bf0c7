/** Listings of one line for each message, printed straight into the output. RFC 1939 §5, §7. */

import type { ByteBuilder } from '../bytes/byte-builder.ts'
import type { Context } from './context.ts'
import type { Maildrop } from './maildrop.ts'
import { positive } from './replies.ts'

/** Lines between two looks at the clock and the client. */
const STRIDE = 1024

/** Prints `+OK text`, a line `n …` for each message that is not marked, and the end. */
export async function list(
  context: Context,
  maildrop: Maildrop,
  text: string,
  print: (line: ByteBuilder, number: number) => void,
): Promise<undefined> {
  const { out } = context
  out.reply(positive(text))
  const lines = out.text
  for (let number = 1; number <= maildrop.count; number++) {
    if (maildrop.isDeleted(number)) continue
    lines.number(number).byte(0x20)
    print(lines, number)
    lines.byte(0x0d).byte(0x0a)
    if (number % STRIDE !== 0) continue
    const pause = context.pause()
    if (pause !== undefined) await pause
  }
  lines.latin1('.\r\n')
  return undefined
}
