/** One message through senderAuth in a house of its own, and everything that came of it. */
import assert from 'node:assert/strict'
import type { LiveConnection, MailAddress, Middleware, ReceiveOutcome, TraceEntry, Verdict } from 'mailwright/contracts'
import { generateKey, type GeneratedKey } from 'mailwright/dkim'
import { SENDER_AUTHENTICATION, senderAuth } from 'mailwright/filters/sender-auth'
import type { SenderAuthentication, SenderAuthOptions } from 'mailwright/filters/sender-auth'
import { fakeResolver } from 'mailwright/testing'
import type { FakeRecords, FakeResolver } from 'mailwright/testing'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { signedMessage } from '../dkim/messages.ts'
import { address, connectionOf, houseOf, mailOf, spooled } from '../pipeline/house.ts'

export const rsa: GeneratedKey = await generateKey('rsa')
export const CLIENT = '203.0.113.7'
export const ZONE: Readonly<Record<string, FakeRecords>> = {
  'example.org': { txt: ['v=spf1 ip4:203.0.113.7 -all'] },
  '_dmarc.example.org': { txt: ['v=DMARC1; p=reject'] },
  'rsa._domainkey.example.org': { txt: [rsa.record] },
  'evil.example': { txt: ['v=spf1 ip4:203.0.113.66 -all'] },
  '203.0.113.7': { ptr: ['mx.example.org'] },
  'mx.example.org': { a: [CLIENT] },
}

export interface Outcome {
  readonly outcome: ReceiveOutcome
  readonly verdict: Verdict
  readonly symbols: readonly string[]
  readonly notes: readonly string[]
  /** The message in Ann's inbox, `\n` for CRLF. */
  readonly stored: string
  /** The decision on the message as a whole: what is put aside is not forwarded. */
  readonly decided: string
  /** Messages in her Junk. */
  readonly junk: number
  readonly authentication: SenderAuthentication | undefined
  readonly resolver: FakeResolver
}

export async function received(
  message: string,
  {
    from = 'ann@example.org',
    ip = CLIENT,
    zone = {},
    options = {},
    more = {},
    to = ['ann@example.org'],
  }: {
    readonly from?: string
    readonly ip?: string
    readonly zone?: Readonly<Record<string, FakeRecords>>
    readonly options?: Partial<SenderAuthOptions>
    readonly more?: Partial<LiveConnection>
    readonly to?: readonly string[]
  } = {},
): Promise<Outcome> {
  const resolver = fakeResolver({ ...ZONE, ...zone })
  let authentication: SenderAuthentication | undefined
  const witness: Middleware = {
    name: 'witness',
    async message(context, next) {
      const verdict = await next()
      authentication = context.shared.get(SENDER_AUTHENTICATION) as SenderAuthentication | undefined
      return verdict
    },
  }
  const filter = senderAuth({ resolver, hostname: 'mx.example.org', ...options })
  const house = houseOf({ middleware: [witness, filter] })
  const connection = connectionOf('smtp', { remote: { address: ip, port: 1 }, clientName: 'mx.example.org', ...more })
  const sender: MailAddress | undefined = from === '' ? undefined : address(from)
  const { reception } = await house.host.receive(connection, { sender })
  for (const one of to) await reception.recipient(address(one))
  const outcome = await reception.message(spooled(message))
  const trace = ((house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]).filter(
    ({ middleware }) => middleware === 'sender-auth',
  )
  for (const { fault } of trace) assert.equal(fault, undefined)
  return {
    outcome,
    verdict: outcome.outcomes[0] ?? { kind: 'accept' },
    decided: (house.told('message')[0]?.['verdict'] as { readonly kind: string } | undefined)?.kind ?? 'none',
    symbols: trace.flatMap(({ symbols = [] }) => symbols.map(({ name }) => name)),
    notes: trace.flatMap(({ evidence }) => evidence),
    stored: (await mailOf(house.store, 'ann'))[0] ?? '',
    junk: (await mailOf(house.store, 'ann', 'Junk')).length,
    authentication,
    resolver,
  }
}

export const PLAIN = 'From: Ann <ann@example.org>\nTo: ben@example.org\nSubject: x\nDate: Tue, 06 Jan 2026 10:00:00 +0000\n\nText\n'

export function signed(message: string, names: readonly string[] = ['from', 'subject', 'content-type']): string {
  return latin1Text(signedMessage(latin1Bytes(message.replaceAll('\n', '\r\n')), rsa, names, 'relaxed', 'relaxed')).replaceAll('\r\n', '\n')
}
