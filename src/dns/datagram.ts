/** One question and its answer over UDP, with everything that makes an answer hard to forge. RFC 1035 §4.2.1; RFC 5452 §9.1, §9.2. */

import { createSocket } from 'node:dgram'
import type { DnsServer } from './servers.ts'
import { decodeReply, TYPES } from './wire.ts'
import type { Query, Reply } from './wire.ts'

/** So many wrong answers to one question are no accident: somebody guesses. */
const MAX_FORGERIES = 20

/** Whether an answer is one to this question: its id, and its question word for word. RFC 5452 §9.1. */
export function answers(reply: Reply, query: Query): boolean {
  const { question } = reply
  if (!reply.isAnswer || reply.id !== query.id) return false
  // Some servers leave out the question when they could not read it.
  if (question === undefined) return reply.rcode !== 0 && reply.answers.length === 0
  return question.name === query.name && question.type === TYPES[query.type]
}

/**
 * Sends the question from a fresh socket (so from a port that the system chose at random), and takes only what comes from the
 * server's address and port. Throws when there is no answer within `timeoutMs`, or `signal.reason`.
 */
export async function askByDatagram(
  server: DnsServer,
  query: Query,
  octets: Uint8Array,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const socket = createSocket(server.family)
  const timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
  const onAbort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  let forgeries = 0
  socket.on('error', reject)
  socket.on('message', message => {
    const reply = read(message)
    if (reply !== undefined && answers(reply, query)) resolve(reply)
    else if (++forgeries >= MAX_FORGERIES) reject(new Error('too many answers that fit no question'))
  })
  // Connected, so that the system drops what comes from elsewhere and tells when nobody listens there.
  socket.connect(server.port, server.address, () => socket.send(octets))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    socket.removeAllListeners('error')
    // A late error must not end the process.
    socket.on('error', () => undefined)
    socket.close()
  }
}

function read(message: Uint8Array): Reply | undefined {
  try {
    return decodeReply(message)
  } catch {
    return undefined
  }
}
