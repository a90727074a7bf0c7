/** What is kept of a decision: the facts of an event as plain values. */

import type { MessageEvent, TraceRecord } from '../contracts/index.ts'
import { printAddress } from '../mime/index.ts'

/** The record of a message that was decided on at `at`, milliseconds since the epoch. */
export function traceRecordOf(event: MessageEvent, at: number): TraceRecord {
  const { id, connection, sender, recipients, size, verdict, trace } = event
  const { clientName, tls, principal } = connection
  return {
    id,
    at,
    connection: {
      id: connection.id,
      protocol: connection.protocol,
      address: connection.remote.address,
      ...(clientName === undefined ? {} : { clientName }),
      ...(tls === undefined ? {} : { tls: tls.version }),
      ...(principal === undefined ? {} : { user: principal.username }),
    },
    sender: sender === undefined ? '' : printAddress(sender),
    recipients: recipients.map(recipient => printAddress(recipient)),
    size,
    verdict,
    trace,
  }
}
