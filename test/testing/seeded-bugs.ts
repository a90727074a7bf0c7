/** Bugs that a store can have, each as one change to the memory store: what a line says, and what it says instead. */

/** A bug to be sown. */
export interface Bug {
  /** What is wrong, as an operator would see it. */
  readonly name: string
  /** File of `src/stores/memory`. */
  readonly file: 'state.ts' | 'memory-account.ts' | 'memory-store.ts'
  /** Text that stands in the file exactly once. */
  readonly line: string
  readonly broken: string
}

const account = 'memory-account.ts'
const state = 'state.ts'
const store = 'memory-store.ts'
const later = 'await new Promise(resolve => setTimeout(resolve, 1))'

const numbers: readonly Bug[] = [
  {
    name: 'UIDs of expunged messages are given again',
    file: state,
    line: '    box.graves.push({ modSeq, uids })',
    broken: '    box.graves.push({ modSeq, uids }); box.uidNext = ((box.messages.at(-1)?.uid ?? 0) + 1) as Uid',
  },
  {
    name: 'UIDNEXT falls when the last message is expunged',
    file: account,
    line: '      uidNext,\n',
    broken: '      uidNext: ((messages.at(-1)?.uid ?? 0) + 1) as Uid,\n',
  },
  {
    name: 'UIDs are allocated before the message can be seen, so that some become visible late',
    file: account,
    line: '      const box = this.#box()\n      this.#state.checkQuota(this.#quota, arrivals)\n',
    broken: `      const box = this.#box()
      this.#state.checkQuota(this.#quota, arrivals)
      const uid = box.uidNext
      box.uidNext = (uid + arrivals.length) as Uid
      if (uid % 2 === 1 && arrivals.length === 1) {
        ${later}
        const modSeq = this.#state.nextModSeq()
        for (const arrival of arrivals) box.messages.splice(indexOf(box.messages, uid), 0, { ...arrival, uid, modSeq })
        box.highestModSeq = modSeq
        const added = arrivals.map(({ body, flags, internalDate }) => ({ uid, flags, size: body.source.size, internalDate }))
        const { octets, messages: count } = this.#state.usage
        this.#state.usage = { octets: octets + (added[0]?.size ?? 0), messages: count + 1 }
        this.#state.tell({ kind: 'added', mailbox: box.info.id, modSeq, messages: added })
        return { uidValidity: box.info.uidValidity, uids: [uid] }
      }
      box.uidNext = uid
`,
  },
  {
    name: 'MODSEQ is taken before the flags can be seen, so that some changes come late',
    file: account,
    line: '    return this.#run(options, box => {\n      checkFlags(change.flags)',
    broken: `    return this.#run(options, async box => {
      checkFlags(change.flags)
      const taken = this.#state.nextModSeq()
      ${later}
      this.#state.replace = (into, messages) => {
        for (const message of messages) into.messages[indexOf(into.messages, message.uid)] = { ...message, modSeq: taken }
        into.highestModSeq = Math.max(into.highestModSeq, taken) as ModSeq
        return taken
      }`,
  },
  {
    name: 'UIDVALIDITY repeats when a mailbox is removed and made again',
    file: state,
    line: '    const id = `m${uidValidity}`\n',
    broken: '    const id = `m${uidValidity}`\n    uidValidity = 7 as UidValidity\n',
  },
  {
    name: 'a mailbox made again gets the id of the removed one',
    file: state,
    line: '    const id = `m${uidValidity}`\n',
    broken: "    const id = `m${Buffer.from(name).toString('hex').slice(0, 250)}`\n",
  },
  {
    name: 'HIGHESTMODSEQ is that of the living messages, so that it falls on expunge',
    file: account,
    line: '      highestModSeq,\n    }))',
    broken: '      highestModSeq: Math.max(1, ...messages.slice(-1000).map(({ modSeq }) => modSeq)) as ModSeq,\n    }))',
  },
  {
    name: 'all messages that a change touches get its MODSEQ, also those that were so already',
    file: account,
    line: 'return flags === undefined ? [] : [{ ...message, flags }]',
    broken: 'return [{ ...message, flags: flags ?? message.flags }]',
  },
  {
    name: 'two changes share one MODSEQ',
    file: state,
    line: '    const modSeq = this.nextModSeq()\n    for (const message',
    broken: '    const modSeq = box.highestModSeq\n    for (const message',
  },
]

const flags: readonly Bug[] = [
  {
    name: 'flags are read, changed and written back, so that one of two updates is lost',
    file: account,
    line: '    return this.#run(options, box => {\n      checkFlags(change.flags)',
    broken: `    return this.#run(options, async box => {
      checkFlags(change.flags)
      const before = select(box, normaliseRanges(uids))
      ${later}
      for (const message of before) {
        const at = indexOf(box.messages, message.uid)
        const now = box.messages[at]
        if (now?.uid === message.uid) box.messages[at] = { ...now, flags: message.flags }
      }`,
  },
  {
    name: '`unchangedSince` is ignored',
    file: account,
    line: 'const unchangedSince = options?.unchangedSince ?? Infinity',
    broken: 'const unchangedSince = Infinity',
  },
  {
    name: '`unchangedSince` of 0 counts as none',
    file: account,
    line: 'options?.unchangedSince ?? Infinity',
    broken: 'options?.unchangedSince || Infinity',
  },
  {
    name: '`unchangedSince` is checked before the lock, so that two win',
    file: account,
    line: '    return this.#run(options, box => {\n      checkFlags(change.flags)',
    broken: `    return this.#run(options, async box => {
      checkFlags(change.flags)
      const checked = select(box, normaliseRanges(uids)).filter(message => message.modSeq <= (options?.unchangedSince ?? Infinity))
      ${later}
      if (options?.unchangedSince !== undefined) {
        uids = rangesOf(checked.map(({ uid }) => uid))
        options = {}
      }`,
  },
  {
    name: 'what `unchangedSince` refused is not reported',
    file: account,
    line: 'refused: rangesOf(refused.map(({ uid }) => uid))',
    broken: 'refused: []',
  },
  {
    name: 'one refused message keeps all others from being changed',
    file: account,
    line: 'if (changes.length === 0) return result',
    broken: 'if (changes.length === 0 || refused.length > 0) return { ...result, changed: [] }',
  },
  {
    name: 'keywords are folded to lower case',
    file: store,
    line: '      flags: Object.freeze([...new Set(flags)]),',
    broken: "      flags: Object.freeze([...new Set(flags.map(flag => (flag.startsWith('\\\\') ? flag : flag.toLowerCase())))]),",
  },
  {
    name: 'setting flags keeps keywords that were there',
    file: account,
    line: 'const flags = flagsAfter(message.flags, change)',
    broken:
      "const flags = flagsAfter(message.flags, change.kind === 'set' ? { kind: 'set', flags: [...change.flags, ...message.flags.filter(flag => flag === 'work')] } : change)",
  },
  {
    name: 'the count of unseen messages drifts',
    file: account,
    line: "unseen: messages.filter(({ flags }) => !flags.includes('\\\\Seen')).length",
    broken: "unseen: messages.filter(({ flags, modSeq, uid }) => !flags.includes('\\\\Seen') || modSeq > uid + 30).length",
  },
]

const copies: readonly Bug[] = [
  {
    name: 'COPY goes message by message, so that a part stays when the rest does not fit',
    file: account,
    line: '      this.#state.checkQuota(this.#quota, messages)\n      const to = messages.length === 0 ? [] : this.#state.add(into, messages)\n',
    broken: `      const to = messages.flatMap(message => {
        this.#state.checkQuota(this.#quota, [message])
        return this.#state.add(into, [message])
      })
`,
  },
  {
    name: 'COPY shows its messages one after another',
    file: account,
    line: '    return this.#run(options, box => {\n      const into = this.#state.box(target)\n      const messages = select(box, normaliseRanges(uids))\n      this.#state.checkQuota',
    broken: `    return this.#run(options, async box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      if (messages.length > 1) {
        const one: Uid[] = []
        for (const message of messages) {
          one.push(...this.#state.add(into, [message]))
          ${later}
        }
        return { uidValidity: into.info.uidValidity, from: messages.map(({ uid }) => uid), to: one }
      }
      this.#state.checkQuota`,
  },
  {
    name: 'COPY gives the copies a new date',
    file: account,
    line: 'const to = messages.length === 0 ? [] : this.#state.add(into, messages)',
    broken:
      'const to = messages.length === 0 ? [] : this.#state.add(into, messages.map(message => ({ ...message, internalDate: Date.now() })))',
  },
  {
    name: 'COPY loses flags',
    file: account,
    line: 'const to = messages.length === 0 ? [] : this.#state.add(into, messages)',
    broken: 'const to = messages.length === 0 ? [] : this.#state.add(into, messages.map(message => ({ ...message, flags: [] })))',
  },
  {
    name: 'COPY maps UIDs in another order',
    file: account,
    line: 'from: messages.map(({ uid }) => uid), to }',
    broken: 'from: messages.map(({ uid }) => uid), to: to.toReversed() }',
  },
  {
    name: 'a message that is moved is in both mailboxes for a moment',
    file: account,
    line: `    return this.#run(options, box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      const from =`,
    broken: `    return this.#run(options, async box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      if (messages.length > 0) {
        const to = this.#state.add(into, messages)
        ${later}
        this.#state.expunge(box, select(box, normaliseRanges(uids)))
        return { uidValidity: into.info.uidValidity, from: messages.map(({ uid }) => uid), to }
      }
      const from =`,
  },
  {
    name: 'a message that is moved is nowhere for a moment',
    file: account,
    line: `    return this.#run(options, box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      const from =`,
    broken: `    return this.#run(options, async box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      if (messages.length > 0) {
        const modSeq = this.#state.nextModSeq()
        this.#state.expunge(box, messages, modSeq)
        ${later}
        return { uidValidity: into.info.uidValidity, from: messages.map(({ uid }) => uid), to: this.#state.add(into, messages, modSeq) }
      }
      const from =`,
  },
]

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

/** Every bug that the conformance kit must catch. */
export const bugs: readonly Bug[] = [...numbers, ...flags, ...copies, ...history, ...telling, ...mailboxes, ...contents, ...limits]
