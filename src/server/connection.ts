/** One connection as engines and middleware see it. Contract: `LiveConnection`. */

import type { Endpoint, LiveConnection, Principal, Protocol, TlsFacts } from '../contracts/index.ts'

/** Where a connection's signal comes from: a transport, or whatever watches the socket. */
export interface Life {
  readonly signal: AbortSignal
}

/** The facts of a connection; its signal is made only when somebody asks for it. */
export class Connection implements LiveConnection {
  readonly id: string
  readonly protocol: Protocol
  readonly remote: Endpoint
  readonly local: Endpoint
  tls: TlsFacts | undefined
  clientName: string | undefined = undefined
  principal: Principal | undefined = undefined
  readonly #life: Life

  constructor(
    id: string,
    protocol: Protocol,
    ends: { readonly remote: Endpoint; readonly local: Endpoint },
    tls: TlsFacts | undefined,
    life: Life,
  ) {
    this.id = id
    this.protocol = protocol
    this.remote = ends.remote
    this.local = ends.local
    this.tls = tls
    this.#life = life
  }

  get signal(): AbortSignal {
    return this.#life.signal
  }
}
