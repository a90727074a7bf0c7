/** What PASS and AUTH have in common: ask the host, take the snapshot, say what is there. RFC 1939 §4, §7; RFC 3206 §4, §5. */

import type { Credentials } from '../contracts/directory.ts'
import type { Context } from './context.ts'
import { Maildrop } from './maildrop.ts'
import { isWorthReporting, positive, refusalOf, replies, replyOf } from './replies.ts'
import type { Reply } from './replies.ts'

/** Logs in with the credentials, or says why not. */
export async function logIn(context: Context, mechanism: string, credentials: Credentials): Promise<Reply> {
  const { host, connection } = context
  const outcome = await host.login(connection, mechanism, credentials)
  if (!outcome.ok) {
    context.failedLogins++
    const { verdict } = outcome
    if (verdict.kind === 'accept' || (verdict.kind === 'reject' && verdict.code.endsWith('.7.8'))) return replies.loginFailed
    return refusalOf(verdict)
  }
  try {
    const account = await host.openAccount(outcome.principal)
    const maildrop = await Maildrop.open(account, connection.signal)
    context.maildrop = maildrop
    context.transport.chargeTo(account.id)
    return positive(`The maildrop has ${messages(maildrop.count)} (${maildrop.octets} octets)`)
  } catch (error) {
    // RFC 1939 §4: without its maildrop the session stays where it was, and nobody is logged in.
    connection.principal = undefined
    if (connection.signal.aborted) throw error
    if (isWorthReporting(error)) host.report(error, 'pop3: maildrop', connection)
    return replyOf(error)
  }
}

/** `1 message`, `2 messages`. */
export function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`
}
