/** In which state a session is, and which commands that admits. RFC 1939 §3 to §6. */

import { replies } from './replies.ts'
import type { Reply } from './replies.ts'

/** The states of a session; UPDATE is what QUIT does, not a state that takes commands. */
export type SessionState = 'authorization' | 'transaction'

/** Valid before login only. RFC 1939 §4. */
export const AUTHORIZATION: readonly SessionState[] = ['authorization']
/** Valid after login only. RFC 1939 §5. */
export const TRANSACTION: readonly SessionState[] = ['transaction']
/** Valid always. */
export const BOTH_STATES: readonly SessionState[] = ['authorization', 'transaction']

/** The state that follows from what the session has: no command assigns a state. */
export function stateOf(facts: { readonly maildrop: unknown }): SessionState {
  return facts.maildrop === undefined ? 'authorization' : 'transaction'
}

/** Why a command is not admitted in a state; `undefined` when it is. */
export function refusedIn(states: readonly SessionState[], state: SessionState): Reply | undefined {
  if (states.includes(state)) return undefined
  return state === 'authorization' ? replies.logInFirst : replies.loggedInAlready
}
