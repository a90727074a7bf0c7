/** A client and scripted servers: every dialogue is played whole, octet by octet, and in threes. */
import assert from 'node:assert/strict'
import type { DialOptions, MessageSource, TlsPeer } from 'mailwright/contracts'
import { openSession, opportunistic } from 'mailwright/outbound'
import type { HopOutcome, OpenOptions, Opened, OutgoingMessage, SendResult, TlsRequirement } from 'mailwright/outbound'
import { fakeClock, fakeDialer } from 'mailwright/testing'
import type { FakeClock, FakeRemote } from 'mailwright/testing'

export interface ClientWorld {
  readonly clock: FakeClock
  readonly open: (more?: Partial<OpenOptions>) => Promise<Opened>
  readonly dialled: readonly DialOptions[]
}

export interface WorldOptions {
  readonly lmtp?: true
  readonly tls?: TlsRequirement
  readonly peer?: Partial<TlsPeer>
  readonly hop?: Partial<OpenOptions['hop']>
  readonly limits?: OpenOptions['limits']
  readonly chunking?: boolean
  /** The client may leave before the script is over. */
  readonly loose?: true
}

export const CLEAR: TlsRequirement = { level: 'none', source: 'none', serverName: 'mx.example' }
export const OPPORTUNISTIC: TlsRequirement = opportunistic('mx.example')

/** Plays `run` against the scripts, three times in fresh worlds; the scripts must have been followed to their ends. */
export async function against(
  remotes: FakeRemote | readonly FakeRemote[],
  options: WorldOptions,
  run: (world: ClientWorld) => Promise<void>,
): Promise<void> {
  for (const octetsPerRead of [undefined, 1, 3]) {
    const clock = fakeClock()
    const dialer = fakeDialer(typeof remotes === 'string' || remotes instanceof Error ? [remotes] : remotes, {
      clock,
      ...(octetsPerRead === undefined ? {} : { octetsPerRead }),
      ...(options.peer === undefined ? {} : { peer: options.peer }),
    })
    const hop: OpenOptions['hop'] = {
      host: 'mx.example',
      address: '192.0.2.25',
      port: 25,
      flavour: options.lmtp === true ? 'lmtp' : 'smtp',
      ehloName: 'us.example',
      ...options.hop,
    }
    await run({
      clock,
      dialled: dialer.dialled,
      open: more =>
        openSession({
          dialer,
          clock,
          hop,
          tls: options.tls ?? CLEAR,
          ...(options.limits === undefined ? {} : { limits: options.limits }),
          ...(options.chunking === undefined ? {} : { chunking: options.chunking }),
          ...more,
        }),
    })
    const problems = dialer.problems().filter(problem => options.loose !== true || !problem.startsWith('the script is not over'))
    assert.deepEqual(problems, [], `octets per read: ${octetsPerRead ?? 'all'}`)
  }
}

/** Sends one message over a fresh session, and leaves. */
export async function sent(world: ClientWorld, wanted: OutgoingMessage): Promise<SendResult> {
  const opened = await world.open()
  assert.equal(opened.kind, 'open', opened.kind === 'refused' ? opened.status.text : '')
  if (opened.kind !== 'open') throw new Error('not open')
  const result = await opened.session.send(wanted)
  opened.session.quit()
  return result
}

export const BODY = 'Subject: hello\r\n\r\nGood morning.\r\n'

export function source(text: string | Uint8Array): MessageSource {
  const octets = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

/** A message from ann to those named. */
export function mail(
  to: readonly string[],
  more: Partial<OutgoingMessage['envelope']> & { readonly body?: string | Uint8Array } = {},
): OutgoingMessage {
  const { body = BODY, ...envelope } = more
  return {
    envelope: { from: 'ann@us.example', eightBit: false, ...envelope },
    recipients: to.map(address => ({ address })),
    content: source(body),
  }
}

/** An outcome in short: `delivered 2.0.0`, `deferred 4.4.2`. */
export function brief(outcomes: readonly HopOutcome[]): string[] {
  return outcomes.map(({ kind, status }) => `${kind} ${status.code}`)
}
