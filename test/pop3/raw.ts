/** An engine without a script before it: octets in, octets out. */
import type { Engine, LiveConnection, Transport } from 'mailwright/contracts'
import { FAKE_TLS, fakeConnection } from 'mailwright/testing'
import type { FakePeer } from 'mailwright/testing'

/** The connection that belongs to a transport. */
export function connectionOf(transport: Transport): LiveConnection {
  return {
    id: 'raw',
    protocol: 'pop3',
    remote: transport.remote,
    local: transport.local,
    tls: transport.tls,
    clientName: undefined,
    principal: undefined,
    signal: transport.signal,
  }
}

/** A client that sends octets and hears what comes. */
export interface RawClient {
  readonly peer: FakePeer
  readonly done: Promise<void>
  /** Sends, and answers everything heard once the engine waits again or has ended. */
  say(octets: Uint8Array | string): Promise<Uint8Array>
  /** What comes next, though the engine waits already: it may answer later what is not done yet. */
  more(): Promise<Uint8Array>
}

/** Connects under TLS and takes the greeting. */
export async function rawClient(engine: Engine): Promise<RawClient> {
  const { transport, peer } = fakeConnection({ tls: FAKE_TLS })
  let over = false
  const done = engine.serve(transport, connectionOf(transport)).then(() => void (over = true))
  const moved = (): Promise<void> =>
    Promise.race([
      done,
      new Promise<void>(resolve => {
        peer.onActivity(resolve)
      }),
    ])
  const settled = async (): Promise<void> => {
    while (!over && !peer.engineWaits) await moved()
  }
  await settled()
  peer.take()
  return {
    peer,
    done,
    async say(octets) {
      peer.send(typeof octets === 'string' ? new TextEncoder().encode(octets) : octets)
      await settled()
      return peer.take()
    },
    async more() {
      while (peer.waiting === 0) {
        if (over) throw new Error('the engine has ended')
        await moved()
      }
      return peer.take()
    },
  }
}
