/** The names of an account as LIST sees them: mailboxes, subscriptions, and the levels that only hold others. RFC 9051 §6.3.9, §7.3.1. */

import type { MailboxInfo } from '../contracts/mailbox-info.ts'
import { DELIMITER } from './names.ts'

/** One name. */
export interface TreeNode {
  readonly name: string
  /** The mailbox; `undefined` for a level, or a subscribed name, that is none. */
  readonly info: MailboxInfo | undefined
  readonly isSubscribed: boolean
  readonly hasChildren: boolean
  /** A name below it is subscribed. */
  readonly hasSubscribedChild: boolean
}

/** Every name there is, the inbox first, the others in order. */
export function mailboxTree(mailboxes: readonly MailboxInfo[], subscriptions: readonly string[]): TreeNode[] {
  const infos = new Map(mailboxes.map(info => [info.name, info]))
  const subscribed = new Set(subscriptions)
  const parents = new Set<string>()
  for (const { name } of mailboxes) addSuperiors(parents, name)
  const subscribedParents = new Set<string>()
  for (const name of subscriptions) addSuperiors(subscribedParents, name)
  const names = new Set([...infos.keys(), ...subscribed, ...parents, ...subscribedParents])
  return [...names].sort(byName).map(name => ({
    name,
    info: infos.get(name),
    isSubscribed: subscribed.has(name),
    hasChildren: parents.has(name),
    hasSubscribedChild: subscribedParents.has(name),
  }))
}

/** Adds the levels above a name. */
export function addSuperiors(superiors: Set<string>, name: string): void {
  for (let at = name.lastIndexOf(DELIMITER); at > 0; at = name.lastIndexOf(DELIMITER, at - 1)) {
    const superior = name.slice(0, at)
    if (superiors.has(superior)) return
    superiors.add(superior)
  }
}

function byName(a: string, b: string): number {
  if (a === 'INBOX') return b === 'INBOX' ? 0 : -1
  if (b === 'INBOX') return 1
  return a < b ? -1 : 1
}
