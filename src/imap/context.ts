/** What a command has to work with: the connection, who is logged in, what is selected, and where answers go. RFC 9051 §3. */

import type { Host, LiveConnection } from '../contracts/host.ts'
import type { MailAccount } from '../contracts/mail-store.ts'
import type { MailboxInfo } from '../contracts/mailbox-info.ts'
import type { UidRange, Uid } from '../contracts/numbers.ts'
import type { MeteredTransport } from '../engine/bandwidth.ts'
import { isLoopback } from '../bytes/ip-address.ts'
import { normaliseRanges } from '../bytes/uid-ranges.ts'
import { SlicedWork } from '../engine/sliced-work.ts'
import { Input } from './input.ts'
import type { Completions } from './later.ts'
import type { NameForm } from './names.ts'
import type { ImapSettings } from './options.ts'
import { tellUpdate } from './updates.ts'
import type { AccountHub, AccountHubs } from './view/account-hub.ts'
import type { Observer } from './view/mailbox-state.ts'
import type { Selected } from './view/selected.ts'
import { Printer } from './wire/printer.ts'
import { resolveSet, type SequenceSet } from './wire/sequence-set.ts'

/** What all sessions of an engine share. */
export interface House {
  readonly host: Host
  readonly settings: ImapSettings
  readonly hubs: AccountHubs
}

/** Whether numbers in a command are sequence numbers or UIDs. RFC 9051 §6.4.9. */
export type Numbering = 'seq' | 'uid'

/** Features that ENABLE (or first use) turns on. RFC 5161; RFC 7162 §3.1. */
export interface Enabled {
  rev2: boolean
  utf8: boolean
  condstore: boolean
}

/** One session, as its commands see it. */
export class Context extends SlicedWork implements Observer {
  readonly house: House
  readonly transport: MeteredTransport
  readonly connection: LiveConnection
  readonly out: Printer
  readonly input: Input
  readonly enabled: Enabled = { rev2: false, utf8: false, condstore: false }
  /** Tag of the command at hand. */
  tag = ''
  account: MailAccount | undefined
  hub: AccountHub | undefined
  selected: Selected | undefined
  /** The commands that are under way beside the one at hand, once there was one. */
  completions: Completions | undefined
  failedLogins = 0
  /** The session ends after the command at hand. */
  isEnding = false
  /** Called when the selected mailbox changes while the client idles. RFC 2177 §3. */
  onChange: (() => void) | undefined

  constructor(house: House, transport: MeteredTransport, connection: LiveConnection) {
    super()
    this.house = house
    this.transport = transport
    this.connection = connection
    this.out = new Printer(transport)
    this.input = new Input(transport, this.out)
  }

  get host(): Host {
    return this.house.host
  }

  /** How this session writes names. */
  get nameForm(): NameForm {
    return this.enabled.rev2 || this.enabled.utf8 ? 'utf-8' : 'utf-7'
  }

  /** Whether passwords may cross this connection. RFC 9051 §11.7. */
  get isPrivate(): boolean {
    return this.connection.tls !== undefined || (this.house.settings.allowPlaintextLogin && isLoopback(this.connection.remote.address))
  }

  /** The account of who is logged in; commands that ask are admitted only then. */
  get mail(): { readonly account: MailAccount; readonly hub: AccountHub } {
    if (this.account === undefined || this.hub === undefined) throw new Error('a command ran before login')
    return { account: this.account, hub: this.hub }
  }

  /** The selected mailbox; commands that ask are admitted only then. */
  get view(): Selected {
    if (this.selected === undefined) throw new Error('a command ran without a selected mailbox')
    return this.selected
  }

  /** The mailbox of that name. */
  async find(name: string): Promise<MailboxInfo | undefined> {
    return name === '' ? undefined : this.mail.hub.find(name)
  }

  /** Leaves the selected mailbox, if there is one. */
  deselect(): void {
    if (this.selected !== undefined) this.hub?.leave(this.selected.state, this)
    this.selected = undefined
  }

  /** Turns CONDSTORE on: from here on every FETCH of flags has MODSEQ. RFC 7162 §3.1. */
  enableCondstore(): void {
    if (this.enabled.condstore) return
    this.enabled.condstore = true
    // RFC 7162 §3.1.2.1: a mailbox that is selected already is told its HIGHESTMODSEQ now.
    if (this.selected !== undefined)
      this.out.untagged(`OK [HIGHESTMODSEQ ${this.selected.state.highestModSeq}] Modification sequences are on`)
  }

  /** Something changed in the selected mailbox. */
  changed(): void {
    this.onChange?.()
  }

  /** Tells what changed in the selected mailbox since it was told last. RFC 9051 §7.5.1. */
  tellUpdates(expunge: 'tell' | 'keep'): void {
    if (this.selected?.isBehind === true) tellUpdate(this.out, this.selected, expunge, this.enabled.condstore)
  }

  /** The messages that a set names in the view, as runs of UIDs; `undefined` when a sequence number is beyond the mailbox. */
  uidsOf(set: SequenceSet, numbering: Numbering): readonly UidRange[] | undefined {
    const view = this.view
    if (set === '$') return view.saved
    if (numbering === 'uid')
      return normaliseRanges(resolveSet(set, view.largestUid) as { first: Uid; last: Uid }[]).filter(range => range.last > 0)
    const seqs = resolveSet(set, view.count)
    // RFC 9051 §9, seq-number: a number beyond the mailbox, "*" of an empty one included, is answered BAD.
    const last = seqs.at(-1)
    if (last === undefined || last.last > view.count || view.count === 0) return undefined
    return view.uidsOfSeqs(seqs)
  }
}
