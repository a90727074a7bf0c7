/** One question and its answer over TCP, for what does not fit a datagram. RFC 1035 §4.2.2; RFC 7766 §6. */

import { ByteBuilder, concatBytes } from '../bytes/index.ts'
import type { ClientConnection, Dialer } from '../contracts/index.ts'
import { answers } from './datagram.ts'
import type { DnsServer } from './servers.ts'
import { decodeReply } from './wire.ts'
import type { Query, Reply } from './wire.ts'

/** Throws when there is no whole answer in time, or `signal.reason`. */
export async function askByStream(
  dialer: Dialer,
  server: DnsServer,
  query: Query,
  octets: Uint8Array,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  const deadline = performance.now() + timeoutMs
  const connection = await dialer.dial({
    address: server.address,
    port: server.port,
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  })
  const onAbort = (): void => connection.destroy()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const head = Uint8Array.of(octets.length >> 8, octets.length & 255)
    await connection.write(concatBytes([head, octets]))
    const reply = decodeReply(await message(connection, deadline, signal))
    if (!answers(reply, query)) throw new Error('an answer over TCP to another question')
    return reply
  } finally {
    signal?.removeEventListener('abort', onAbort)
    connection.destroy()
  }
}

/** RFC 1035 §4.2.2: two octets of length, then the message; whatever follows it is not read. */
async function message(connection: ClientConnection, deadline: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const received = new ByteBuilder()
  let length: number | undefined
  let left = 2
  for (;;) {
    const within = Math.ceil(deadline - performance.now())
    const piece = within <= 0 ? 'timeout' : await connection.read(within)
    signal?.throwIfAborted()
    if (piece === 'timeout') throw new Error('no whole answer over TCP in time')
    if (piece === undefined) throw new Error('the server ended the connection before its answer')
    let rest = piece
    while (rest.length > 0) {
      const taken = rest.subarray(0, left)
      rest = rest.subarray(taken.length)
      received.bytes(taken)
      left -= taken.length
      if (left > 0) continue
      const whole = received.flush()
      if (length !== undefined) return whole
      length = left = ((whole[0] ?? 0) << 8) | (whole[1] ?? 0)
      if (length === 0) throw new Error('an empty answer over TCP')
    }
  }
}
