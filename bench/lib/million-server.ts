/** A server with one account whose INBOX has as many messages as it is told; nothing of them exists but their numbers and flags. */

import { createMailServer } from 'mailwright'
import type { MailAccount, Mailbox, MailStore, MessageRecord, ModSeq, Uid } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { memoryStore } from 'mailwright/stores/memory'

const [count = '', user = '', password = ''] = process.argv.slice(2)
const messages = Number(count)
const PAGE = 1000

function page(first: number): MessageRecord[] {
  return Array.from({ length: Math.min(PAGE, messages - first + 1) }, (_, at) => ({
    uid: (first + at) as Uid,
    modSeq: (first + at) as ModSeq,
    flags: at % 3 === 0 ? ['\\Seen'] : [],
    size: 4096,
    internalDate: 0,
  }))
}

/** The same object but for some of its methods. */
function but<T extends object>(object: T, other: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(Reflect.has(other, name) ? other : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function large(mailbox: Mailbox): Mailbox {
  return but(mailbox, {
    status: async () => ({ ...(await mailbox.status()), messages, uidNext: (messages + 1) as Uid, highestModSeq: messages as ModSeq }),
    async *records() {
      for (let first = 1; first <= messages; first += PAGE) {
        // As a store does that reads from a disk: others have their turn between pages.
        await new Promise(resolve => setImmediate(resolve))
        yield page(first)
      }
    },
  })
}

const store = memoryStore()
const directory = memoryDirectory()
await directory.addDomain(user.slice(user.indexOf('@') + 1))
await directory.addAccount({ address: user, password })
const largeStore: MailStore = but<MailStore>(store, {
  open: async (...args) => {
    const account = await store.open(...args)
    return but<MailAccount>(account, { mailbox: id => large(account.mailbox(id)) })
  },
})
const server = createMailServer({
  hostname: 'mail.bench.example',
  store: largeStore,
  directory,
  listeners: { imap: 0 },
  allowPlaintextLogin: 'loopback',
})
await server.listen()
console.log(JSON.stringify({ ports: server.ports }))
// Loading leaves room in the heap that would hide what comes later.
process.on('SIGUSR2', () => globalThis.gc?.())
