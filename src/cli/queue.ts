/** The commands about mail that waits to leave: looking at it, and steering it. RFC 5321 §4.5.4. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Queue, QueueEntry, QueuePause, QueueSelector, RecipientEntry, SuppressionList } from '../contracts/index.ts'
import { canonicalAddress } from '../mime/index.ts'
import { printable } from '../pipeline/index.ts'
import { personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { queueTable, since } from './queue-text.ts'
import { countOption, UsageError } from './usage.ts'

/** What a command does with the queue. */
type Work = (queue: Queue, call: Call, suppressions: SuppressionList) => Promise<void>

const SELECTORS: Command['options'] = [
  { name: 'from', value: 'ADDRESS', text: 'messages of this envelope sender' },
  { name: 'to', value: 'ADDRESS', text: 'this recipient' },
  { name: 'domain', value: 'D', text: 'recipients in this domain' },
]
const ALL = { name: 'all', text: 'everything that waits' }

function row(name: string, takes: string, text: string, work: Work, more: Partial<Command> = {}): Command {
  const count = takes === '' ? 0 : 1
  return {
    name: `queue ${name}`,
    takes,
    text,
    options: COMMON,
    arity: [count, count],
    needs: ['mail'],
    ...more,
    async run(call) {
      const store = sqliteStore({ path: personalFiles(call.data).mail })
      try {
        await work(store.queue, call, store.suppressions)
      } finally {
        await store.close()
      }
    },
  }
}

function text(call: Call, name: string): string | undefined {
  const value = call.options[name]
  return typeof value === 'string' ? value : undefined
}

/** What a line selects; `undefined` when it names nothing. */
function selected(call: Call): QueueSelector | undefined {
  const [id] = call.words
  const [from, recipient, destination] = [text(call, 'from'), text(call, 'to'), text(call, 'domain')?.toLowerCase()]
  if (id === undefined && from === undefined && recipient === undefined && destination === undefined) return undefined
  return {
    ...(id === undefined ? {} : { id }),
    ...(from === undefined ? {} : { from }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(destination === undefined ? {} : { destination }),
  }
}

/** A command that changes what is selected: never all of it by a slip. */
function change(name: string, done: string, what: string, act: (queue: Queue, selector: QueueSelector) => Promise<number>): Command {
  const work: Work = async (queue, call) => {
    const selector = selected(call) ?? (call.options['all'] === true ? {} : undefined)
    if (selector === undefined) throw new UsageError(`name a message, or --from, --to or --domain, or --all`, `queue ${name}`)
    const recipients = await act(queue, selector)
    if (recipients === 0 && selector.id !== undefined && (await queue.show(selector.id)) === undefined) throw noMessage(selector.id)
    call.terminal.tell(`${recipients} recipient${recipients === 1 ? '' : 's'} ${done}`, { recipients })
  }
  return row(name, '[ID]', what, work, { arity: [0, 1], options: [...SELECTORS, ALL, ...COMMON] })
}

function noMessage(id: string): Error {
  return new Error(`the queue has no message ${printable(id)}: "mailwright queue list" shows those there are`)
}

function tellEntry(call: Call, entry: QueueEntry, now: number): void {
  call.terminal.tell(queueTable([entry], now), { ...entry })
}

async function list(queue: Queue, call: Call): Promise<void> {
  const limit = countOption(call.options, 'limit', 100)
  const state = text(call, 'state')
  let shown = 0
  for await (const entry of queue.list(
    { ...selected(call), ...(state === undefined ? {} : { state: stateOf(state) }) },
    { signal: call.signal },
  )) {
    if (shown === limit) {
      call.terminal.note(`there is more: --limit ${limit * 10} shows more of it`)
      return
    }
    tellEntry(call, entry, Date.now())
    shown += 1
  }
  if (shown === 0) call.terminal.note('nothing waits to leave')
}

function stateOf(word: string): RecipientEntry['state'] {
  const states = ['waiting', 'leased', 'held', 'delivered', 'failed', 'removed'] as const
  const found = states.find(state => state === word)
  if (found === undefined) throw new UsageError(`--state takes one of ${states.join(', ')}`, 'queue list')
  return found
}

async function show(queue: Queue, call: Call): Promise<void> {
  const [id = ''] = call.words
  const entry = await queue.show(id)
  if (entry === undefined) throw noMessage(id)
  tellEntry(call, entry, Date.now())
  if (call.options['content'] !== true) return
  const content = await queue.content(id)
  if (content === undefined) throw new Error('what has been settled is kept without its content')
  for (let at = 0; at < content.size; at += 65_536) process.stdout.write(await content.read(at, at + 65_536))
}

async function watch(queue: Queue, call: Call): Promise<void> {
  const isScreen = process.stdout.isTTY && call.options['json'] !== true
  const every = isScreen ? 1000 : 5000
  while (!call.signal.aborted) {
    const counts = await queue.counts()
    const now = Date.now()
    const age = counts.oldest === undefined ? '' : `, the oldest for ${since(counts.oldest, now)}`
    const head = `${counts.messages} messages wait to leave${age}: ${counts.waiting} recipients waiting, ${counts.leased} on their way, ${counts.held} held`
    const domains = counts.destinations
      .slice(0, 15)
      .map(({ destination, recipients }) => `  ${String(recipients).padStart(8)}  ${printable(destination)}`)
    if (isScreen) process.stdout.write(`\u001b[H\u001b[2J${[head, '', ...domains, '', 'Ctrl-C ends'].join('\n')}\n`)
    else call.terminal.tell(head, { ...counts })
    await wait(every, undefined, { signal: call.signal }).catch(() => undefined)
  }
}

function ruleOf(call: Call): QueuePause {
  const [from, destination] = [text(call, 'from'), text(call, 'domain')?.toLowerCase()]
  if (from !== undefined && destination === undefined) return { from }
  if (destination !== undefined && from === undefined) return { destination }
  throw new UsageError('name one: --domain D, or --from ADDRESS')
}

function ruleText(rule: QueuePause): string {
  if ('destination' in rule) return `mail to ${printable(rule.destination)}`
  return 'from' in rule ? `mail from ${printable(rule.from)}` : `mail of the account ${printable(rule.account)}`
}

const RULES: Command['options'] = [SELECTORS[0], SELECTORS[2], ...COMMON].filter(option => option !== undefined)

/** The commands of the queue. */
export const QUEUE_COMMANDS: readonly Command[] = [
  row('list', '', 'what waits to leave', list, {
    options: [
      ...SELECTORS,
      { name: 'state', value: 'S', text: 'recipients that are waiting, leased, held, delivered, failed or removed' },
      { name: 'limit', value: 'N', text: 'messages at most (default 100)' },
      ...COMMON,
    ],
  }),
  row('show', 'ID', 'one message, and what was said about each recipient', show, {
    options: [{ name: 'content', text: 'its octets too' }, ...COMMON],
  }),
  row('watch', '', 'a live view of how much waits, and for whom', watch),
  change('retry', 'due now', 'try again now', (queue, selector) => queue.retry(selector)),
  change('hold', 'held', 'keep from leaving, until released', (queue, selector) => queue.hold(selector)),
  change('release', 'released', 'let leave what was held', (queue, selector) => queue.release(selector)),
  change('remove', 'removed; nobody was told', 'take out for good; nobody is told', (queue, selector) => queue.remove(selector)),
  row(
    'pause',
    '',
    'let nothing of a domain or sender leave from now on',
    async (queue, call) => {
      const rule = ruleOf(call)
      await queue.pause(rule)
      call.terminal.tell(`${ruleText(rule)} waits until "mailwright queue resume"`, { paused: rule })
    },
    { options: RULES },
  ),
  row(
    'resume',
    '',
    'end a pause',
    async (queue, call) => {
      const rule = ruleOf(call)
      if (!(await queue.paused()).some(paused => ruleText(paused).toLowerCase() === ruleText(rule).toLowerCase()))
        throw new Error(`${ruleText(rule)} is not paused: "mailwright queue pauses" shows what is`)
      await queue.resume(rule)
      call.terminal.tell(`${ruleText(rule)} leaves again`, { resumed: rule })
    },
    { options: RULES },
  ),
  row('pauses', '', 'the pauses in force', async (queue, { terminal }) => {
    const rules = await queue.paused()
    if (rules.length === 0) terminal.note('nothing is paused')
    for (const rule of rules) terminal.tell(`${ruleText(rule)} waits`, { paused: rule })
  }),
  row('suppressed', '', 'addresses that get no mail from here', async (_queue, { terminal, signal }, suppressions) => {
    let count = 0
    for await (const entry of suppressions.suppressions({ signal })) {
      count += 1
      const said = entry.text === undefined ? '' : `: ${printable(entry.text)}`
      terminal.tell(`${printable(entry.address)} (${entry.reason}, ${new Date(entry.since).toISOString().slice(0, 10)})${said}`, {
        ...entry,
      })
    }
    if (count === 0) terminal.note('no address is suppressed')
  }),
  row('suppress', 'ADDRESS', 'send no more mail to an address', async (_queue, { words: [address = ''], terminal }, suppressions) => {
    if (canonicalAddress(address) === undefined) {
      throw new UsageError(`"${printable(address)}" is no address: write NAME@DOMAIN`, 'queue suppress')
    }
    await suppressions.suppress({ address, reason: 'operator', since: Date.now() })
    terminal.tell(`${printable(address)} gets no mail from here`, { address })
  }),
  row('unsuppress', 'ADDRESS', 'send mail to an address again', async (_queue, { words: [address = ''], terminal }, suppressions) => {
    if ((await suppressions.suppressed([address])).length === 0)
      throw new Error(`${printable(address)} is not suppressed: "mailwright queue suppressed" shows those that are`)
    await suppressions.unsuppress(address)
    terminal.tell(`${printable(address)} gets mail again`, { address })
  }),
]
