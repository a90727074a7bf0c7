/** A DNS server of a test, which answers each question as it is told: with records, a code, octets of its own, or not at all. RFC 1035 §4.1. */
import { createSocket } from 'node:dgram'
import type { RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { AUTHENTIC_DATA, decode, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet'
import type { Answer, DecodedPacket } from 'dns-packet'

/** What to say. `undefined`: nothing. An array of octets is sent as it is, a list of arrays one after the other. */
export type Said =
  | undefined
  | Uint8Array
  | readonly Uint8Array[]
  | {
      readonly rcode?: number
      readonly answers?: readonly Answer[]
      readonly authorities?: readonly Answer[]
      readonly authentic?: boolean
      /** Does not fit a datagram. */
      readonly truncated?: boolean
    }

export interface FakeServer extends Disposable {
  /** `127.0.0.1:port`, over UDP and over TCP. */
  readonly address: string
  /** Everything that was asked, with the transport before it. */
  readonly asked: readonly { readonly over: 'udp' | 'tcp'; readonly packet: DecodedPacket; readonly peer: number }[]
}

export type Answerer = (question: { readonly name: string; readonly type: string; readonly over: 'udp' | 'tcp' }, query: Uint8Array) => Said

export async function fakeServer(answerer: Answerer): Promise<FakeServer> {
  const asked: { over: 'udp' | 'tcp'; packet: DecodedPacket; peer: number }[] = []
  const reply = (octets: Uint8Array, over: 'udp' | 'tcp', peer: number): readonly Uint8Array[] => {
    const packet = decode(Buffer.from(octets))
    asked.push({ over, packet, peer })
    const [question] = packet.questions ?? []
    const said = answerer({ name: question?.name ?? '', type: question?.type ?? '', over }, octets)
    if (said === undefined) return []
    if (said instanceof Uint8Array) return [said]
    if (!('length' in said)) return [message(packet, said, over)]
    return said
  }

  const tcp = createServer(socket => {
    socket.on('error', () => undefined)
    let got = Buffer.alloc(0)
    socket.on('data', piece => {
      got = Buffer.concat([got, piece])
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return
      for (const octets of reply(got.subarray(2), 'tcp', socket.remotePort ?? 0)) {
        socket.write(Uint8Array.of(octets.length >> 8, octets.length & 255))
        socket.write(octets)
      }
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', (octets: Uint8Array, { port: to, address }: RemoteInfo) => {
    for (const answer of reply(octets, 'udp', to)) udp.send(answer, to, address)
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  return {
    address: `127.0.0.1:${port}`,
    asked,
    [Symbol.dispose]() {
      udp.close()
      tcp.close()
    },
  }
}

function message(
  query: DecodedPacket,
  said: Exclude<Said, undefined | Uint8Array | readonly Uint8Array[]>,
  over: 'udp' | 'tcp',
): Uint8Array {
  const isCut = said.truncated === true && over === 'udp'
  return encode({
    type: 'response',
    id: query.id ?? 0,
    flags: RECURSION_AVAILABLE | (said.rcode ?? 0) | (said.authentic === true ? AUTHENTIC_DATA : 0) | (isCut ? TRUNCATED_RESPONSE : 0),
    questions: query.questions ?? [],
    answers: isCut ? [] : [...(said.answers ?? [])],
    authorities: [...(said.authorities ?? [])],
  })
}
