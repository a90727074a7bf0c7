/** The memory store's doors: opening accounts, delivering to many, closing. */

import type { CallOptions } from '../../contracts/call.ts'
import type { DeliveryResult, DeliveryTarget, MailAccount, MailStore, OpenOptions } from '../../contracts/mail-store.ts'
import type { AccountId } from '../../contracts/mailbox-info.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource, NewMessage } from '../../contracts/message.ts'
import type { UidValidity } from '../../contracts/numbers.ts'
import { checkAccountId } from '../account-id.ts'
import { checkFlags } from '../flags.ts'
import { checkMailboxName, INBOX } from '../mailbox-name.ts'
import { MemoryAccount } from './memory-account.ts'
import { AccountState, type Arrival, bodyOf, type Box, type House } from './state.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * UIDVALIDITY of the first mailbox; the following ones count up from it. Default: the time in seconds, so that a client
   * that comes back after a restart sees that its copy is void. RFC 9051 §2.3.1.1.
   */
  readonly firstUidValidity?: number
}

/**
 * A store that keeps mail in memory and forgets it on exit, with every optional power.
 *
 * @example
 * ```ts
 * import { memoryStore } from 'mailwright/stores/memory'
 *
 * const store = memoryStore()
 * const ann = await store.open('ann')
 * console.log(await ann.mailboxes())
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MailStore {
  return new MemoryStore(options)
}

class MemoryStore implements MailStore, House {
  readonly durable = false
  readonly #accounts = new Map<AccountId, AccountState>()
  readonly #running = new Set<Promise<unknown>>()
  #uidValidity: number
  #closed = false

  constructor({ firstUidValidity = Math.floor(Date.now() / 1000) }: MemoryStoreOptions) {
    this.#uidValidity = firstUidValidity - 1
  }

  open(account: AccountId, options: OpenOptions = {}): Promise<MailAccount> {
    return this.run(options, () => new MemoryAccount(this, this.#account(account), options.quota ?? {}))
  }

  deliver(targets: readonly DeliveryTarget[], options?: CallOptions): Promise<readonly DeliveryResult[]> {
    return this.run(options, async () => {
      const arrivals = await this.arrivals(
        targets.map(target => target.message),
        options,
      )
      return targets.map((target, at) => this.#deliver(target, arrivals.slice(at, at + 1)))
    })
  }

  #deliver(target: DeliveryTarget, arrivals: readonly Arrival[]): DeliveryResult {
    const { account, message, quota = {} } = target
    try {
      checkFlags(message.flags)
      const state = this.#account(account)
      state.checkQuota(quota, arrivals)
      const box = this.#place(state, target.mailbox ?? INBOX)
      const [uid] = state.add(box, arrivals)
      if (uid === undefined) throw new MailError('invalid', 'nothing to deliver')
      return { ok: true, account, mailbox: box.info.id, uid, uidValidity: box.info.uidValidity }
    } catch (error) {
      return { ok: false, account, error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  #place(state: AccountState, wanted: NonNullable<DeliveryTarget['mailbox']>): Box {
    const found = typeof wanted === 'string' ? state.named(wanted) : (state.used(wanted.specialUse) ?? state.named(INBOX))
    if (found !== undefined) return found
    if (typeof wanted !== 'string') throw new MailError('no-such-mailbox', `${state.id} has no inbox`)
    checkMailboxName(wanted)
    return state.create(wanted, this.nextUidValidity())
  }

  #account(id: AccountId): AccountState {
    checkAccountId(id)
    const known = this.#accounts.get(id)
    if (known !== undefined) return known
    const account = new AccountState(id)
    account.create(INBOX, this.nextUidValidity())
    this.#accounts.set(id, account)
    return account
  }

  removeAccount(account: AccountId, options?: CallOptions): Promise<void> {
    return this.run(options, () => {
      const state = this.#accounts.get(account)
      if (state === undefined) return
      this.#accounts.delete(account)
      state.boxes.clear()
      state.removed = true
      state.tell({ kind: 'resync', modSeq: state.nextModSeq() })
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#running)
    this.#accounts.clear()
  }

  async run<T>(options: CallOptions | undefined, call: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw new MailError('unavailable', 'the store is closed')
    options?.signal?.throwIfAborted()
    const running = (async () => call())()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async arrivals(messages: readonly NewMessage[], options: CallOptions | undefined): Promise<readonly Arrival[]> {
    const read = new Map<MessageSource, Uint8Array>()
    for (const { content } of messages) {
      if (read.has(content)) continue
      const octets = await content.read(0, content.size)
      if (octets.length !== content.size) throw new MailError('corrupt', `${octets.length} octets of ${content.size} could be read`)
      read.set(content, octets.slice())
    }
    // From here on nothing waits: what was not given up until now happens as a whole.
    options?.signal?.throwIfAborted()
    return messages.map(({ content, prefix, summary, flags, internalDate }) => ({
      body: bodyOf(prefix?.slice() ?? new Uint8Array(), read.get(content) ?? new Uint8Array(), summary.slice()),
      flags: Object.freeze([...new Set(flags)]),
      internalDate,
    }))
  }

  nextUidValidity(): UidValidity {
    return ++this.#uidValidity as UidValidity
  }
}
