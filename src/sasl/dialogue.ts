/** An exchange as it looks on the wire of a line protocol: base64, `=` and `*`. RFC 4954 §4; RFC 5034 §4; RFC 9051 §6.2.2. */

import type { Credentials } from '../contracts/index.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import type { SaslExchange, SaslFault, SaslMechanism, SaslStep } from './mechanism.ts'
import { faulty } from './mechanism.ts'

/** What the engine does next. */
export type SaslTurn =
  /** Send this base64 text after the protocol's continuation mark (`334 `, `+ `), and read one line. */
  | { readonly kind: 'challenge'; readonly text: string }
  /** Hand these to `Host.login`. */
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  /** The client cancelled with `*`: the protocol's failure reply, no login attempt. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'fault'; readonly fault: SaslFault }

const STAR = 0x2a
const EQUALS = 0x3d

/**
 * One authentication exchange, line by line.
 *
 * @example
 * ```ts
 * import { SaslDialogue, findMechanism } from 'mailwright/sasl'
 *
 * const mechanism = findMechanism('PLAIN')
 * if (mechanism !== undefined) {
 *   const dialogue = new SaslDialogue(mechanism)
 *   const turn = dialogue.start(new TextEncoder().encode('AGFubgBzZWNyZXQ='))
 *   // { kind: 'credentials', credentials: { kind: 'password', username: 'ann', password: 'secret' } }
 * }
 * ```
 */
export class SaslDialogue {
  readonly #exchange: SaslExchange

  constructor(mechanism: SaslMechanism) {
    this.#exchange = mechanism.begin()
  }

  /** Begins. `initialResponse` is the text after the mechanism's name: base64, or `=` for an empty response. RFC 4954 §4. */
  start(initialResponse?: Uint8Array): SaslTurn {
    if (initialResponse === undefined) return turnOf(this.#exchange.start())
    const isEmpty = initialResponse.length === 1 && initialResponse[0] === EQUALS
    const octets = isEmpty ? new Uint8Array(0) : decodeBase64(initialResponse)
    // No text at all is no response either: an empty one is written `=`.
    if (octets === undefined || initialResponse.length === 0) return turnOf(faulty('bad-base64'))
    return turnOf(this.#exchange.start(octets))
  }

  /** Goes on with the line that answers the last challenge, without its CRLF: base64 (nothing for an empty response), or `*`. */
  respond(line: Uint8Array): SaslTurn {
    if (line.length === 1 && line[0] === STAR) return { kind: 'cancelled' }
    const octets = decodeBase64(line)
    return turnOf(octets === undefined ? faulty('bad-base64') : this.#exchange.respond(octets))
  }
}

function turnOf(step: SaslStep): SaslTurn {
  return step.kind === 'challenge' ? { kind: 'challenge', text: encodeBase64(step.octets) } : step
}
