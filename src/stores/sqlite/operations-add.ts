/** Operations that add messages: APPEND and delivery. RFC 9051 §6.3.12; RFC 2033 §4.2 for one result per recipient. */

import { createHash } from 'node:crypto'
import type { AddedMessage } from '../../contracts/change.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { AccountId, MailboxId } from '../../contracts/mailbox-info.ts'
import { MAX_UID, type ModSeq, type Uid, type UidRange, type UidValidity } from '../../contracts/numbers.ts'
import { checkMailboxName, INBOX } from '../mailbox-name.ts'
import { mailErrorOf } from './faults.ts'
import { DELETED, SEEN, splitFlags } from './flag-bits.ts'
import type { Failure, MessageInput, Operation, TargetInput } from './operation.ts'
import { BLOCK } from './segment-format.ts'
import { type StagedContent } from './segment-writer.ts'
import { type AccountRow, mailboxIdOf, packRanges, rowOfMailboxId, type WriteContext } from './write-context.ts'

type Of<Kind extends Operation['kind']> = Extract<Operation, { readonly kind: Kind }>

/** What became of one target, on its way between threads. */
export type TargetOutcome =
  | { readonly ok: true; readonly account: AccountId; readonly mailbox: MailboxId; readonly uid: Uid; readonly uidValidity: UidValidity }
  | { readonly ok: false; readonly account: AccountId; readonly failure: Failure }

/** What APPEND answers. */
export interface Appended {
  readonly uidValidity: UidValidity
  readonly uids: readonly Uid[]
}

/** Adds messages to one mailbox. */
export function append(context: WriteContext, operation: Of<'append'>, contents: readonly StagedContent[]): Appended {
  const account = context.account(operation.account)
  if (operation.messages.length === 0) {
    return { uidValidity: context.mailbox(account, operation.mailbox).info.uidValidity, uids: [] }
  }
  return add(context, account, rowOfMailboxId(operation.mailbox), operation.messages, contents, operation.quota)
}

/** Adds one message to many mailboxes; each target stands or falls alone. */
export function deliver(context: WriteContext, operation: Of<'deliver'>, contents: readonly StagedContent[]): readonly TargetOutcome[] {
  const { database } = context.sql
  // What the operation has to guard it is enough for one target alone.
  const isAlone = operation.targets.length === 1
  return operation.targets.map(target => {
    const { account } = target
    const changes = context.changes.length
    if (!isAlone) database.exec('SAVEPOINT target')
    try {
      const outcome = deliverOne(context, target, contents)
      if (!isAlone) database.exec('RELEASE target')
      context.keep()
      return outcome
    } catch (error) {
      // Anything but a refusal is the storage's fault and no single target's.
      if (!(error instanceof MailError) || error.kind === 'no-space') throw error
      if (isAlone) context.rollBack()
      else database.exec('ROLLBACK TO target; RELEASE target')
      context.undo(changes)
      const { kind, message } = mailErrorOf(error)
      return { ok: false, account, failure: { kind, message } }
    }
  })
}

function deliverOne(context: WriteContext, target: TargetInput, contents: readonly StagedContent[]): TargetOutcome {
  const account = context.ensureAccount(target.account)
  const mailbox = placeOf(context, account, target.mailbox ?? INBOX)
  const { uids, uidValidity } = add(context, account, mailbox, [target.message], contents, target.quota)
  const [uid] = uids
  if (uid === undefined) throw new MailError('invalid', 'nothing to deliver')
  return { ok: true, account: account.name, mailbox: mailboxIdOf(mailbox), uid, uidValidity }
}

function placeOf(context: WriteContext, account: AccountRow, wanted: NonNullable<TargetInput['mailbox']>): number {
  const { sql } = context
  const named = (name: string): number => sql.number('SELECT id FROM mailbox WHERE account = ? AND name = ?', account.id, name)
  if (typeof wanted === 'string') {
    const found = named(wanted)
    if (found > 0) return found
    checkMailboxName(wanted)
    return context.createMailbox(account, wanted, undefined).id
  }
  const used = sql.number('SELECT id FROM mailbox WHERE account = ? AND special_use = ?', account.id, wanted.specialUse)
  return used > 0 ? used : named(INBOX)
}

/** Looks for whatever may refuse the messages first, and only then changes anything. */
function add(
  context: WriteContext,
  account: AccountRow,
  mailbox: number,
  messages: readonly MessageInput[],
  contents: readonly StagedContent[],
  quota: TargetInput['quota'],
): Appended {
  const { sql } = context
  let octets = 0
  let unseen = 0
  let deleted = 0
  const rows = messages.map(message => {
    const content = contents[message.content]
    if (content === undefined) throw new MailError('invalid', 'a message without content')
    const { bits, keywords } = splitFlags(message.flags)
    const size = content.size + (message.prefix?.length ?? 0)
    octets += size
    if ((bits & SEEN) === 0) unseen++
    if ((bits & DELETED) !== 0) deleted++
    return { message, content, bits, keywords, size }
  })
  const box = sql.row<[number, number]>('SELECT uid_next, uid_validity FROM mailbox WHERE id = ? AND account = ?', mailbox, account.id)
  if (box === undefined) throw new MailError('no-such-mailbox', `${account.name} has no mailbox ${mailboxIdOf(mailbox)}`)
  const [firstUid, uidValidity] = box
  if (firstUid + rows.length > MAX_UID) throw new MailError('no-space', `mailbox ${mailboxIdOf(mailbox)} has no UIDs left`)
  const held = context.held(account)
  const holding = { modSeq: (held.modSeq + 1) as ModSeq, octets: held.octets + octets, messages: held.messages + rows.length }
  context.checkQuota(account, holding.octets, holding.messages, quota)
  const { modSeq } = holding
  context.setHeld(account, holding)
  sql.run(
    `UPDATE mailbox SET uid_next = uid_next + ?1, highest_modseq = ?2, messages = messages + ?1, unseen = unseen + ?3,
       deleted = deleted + ?4, octets = octets + ?5
     WHERE id = ?6`,
    rows.length,
    modSeq,
    unseen,
    deleted,
    octets,
    mailbox,
  )
  const added: AddedMessage[] = rows.map(({ message, content, bits, keywords, size }, at) => {
    const uid = (firstUid + at) as Uid
    const prefix = message.prefix === undefined ? undefined : Buffer.from(message.prefix, 'latin1')
    const row = context.contentRow(content)
    const id = sql.insert(
      'INSERT INTO message (content, email, prefix, summary) VALUES (?, ?, ?, ?)',
      row,
      emailOf(content, row, prefix),
      prefix ?? null,
      Buffer.from(message.summary, 'latin1'),
    )
    const set = context.keywords.idOf(keywords)
    sql.run('INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?)', mailbox, uid, bits, set, modSeq, id, size, message.date)
    return { uid, flags: context.keywords.flagsOf(bits, set), size, internalDate: message.date * 1000 }
  })
  const uids: readonly UidRange[] = [{ first: firstUid as Uid, last: (firstUid + rows.length - 1) as Uid }]
  context.log(account, modSeq, mailbox, { kind: 'added', mailbox: mailboxIdOf(mailbox), modSeq, messages: added }, { u: packRanges(uids) })
  return { uidValidity: uidValidity as UidValidity, uids: added.map(({ uid }) => uid) }
}

/**
 * What EMAILID is made of. Up to 64 KiB the hash of all octets. To hash more would cost as much as storing it: there the content's row
 * stands for its octets. Either way the same for every copy, and never for other octets. RFC 8474 §5.1.
 */
function emailOf({ pieces, size, sums }: StagedContent, row: number, prefix: Uint8Array = NO_PREFIX): Uint8Array {
  const isSmall = pieces !== undefined && size <= BLOCK
  // Two hashes: with one, a small message could be written whose octets are what stands for a large one.
  const digest = createHash(isSmall ? 'sha256' : 'sha512-256')
  if (isSmall) {
    digest.update(prefix)
    for (const piece of pieces) digest.update(piece)
  } else digest.update(`${row} ${size} `).update(sums).update(prefix)
  return digest.digest().subarray(0, 20)
}

const NO_PREFIX = new Uint8Array()
