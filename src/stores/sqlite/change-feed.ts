/**
 * Tells listeners what changed, in the order of MODSEQ: what this process did, at once; what other processes did, from the
 * rows of `change`, as soon as a look at the database shows that somebody committed.
 */

import type { AddedMessage, MailboxChange } from '../../contracts/change.ts'
import type { AccountId, MailboxInfo } from '../../contracts/mailbox-info.ts'
import type { FlagChange } from '../../contracts/message.ts'
import type { ModSeq, Uid, UidRange } from '../../contracts/numbers.ts'
import type { KeywordSets } from './flag-bits.ts'
import type { AccountChange } from './operation.ts'
import type { Sql } from './sql.ts'
import { mailboxIdOf } from './write-context.ts'

/** Messages in one change that is told from a row: a large one is told in parts with the same MODSEQ. */
type Listener = (change: MailboxChange) => void

/** What is known of an account that somebody watches. */
interface Watched {
  readonly listeners: Set<Listener>
  /** MODSEQ when watching began. */
  start: number
  /** MODSEQ of the last change that was told; everything up to it was told. */
  told: number
  /** The same, while only the half of a move that adds was told: the half that expunges has the same MODSEQ. Otherwise 0. */
  half: number
  /** Whether what is between could not be read: the next look tells it, and what was made meanwhile, in order. */
  isBehind: boolean
}

type Detail = { readonly u?: readonly (readonly [number, number])[]; readonly c?: FlagChange } & {
  readonly info?: MailboxInfo
  readonly oldName?: string
  readonly name?: string
}

/** The listeners of one store. */
export class ChangeFeed {
  readonly #sql: Sql
  readonly #keywords: KeywordSets
  readonly #interval: number
  readonly #watched = new Map<AccountId, Watched>()
  readonly #untold: AccountChange[] = []
  #telling = false
  #timer: NodeJS.Timeout | undefined
  #version = -1
  #commits = -1

  constructor(sql: Sql, keywords: KeywordSets, interval: number) {
    this.#sql = sql
    this.#keywords = keywords
    this.#interval = interval
  }

  /** Adds a listener; answers the function that ends it. */
  watch(account: AccountId, listener: Listener): () => void {
    const own = (change: MailboxChange): void => listener(change)
    const known = this.#watched.get(account)
    if (known !== undefined) known.listeners.add(own)
    else {
      const now = this.#sql.number('SELECT modseq FROM account WHERE name = ?', account)
      this.#watched.set(account, { listeners: new Set([own]), start: now, told: now, half: 0, isBehind: false })
    }
    if (this.#timer === undefined) this.#timer = setInterval(() => this.look(), this.#interval).unref()
    return () => this.#unwatch(account, own)
  }

  #unwatch(account: AccountId, listener: Listener): void {
    const watched = this.#watched.get(account)
    if (watched === undefined) return
    watched.listeners.delete(listener)
    if (watched.listeners.size === 0) this.#watched.delete(account)
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Tells of a change that this process made. */
  tell(made: AccountChange): void {
    const watched = this.#watched.get(made.account)
    if (watched === undefined || watched.isBehind) return
    const { modSeq, kind } = made.change
    if (modSeq > watched.told + 1 && !this.#hasCaughtUp(made.account, watched, modSeq - 1)) return
    // Seen in the database before the writer's answer came.
    if (modSeq < watched.told && modSeq > watched.start) return
    if (modSeq === watched.told && modSeq > watched.start && !(kind === 'expunged' && modSeq === watched.half)) return
    this.#announce(made)
    watched.told = Math.max(watched.told, modSeq)
    watched.half = kind === 'added' ? modSeq : 0
    // The account is gone; one of the same name would begin to count anew.
    if (kind === 'resync') Object.assign(watched, { start: 0, told: 0, half: 0, isBehind: false })
  }

  /** Looks whether another process committed something. Cheap when none did. What cannot be read is told by a later look. */
  look(): void {
    try {
      this.#look()
    } catch {
      this.#forgetLook()
    }
  }

  #forgetLook(): void {
    this.#version = -1
    this.#commits = -1
  }

  /** Whether everything up to `until` was told. */
  #hasCaughtUp(account: AccountId, watched: Watched, until: number): boolean {
    try {
      this.#catchUp(account, watched, until)
      return true
    } catch {
      watched.isBehind = true
      this.#forgetLook()
      return false
    }
  }

  #look(): void {
    if (this.#watched.size === 0) return
    const version = this.#sql.number('PRAGMA data_version')
    if (version === this.#version) return
    this.#version = version
    const commits = this.#sql.number('SELECT total(commits) FROM writer')
    if (commits === this.#commits) return
    this.#commits = commits
    for (const [account, watched] of this.#watched) {
      const row = this.#sql.row<[number]>('SELECT modseq FROM account WHERE name = ?', account)
      if (row === undefined && watched.told > 0) {
        this.#announce({ account, change: { kind: 'resync', modSeq: (watched.told + 1) as ModSeq } })
        Object.assign(watched, { start: 0, told: 0, half: 0, isBehind: false })
      } else if (row !== undefined && row[0] > watched.told) this.#catchUp(account, watched, row[0])
    }
  }

  /** Tells what lies between the last change told and `until`, from the rows. */
  #catchUp(account: AccountId, watched: Watched, until: number): void {
    const row = this.#sql.row<[number, number]>('SELECT id, floor FROM account WHERE name = ?', account)
    const since = watched.told
    if (row === undefined || row[1] > since) {
      Object.assign(watched, { told: until, half: 0, isBehind: false })
      this.#announce({ account, change: { kind: 'resync', modSeq: until as ModSeq } })
      return
    }
    const rows = this.#sql.rows<[number, number, MailboxChange['kind'], string]>(
      'SELECT modseq, mailbox, kind, detail FROM change WHERE account = ? AND modseq > ? AND modseq <= ? ORDER BY modseq, part',
      row[0],
      since,
      until,
    )
    const changes = rows.flatMap(
      ([modSeq, mailbox, kind, detail]) => this.#changeOf(modSeq as ModSeq, mailbox, kind, JSON.parse(detail) as Detail) ?? [],
    )
    // Only now: had reading failed, they would have to be told later.
    Object.assign(watched, { told: until, half: 0, isBehind: false })
    for (const change of changes) this.#announce({ account, change })
  }

  #changeOf(modSeq: ModSeq, mailbox: number, kind: MailboxChange['kind'], detail: Detail): MailboxChange | undefined {
    const uids: readonly UidRange[] = (detail.u ?? []).map(([first, last]) => ({ first: first as Uid, last: last as Uid }))
    const { info, c: change, name = '', oldName = '' } = detail
    const box = mailboxIdOf(mailbox)
    switch (kind) {
      case 'added': {
        // Those that were expunged since are told as expunged, later; they are not missed here.
        const messages = uids.flatMap(range => this.#added(mailbox, range))
        return messages.length === 0 ? undefined : { kind, mailbox: box, modSeq, messages }
      }
      case 'flagged':
        return change === undefined ? undefined : { kind, mailbox: box, modSeq, uids, change }
      case 'expunged':
        return { kind, mailbox: box, modSeq, uids }
      case 'mailbox-created':
      case 'mailbox-removed':
        return info === undefined ? undefined : { kind, modSeq, info }
      case 'mailbox-renamed':
        return info === undefined ? undefined : { kind, modSeq, info, oldName }
      case 'subscribed':
      case 'unsubscribed':
        return { kind, modSeq, name }
      case 'resync':
        return { kind, modSeq }
    }
  }

  #added(mailbox: number, { first, last }: UidRange): AddedMessage[] {
    const rows = this.#sql.rows<[number, number, number, number, number]>(
      'SELECT uid, flags, keywords, size, date FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid',
      mailbox,
      first,
      last,
    )
    return rows.map(([uid, bits, keywords, size, date]) => ({
      uid: uid as Uid,
      flags: this.#keywords.flagsOf(bits, keywords),
      size,
      internalDate: date * 1000,
    }))
  }

  /** One at a time, also when a listener causes the next change. */
  #announce(change: AccountChange): void {
    this.#untold.push(change)
    if (this.#telling) return
    this.#telling = true
    for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
      for (const listener of this.#watched.get(next.account)?.listeners ?? []) {
        try {
          listener(next.change)
        } catch (error) {
          // The change is durable: a listener's bug must not make its promise reject, nor keep others from being told.
          process.emitWarning(error instanceof Error ? error : String(error))
        }
      }
    }
    this.#telling = false
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#watched.clear()
  }
}
