/** Operations on accounts and on the tree of mailboxes. RFC 9051 §6.3.4 to §6.3.8. */

import { MailError } from '../../contracts/mail-error.ts'
import type { MailboxInfo } from '../../contracts/mailbox-info.ts'
import { checkMailboxName, INBOX, isInferior } from '../mailbox-name.ts'
import type { Operation } from './operation.ts'
import { infoOf, type WriteContext } from './write-context.ts'

type Of<Kind extends Operation['kind']> = Extract<Operation, { readonly kind: Kind }>

/** Makes the account with its inbox, where it is new. */
export function openAccount(context: WriteContext, { account }: Of<'open-account'>): void {
  context.ensureAccount(account)
}

/** Takes an account with everything in it away. */
export function removeAccount(context: WriteContext, { account: name }: Of<'remove-account'>): void {
  const { sql } = context
  if (sql.row('SELECT 1 FROM account WHERE name = ?', name) === undefined) return
  const account = context.account(name)
  const modSeq = context.raise(account)
  sql.run('DELETE FROM state WHERE mailbox IN (SELECT id FROM mailbox WHERE account = ?)', account.id)
  sql.run('DELETE FROM mailbox WHERE account = ?', account.id)
  sql.run('DELETE FROM subscription WHERE account = ?', account.id)
  sql.run('DELETE FROM change WHERE account = ?', account.id)
  sql.run('DELETE FROM account WHERE id = ?', account.id)
  context.changes.push({ account: name, change: { kind: 'resync', modSeq } })
}

/** Makes a mailbox. */
export function createMailbox(context: WriteContext, { account: name, ...wanted }: Of<'create'>): MailboxInfo {
  checkMailboxName(wanted.name)
  const account = context.account(name)
  if (context.sql.row('SELECT 1 FROM mailbox WHERE account = ? AND name = ?', account.id, wanted.name) !== undefined) {
    throw new MailError('already-exists', `${name} has a mailbox of this name`)
  }
  const { specialUse } = wanted
  if (
    specialUse !== undefined &&
    context.sql.row('SELECT 1 FROM mailbox WHERE account = ? AND special_use = ?', account.id, specialUse) !== undefined
  ) {
    throw new MailError('already-exists', `${name} has a mailbox for ${specialUse}`)
  }
  return context.createMailbox(account, wanted.name, specialUse).info
}

/** Renames a mailbox and what lies below it. */
export function renameMailbox(context: WriteContext, operation: Of<'rename'>): void {
  const { sql } = context
  const account = context.account(operation.account)
  const { info } = context.mailbox(account, operation.mailbox)
  if (info.name === INBOX) throw new MailError('no-permission', 'the inbox keeps its name')
  if (isInferior(operation.name, info.name)) throw new MailError('invalid', 'a mailbox cannot lie below itself')
  // '0' is the character after '/': everything between lies below.
  const moved = sql.rows<[number, string, number, string | null]>(
    `SELECT id, name, uid_validity, special_use FROM mailbox
     WHERE account = ?1 AND (name = ?2 OR (name > ?2 || '/' AND name < ?2 || '0')) ORDER BY name`,
    account.id,
    info.name,
  )
  const renamed = moved.map(([id, oldName, uidValidity, specialUse]) => {
    const name = operation.name + oldName.slice(info.name.length)
    checkMailboxName(name)
    if (sql.row('SELECT 1 FROM mailbox WHERE account = ? AND name = ?', account.id, name) !== undefined) {
      throw new MailError('already-exists', `${account.name} has a mailbox ${name}`)
    }
    return { id, oldName, info: infoOf(id, name, uidValidity, specialUse) }
  })
  for (const { id, oldName, info: now } of renamed) {
    sql.run('UPDATE mailbox SET name = ? WHERE id = ?', now.name, id)
    const modSeq = context.raise(account)
    context.log(account, modSeq, id, { kind: 'mailbox-renamed', modSeq, info: now, oldName }, { info: now, oldName })
  }
}

/** Removes a mailbox with its messages. */
export function removeMailbox(context: WriteContext, operation: Of<'remove'>): void {
  const { sql } = context
  const account = context.account(operation.account)
  const { id, info } = context.mailbox(account, operation.mailbox)
  if (info.name === INBOX) throw new MailError('no-permission', 'the inbox stays')
  const modSeq = context.raise(account)
  const held = sql.row<[number, number]>('SELECT octets, messages FROM mailbox WHERE id = ?', id) ?? [0, 0]
  context.use(account, -held[0], -held[1])
  sql.run('DELETE FROM state WHERE mailbox = ?', id)
  sql.run('DELETE FROM mailbox WHERE id = ?', id)
  context.log(account, modSeq, id, { kind: 'mailbox-removed', modSeq, info }, { info })
}

/** Adds a name to the subscriptions, or takes it away. */
export function subscription(context: WriteContext, { kind, account: owner, name }: Of<'subscribe' | 'unsubscribe'>): void {
  if (kind === 'subscribe') checkMailboxName(name)
  const account = context.account(owner)
  const changed =
    kind === 'subscribe'
      ? context.sql.run('INSERT INTO subscription VALUES (?, ?) ON CONFLICT DO NOTHING', account.id, name)
      : context.sql.run('DELETE FROM subscription WHERE account = ? AND name = ?', account.id, name)
  if (changed === 0) return
  const modSeq = context.raise(account)
  context.log(account, modSeq, 0, { kind: kind === 'subscribe' ? 'subscribed' : 'unsubscribed', modSeq, name }, { name })
}
