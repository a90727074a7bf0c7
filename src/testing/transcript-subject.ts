/** What transcripts are played against: an engine and the world around it. */

import type { Endpoint, Engine, Host, TlsFacts } from '../contracts/index.ts'
import type { FakeClock } from './fake-clock.ts'

/** What a transcript is played against. */
export interface TranscriptSubject {
  readonly engine: Engine
  /** The engine's host; its clock is the one that `T:` moves, when it is a fake one. */
  readonly host?: Host
  /** The clock that `T:` moves, when it is not the host's. */
  readonly clock?: FakeClock
  /** Where the clients come from. Default `192.0.2.7`; `127.0.0.1` for a client on loopback. */
  readonly remote?: Partial<Endpoint>
  readonly local?: Partial<Endpoint>
  /** Present: connections are encrypted from the start. */
  readonly tls?: TlsFacts
  /** Whether STARTTLS can succeed. Default: true. */
  readonly canStartTls?: boolean
  /** What `H: name` steps do: the rest of the world, between two lines of the dialogue. */
  readonly steps?: Readonly<Record<string, () => unknown>>
  /** What the host reported. Anything in it when the dialogue is over fails the transcript, unless it was expected. */
  readonly errors?: readonly unknown[]
  /** The dialogue is about a failing host: `errors` may hold something afterwards. */
  readonly errorsExpected?: boolean
  /** Lets go of what was made for this replay. */
  readonly close?: () => unknown
}

/** A subject, an engine alone, or a function that makes one or the other afresh for each replay. */
export type TranscriptSource = Engine | TranscriptSubject | (() => Engine | TranscriptSubject | Promise<Engine | TranscriptSubject>)
