/** The table of mechanisms: a further one joins by a row. RFC 4422 §3.1. */

import type { Scope } from '../contracts/index.ts'
import { login } from './login.ts'
import type { SaslMechanism } from './mechanism.ts'
import { plain } from './plain.ts'

/** What is shipped, in the order in which it is offered. */
export const saslMechanisms: readonly SaslMechanism[] = Object.freeze([plain, login])

/** On what a mechanism is offered. */
export interface OfferFacts {
  readonly scope: Scope
  /** The connection is encrypted, or the host lets plaintext pass here (loopback only, and only where asked for). */
  readonly secretsAllowed: boolean
}

/** The mechanisms that may be used here and now: what EHLO, CAPABILITY and CAPA list. */
export function offeredMechanisms(facts: OfferFacts, table: readonly SaslMechanism[] = saslMechanisms): readonly SaslMechanism[] {
  return table.filter(mechanism => mechanism.scopes.includes(facts.scope) && (facts.secretsAllowed || !mechanism.secretInClear))
}

/** The mechanism of that name, in any case; `undefined` when the table has none. RFC 4422 §3.1. */
export function findMechanism(name: string, table: readonly SaslMechanism[] = saslMechanisms): SaslMechanism | undefined {
  const wanted = name.toUpperCase()
  return table.find(mechanism => mechanism.name === wanted)
}
