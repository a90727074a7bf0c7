/** The commands about mail that filters put aside: what there is, and letting it out. RFC 5321 §4.4; RFC 6154 §2. */

import { MailError } from '../contracts/index.ts'
import type { Account, MailStore } from '../contracts/index.ts'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import { quarantined, releaseMessage } from '../filters/quarantine/index.ts'
import type { AsideMailbox, QuarantinedMessage } from '../filters/quarantine/index.ts'
import { idMoment, printable } from '../pipeline/index.ts'
import { personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { countOption } from './usage.ts'

/** Without a word for it: the quarantine of those who have one, and Junk, which filters put mail aside in otherwise. */
const ASIDE: readonly AsideMailbox[] = ['Quarantine', { specialUse: 'Junk' }]

/** What a command does with the accounts that are meant. */
type Work = (store: MailStore, accounts: readonly Account[], aside: readonly AsideMailbox[], call: Call) => Promise<void>

async function withAccounts(call: Call, work: Work): Promise<void> {
  const { data, options } = call
  const files = personalFiles(data)
  const directory = sqliteDirectory({ path: files.directory })
  try {
    const user = typeof options['user'] === 'string' ? options['user'] : undefined
    const one = user === undefined ? undefined : await directory.account(user)
    if (user !== undefined && one === undefined) {
      throw new MailError('no-such-account', `there is no account ${user}: "mailwright user list" shows those there are`)
    }
    const store = sqliteStore({ path: files.mail })
    try {
      // Looking into an account that has no mail yet would begin it.
      const begun = new Set(await store.accounts())
      const accounts = (one === undefined ? await directory.accounts() : [one]).filter(({ id }) => begun.has(id))
      await work(store, accounts, typeof options['mailbox'] === 'string' ? [options['mailbox']] : ASIDE, call)
    } finally {
      await store.close()
    }
  } finally {
    directory.close()
  }
}

const list: Work = async (store, accounts, aside, { options, terminal, signal }) => {
  const last = countOption(options, 'last', 20)
  const found: { readonly account: string; readonly message: QuarantinedMessage }[] = []
  for (const { id, address } of accounts) {
    for (const from of aside) {
      // One more than is shown, so that it can be said that there are more.
      for await (const message of quarantined(store, id, { from, last: last + 1, signal })) found.push({ account: address, message })
    }
  }
  found.sort((one, other) => byArrival(one.message, other.message))
  if (found.length === 0) terminal.note('nothing is put aside')
  if (found.length > last) terminal.note(`there is more: --last ${last * 10} shows more of it`)
  for (const { account, message } of found.slice(-last)) terminal.tell(textOf(account, message), { account, ...message })
}

/** Stores keep whole seconds; within one, across mailboxes, ids tell the moment. Sorting keeps the order of a mailbox. */
function byArrival(one: QuarantinedMessage, other: QuarantinedMessage): number {
  return one.receivedAt - other.receivedAt || idMoment(one.id ?? '') - idMoment(other.id ?? '')
}

function textOf(account: string, { id = '(no id)', mailbox, receivedAt, size, author, subject }: QuarantinedMessage): string {
  const head = `${new Date(receivedAt).toISOString()}  ${id}  ${printable(account)}  ${printable(mailbox)}  ${size} octets`
  return `${head}\n    from ${short(author)}\n    about ${short(subject)}`
}

/** Headers are as long as their writers like. */
function short(text: string): string {
  const line = printable(text)
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

const release: Work = async (store, accounts, aside, { words: [id = ''], options, terminal, signal }) => {
  const to = typeof options['to'] === 'string' ? options['to'] : 'INBOX'
  let released = 0
  for (const account of accounts) {
    for (const from of aside) {
      if (!(await releasedTo(store, account, id, { from, to, signal }))) continue
      released++
      terminal.tell(`${id} is in ${printable(to)} of ${printable(account.address)}`, { id, account: account.address, mailbox: to })
    }
  }
  if (released > 0) return
  throw new Error(`no message ${printable(id)} is put aside: "mailwright quarantine list" shows those there are`)
}

async function releasedTo(
  store: MailStore,
  account: Account,
  id: string,
  options: { readonly from: AsideMailbox; readonly to: string; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    return await releaseMessage(store, account.id, id, options)
  } catch (error) {
    if (!(error instanceof MailError) || error.kind !== 'no-such-mailbox') throw error
    throw new MailError(error.kind, `${account.address} has no mailbox ${printable(options.to)}: --to takes one that is there`)
  }
}

const WHERE: Command['options'] = [
  { name: 'user', value: 'ADDRESS', text: 'in this account only (default: in all)' },
  { name: 'mailbox', value: 'NAME', text: 'where it lies (default: Quarantine, and Junk)' },
]

/** The commands of the quarantine. */
export const QUARANTINE_COMMANDS: readonly Command[] = [
  {
    name: 'quarantine list',
    takes: '',
    text: 'mail that was put aside',
    more: 'The latest comes last. "mailwright explain ID" says why it was put aside; what people moved to Junk themselves is listed too.',
    options: [...WHERE, { name: 'last', value: 'N', text: 'how many of the latest (default 20)' }, ...COMMON],
    arity: [0, 0],
    needs: ['accounts', 'mail'],
    run: call => withAccounts(call, list),
  },
  {
    name: 'quarantine release',
    takes: 'ID',
    text: 'move a message that was put aside to the inbox',
    more: 'An id stands in "mailwright quarantine list", in the first Received field of the message and in the reply that took it. The message goes to\nthe inbox of each account in which it was put aside. No filter looks at it again; those that learn from what people sort do so.',
    options: [...WHERE, { name: 'to', value: 'NAME', text: 'where it goes (default INBOX)' }, ...COMMON],
    arity: [1, 1],
    needs: ['accounts', 'mail'],
    run: call => withAccounts(call, release),
  },
]
