/** What LOGIN and AUTHENTICATE have in common: ask the host, open the account, say what it can do. RFC 9051 §6.2.2, §6.2.3. */

import type { Credentials } from '../contracts/directory.ts'
import { codes, no, ok, printable, type Completion } from './codes.ts'
import type { Context } from './context.ts'
import { capabilities } from './extensions/index.ts'

/** Logs in with the credentials, or says why not. */
export async function logIn(context: Context, mechanism: string, credentials: Credentials): Promise<Completion> {
  const { host, hubs, settings } = context.house
  const outcome = await host.login(context.connection, mechanism, credentials)
  if (!outcome.ok) {
    context.failedLogins++
    const { verdict } = outcome
    if (verdict.kind === 'defer') return no('UNAVAILABLE', printable(verdict.text))
    return verdict.kind === 'reject' && !verdict.code.endsWith('.7.8')
      ? no('AUTHENTICATIONFAILED', printable(verdict.text))
      : codes.loginFailed
  }
  try {
    const account = await host.openAccount(outcome.principal)
    const hub = hubs.join(account, settings.sessionsPerAccount)
    if (hub === undefined) return no('LIMIT', 'This account has too many sessions')
    context.account = account
    context.hub = hub
    context.transport.chargeTo(account.id)
  } finally {
    // Without its mail the session stays where it was, and nobody is logged in.
    if (context.hub === undefined) context.connection.principal = undefined
  }
  context.input.loggedIn()
  return ok('Logged in', `CAPABILITY ${capabilities(context)}`)
}
