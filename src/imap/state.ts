/** In which state a session is, and which commands that admits. RFC 9051 §3. */

/** The states of RFC 9051 §3; Logout is no longer a session. */
export type SessionState = 'not-authenticated' | 'authenticated' | 'selected'

/** `command-any`. */
export const ANY_STATE: readonly SessionState[] = ['not-authenticated', 'authenticated', 'selected']
/** `command-nonauth`. */
export const NOT_AUTHENTICATED: readonly SessionState[] = ['not-authenticated']
/** `command-auth`. */
export const AUTHENTICATED: readonly SessionState[] = ['authenticated', 'selected']
/** `command-select`. */
export const SELECTED: readonly SessionState[] = ['selected']

/** What a session has, from which its state follows: no command assigns a state. */
export interface StateFacts {
  readonly account: unknown
  readonly selected: unknown
}

/** The state that follows from what the session has. */
export function stateOf({ account, selected }: StateFacts): SessionState {
  if (selected !== undefined) return 'selected'
  return account === undefined ? 'not-authenticated' : 'authenticated'
}

/** Why a command is not admitted in a state; `undefined` when it is. */
export function refusedIn(states: readonly SessionState[], state: SessionState): string | undefined {
  if (states.includes(state)) return undefined
  if (state === 'not-authenticated') return 'Log in first'
  return states.includes('selected') ? 'Select a mailbox first' : 'You are logged in already'
}
