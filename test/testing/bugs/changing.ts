/** Bugs in what changes: numbers, flags, copies. */

import { account, type Bug, later, state, store } from './bug.ts'

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

/** Bugs in numbers, flags and copies. */
export const changingBugs: readonly Bug[] = [...numbers, ...flags, ...copies]
