/** Queued mail for recipients here: notifications to our own senders, and what the host sends to its own. RFC 5321 §3.6.1, §6.1. */

import type { Host, LiveConnection } from '../contracts/host.ts'
import type { DeliveryStatus, QueueLease } from '../contracts/queue.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { canonicalAddress } from '../mime/index.ts'
import type { Attempt, TransmissionReport } from './agent/transmission.ts'

/** Delivers a lease into mailboxes of this server, through the same phases as mail that arrives. */
export async function deliverHere(host: Host, lease: QueueLease, signal: AbortSignal): Promise<TransmissionReport> {
  const connection: LiveConnection = {
    id: `queue-${lease.id}`,
    protocol: 'lmtp',
    remote: { address: '', port: 0 },
    local: { address: '', port: 0 },
    tls: undefined,
    clientName: host.hostname,
    principal: undefined,
    signal,
  }
  const { envelope, content } = lease
  const { verdict, reception } = await host.receive(connection, {
    sender: envelope.from === '' ? undefined : canonicalAddress(envelope.from),
    announcedSize: content.size,
    smtpUtf8: envelope.smtpUtf8 === true,
  })
  const said = (answer: Verdict): DeliveryStatus => statusOf(host, answer)
  const attempts: Attempt[] = []
  const taken: number[] = []
  for (const { index, address, notify, originalRecipient } of lease.recipients) {
    const mailbox = canonicalAddress(address)
    const parameters = { ...(notify === undefined ? {} : { notify }), ...(originalRecipient === undefined ? {} : { originalRecipient }) }
    const answer = verdict.kind !== 'accept' || mailbox === undefined ? verdict : await reception.recipient(mailbox, parameters)
    if (answer.kind === 'accept' && mailbox !== undefined) taken.push(index)
    else attempts.push({ index, kind: answer.kind === 'defer' ? 'deferred' : 'failed', status: said(answer) })
  }
  if (taken.length === 0) return { attempts }
  const { outcomes } = await reception.message({
    size: content.size,
    read: (start, end) => content.read(start, end),
    ...(content.file === undefined ? {} : { file: content.file }),
    dispose: () => undefined,
  })
  for (const [at, index] of taken.entries()) {
    const outcome = outcomes[at]
    if (outcome === undefined) continue
    const kind = outcome.kind === 'reject' ? 'failed' : outcome.kind === 'defer' ? 'deferred' : 'delivered'
    attempts.push({ index, kind, status: said(outcome), ...(kind === 'delivered' ? { success: 'final' } : {}) })
  }
  return { attempts }
}

function statusOf(host: Host, verdict: Verdict): DeliveryStatus {
  const said = verdict.kind === 'reject' || verdict.kind === 'defer' ? verdict : ({ code: '2.0.0', text: 'Delivered' } as const)
  return { at: host.clock.now(), code: said.code, text: said.text, remote: host.hostname }
}
