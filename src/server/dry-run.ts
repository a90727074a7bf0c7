/** What would become of a message: the chain is run over it, and nothing is kept. */

import type { Clock, Directory, LiveConnection, MessageEvent, MessageSource, Middleware, Random, TraceRecord } from '../contracts/index.ts'
import { MailError } from '../contracts/index.ts'
import { canonicalAddress } from '../mime/index.ts'
import { createHost } from '../pipeline/index.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { fileSpool } from '../stores/spool.ts'
import { traceRecordOf } from './trace-record.ts'

/** A message, and how it is imagined to arrive. */
export interface DryRun {
  readonly hostname: string
  readonly directory: Directory
  readonly middleware: readonly Middleware[]
  readonly content: MessageSource
  /** Envelope sender; empty for the null reverse-path. */
  readonly from: string
  readonly to: string
  /** Address of the client. */
  readonly ip: string
  /** How the client names itself. Default: `client.invalid`. */
  readonly helo?: string
  readonly clock: Clock
  readonly random: Random
}

/** Runs every phase of receiving over SMTP. Throws `invalid` for addresses that are none, and what a phase before the message refuses. */
export async function dryRun(options: DryRun): Promise<TraceRecord> {
  const { hostname, directory, middleware, content, from, to, ip, helo = 'client.invalid', clock, random } = options
  const sender = from === '' ? undefined : canonicalAddress(from)
  const recipient = canonicalAddress(to)
  if (recipient === undefined || (from !== '' && sender === undefined))
    throw new MailError('invalid', `not a mail address: ${recipient === undefined ? to : from}`)
  let told: MessageEvent | undefined
  const host = createHost({
    hostname,
    store: memoryStore(),
    directory,
    authenticator: { verify: async () => undefined },
    middleware,
    spool: fileSpool(),
    clock,
    random,
    events: {
      emit: (name, event) => {
        if (name === 'message') told = event as MessageEvent
      },
    },
  })
  const connection: LiveConnection = {
    id: 'dry-run',
    protocol: 'smtp',
    remote: { address: ip, port: 0 },
    local: { address: '127.0.0.1', port: 25 },
    tls: undefined,
    clientName: helo,
    principal: undefined,
    signal: new AbortController().signal,
  }
  const refusal = (phase: string, text: string): MailError => new MailError('no-permission', `refused in the phase ${phase}: ${text}`)
  const met = await host.connect(connection)
  if (met.kind !== 'accept') throw refusal('connect', 'text' in met ? met.text : met.reason)
  const { verdict, reception } = await host.receive(connection, { sender, announcedSize: content.size })
  if (verdict.kind !== 'accept') throw refusal('sender', 'text' in verdict ? verdict.text : verdict.reason)
  const taken = await reception.recipient(recipient)
  if (taken.kind !== 'accept') throw refusal('recipient', 'text' in taken ? taken.text : taken.reason)
  await reception.message({ size: content.size, read: (start, end) => content.read(start, end), dispose: () => undefined })
  if (told === undefined) throw new MailError('unavailable', 'nothing was decided')
  return traceRecordOf(told, clock.now())
}
