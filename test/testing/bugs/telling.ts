/** Bugs in what is told and kept: history, feeds, mailboxes, octets, limits. */

import { account, type Bug, later, state, store } from './bug.ts'

const history: readonly Bug[] = [
  {
    name: 'VANISHED forgets the first UID of each expunge',
    file: account,
    line: '.flatMap(grave => grave.uids)',
    broken:
      '.flatMap(grave => grave.uids.map(({ first, last }) => (first < last ? { first: (first + 1) as Uid, last } : { first, last })))',
  },
  {
    name: 'VANISHED names a UID that lives',
    file: account,
    line: '.flatMap(grave => grave.uids)',
    broken: '.flatMap(grave => grave.uids.map(({ first, last }) => ({ first, last: (last + 1) as Uid })))',
  },
  {
    name: 'VANISHED leaves out what a move took away',
    file: account,
    line: '        this.#state.expunge(box, messages, modSeq)\n        return added',
    broken: '        this.#state.expunge(box, messages, modSeq)\n        box.graves.pop()\n        return added',
  },
  {
    name: 'VANISHED counts from one change too late',
    file: account,
    line: 'grave.modSeq > modSeq',
    broken: 'grave.modSeq > modSeq + 1',
  },
  {
    name: '`changedSince` includes the MODSEQ itself',
    file: account,
    line: 'message.modSeq > changedSince &&',
    broken: 'message.modSeq >= changedSince &&',
  },
  {
    name: 'records come out of order',
    file: account,
    line: 'yield page.map(message => recordOf(message, columns))',
    broken: 'yield page.map(message => recordOf(message, columns)).toReversed()',
  },
  {
    name: 'pages overlap by one message',
    file: account,
    line: '{ first: (last.uid + 1) as Uid,',
    broken: '{ first: (page.length < PAGE ? last.uid + 1 : last.uid) as Uid,',
  },
  {
    name: 'a page loses its last message when more follow',
    file: account,
    line: 'yield page.map(message => recordOf(message, columns))',
    broken: 'yield page.slice(0, page.length < PAGE ? PAGE : -1).map(message => recordOf(message, columns))',
  },
  {
    name: 'EXPUNGE ignores which flag is asked for',
    file: account,
    line: 'having === undefined || flags.includes(having)',
    broken: 'having === undefined || flags.length > 0',
  },
]

const telling: readonly Bug[] = [
  {
    name: 'watchers are told after the promise resolved',
    file: state,
    line: '        listener(change)\n',
    broken: '        setTimeout(() => listener(change), 2)\n',
  },
  {
    name: 'watchers are told out of order',
    file: state,
    line: '    this.#untold.push(change)\n',
    broken: "    if (change.kind === 'expunged') this.#untold.unshift(change)\n    else this.#untold.push(change)\n",
  },
  {
    name: 'watchers are not told of copies',
    file: account,
    line: 'const to = messages.length === 0 ? [] : this.#state.add(into, messages)',
    broken: `const listeners = [...this.#state.listeners]
      this.#state.listeners.clear()
      const to = messages.length === 0 ? [] : this.#state.add(into, messages)
      for (const listener of listeners) this.#state.listeners.add(listener)`,
  },
  {
    name: 'watchers are told all UIDs of the question instead of those that changed',
    file: account,
    line: 'modSeq, uids: changed, change })',
    broken: 'modSeq, uids: normaliseRanges(uids), change })',
  },
  {
    name: 'a watcher that ended is told still',
    file: account,
    line: 'return () => this.#state.listeners.delete(own)',
    broken: 'return () => undefined',
  },
]

const mailboxes: readonly Bug[] = [
  {
    name: 'a rename leaves inferiors behind',
    file: account,
    line: 'info.name === oldName || isInferior(info.name, oldName)',
    broken: 'info.name === oldName',
  },
  {
    name: 'a rename takes along names that only begin alike',
    file: account,
    line: 'info.name === oldName || isInferior(info.name, oldName)',
    broken: 'info.name.startsWith(oldName)',
  },
  {
    name: 'two mailboxes get one special use',
    file: account,
    line: 'specialUse !== undefined && state.used(specialUse) !== undefined',
    broken: 'specialUse !== undefined && false',
  },
  {
    name: 'names are not checked',
    file: account,
    line: '      checkMailboxName(name)\n      if (state.named(name)',
    broken: '      if (state.named(name)',
  },
  {
    name: 'removing a mailbox removes its subscription',
    file: account,
    line: '      state.remove(box)\n',
    broken: '      state.remove(box)\n      state.subscriptions.delete(box.info.name)\n',
  },
]

const contents: readonly Bug[] = [
  {
    name: 'the prefix is lost',
    file: store,
    line: 'bodyOf(prefix?.slice() ?? new Uint8Array(),',
    broken: 'bodyOf(new Uint8Array(),',
  },
  {
    name: 'messages of one call get one another’s octets',
    file: store,
    line: 'read.get(content) ?? new Uint8Array()',
    broken: '[...read.values()].at(-1) ?? new Uint8Array()',
  },
  {
    name: 'the sender’s buffer is kept instead of its octets',
    file: store,
    line: 'bodyOf(prefix?.slice() ?? new Uint8Array(),',
    broken: 'bodyOf(prefix ?? new Uint8Array(),',
  },
  {
    name: 'ranged reads are off by one behind the prefix',
    file: state,
    line: 'content.subarray(from - prefix.length, to - prefix.length)',
    broken: 'content.subarray(from - Math.max(0, prefix.length - (prefix.length > 1 ? 1 : 0)), to - prefix.length)',
  },
  {
    name: 'email ids leave the prefix out',
    file: state,
    line: '.update(prefix).update(content)',
    broken: '.update(content)',
  },
  {
    name: 'adding stores what could be read before something failed',
    file: account,
    line: 'const arrivals = await this.#house.arrivals(messages, options)',
    broken: `const arrivals: Arrival[] = []
      for (const message of messages) {
        try {
          arrivals.push(...(await this.#house.arrivals([message], options)))
        } catch (error) {
          if (arrivals.length > 0) this.#state.add(this.#box(), arrivals)
          throw error
        }
      }`,
  },
  {
    name: 'a short read is stored as it is',
    file: store,
    line: 'if (octets.length !== content.size)',
    broken: 'if (octets.length > content.size)',
  },
]

const limits: readonly Bug[] = [
  {
    name: 'usage is not lowered when a mailbox is removed',
    file: state,
    line: '    this.#use(box.messages, -1)\n',
    broken: '',
  },
  {
    name: 'the limit is checked before the message is read, so that many pass it together',
    file: account,
    line: `      const arrivals = await this.#house.arrivals(messages, options)
      const box = this.#box()
      this.#state.checkQuota(this.#quota, arrivals)
`,
    broken: `      const arrivals = await this.#house.arrivals(messages, options)
      const box = this.#box()
      this.#state.checkQuota(this.#quota, arrivals)
      ${later}
`,
  },
  {
    name: 'whoever is over the limit cannot move',
    file: account,
    line: '      const from = messages.map(({ uid }) => uid)\n',
    broken: '      const from = messages.map(({ uid }) => uid)\n      this.#state.checkQuota(this.#quota, messages)\n',
  },
  {
    name: 'the limit counts messages one too late',
    file: state,
    line: 'messages > (quota.messages ?? Infinity)',
    broken: 'messages > (quota.messages ?? Infinity) + 1',
  },
  {
    name: 'copies are not held to the limit',
    file: account,
    line: '      this.#state.checkQuota(this.#quota, messages)\n      const to',
    broken: '      const to',
  },
  {
    name: 'one target over its limits fails the whole delivery after some were stored',
    file: store,
    line: '      return { ok: false, account, error: error instanceof Error ? error : new Error(String(error)) }',
    broken: '      throw error',
  },
  {
    name: 'a signal that fired while the message was read leaves the first message behind',
    file: account,
    line: 'const arrivals = await this.#house.arrivals(messages, options)',
    broken: `const arrivals = await this.#house.arrivals(messages, undefined)
      if (options?.signal?.aborted === true) {
        this.#state.add(this.#box(), arrivals.slice(0, 1))
        throw options.signal.reason
      }`,
  },
  {
    name: 'a closed store goes on answering',
    file: store,
    line: "    if (this.#closed) throw new MailError('unavailable', 'the store is closed')\n",
    broken: '',
  },
]

/** Bugs in history, feeds, mailboxes, octets and limits. */
export const tellingBugs: readonly Bug[] = [...history, ...telling, ...mailboxes, ...contents, ...limits]
