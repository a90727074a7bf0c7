/**
 * A throw-away mail server for the tests of an application: everything sent to it lands in one inbox.
 *
 *     npx node --conditions=mailwright-source examples/test-inbox.ts
 *
 * Run by itself, it sends a message to its own inbox and prints what came.
 */
import { createTransport } from 'nodemailer'
import { createMailServer, discard } from 'mailwright'
import type { ParsedMessage } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { memoryStore } from 'mailwright/stores/memory'

/** What is waited for; every part that is given must fit. */
export interface Wanted {
  readonly subject?: string | RegExp
  /** Milliseconds to wait. Default 5,000. */
  readonly within?: number
}

/** An inbox that is open until it is disposed of. */
export interface TestInbox extends AsyncDisposable {
  /** Where the application sends to, with any sender. */
  readonly port: number
  /** Any address in this domain is taken. */
  readonly domain: string
  /** The oldest message that fits and was not given out yet. Rejects when none comes in time. */
  next(wanted?: Wanted): Promise<ParsedMessage>
}

/** Opens an inbox on a free port of this machine. */
export async function testInbox(domain = 'inbox.test'): Promise<TestInbox> {
  const directory = memoryDirectory()
  await directory.addDomain(domain)
  await directory.addAccount({ address: `all@${domain}` })
  await directory.setAlias(`@${domain}`, [`all@${domain}`])
  const waiting: { fits: (message: ParsedMessage) => boolean; take: (message: ParsedMessage) => void }[] = []
  const unread: ParsedMessage[] = []
  const server = createMailServer({ hostname: 'localhost', store: memoryStore(), directory, listeners: { smtp: 0 } }).use({
    name: 'test-inbox',
    async message(context) {
      const message = await context.parsed()
      const at = waiting.findIndex(({ fits }) => fits(message))
      if (at === -1) unread.push(message)
      else waiting.splice(at, 1)[0]?.take(message)
      return discard('given to the test')
    },
  })
  await server.listen()
  return {
    port: server.ports.smtp ?? 0,
    domain,
    next({ subject, within = 5000 } = {}) {
      const fits = (message: ParsedMessage): boolean =>
        subject === undefined || (typeof subject === 'string' ? message.subject === subject : subject.test(message.subject ?? ''))
      const at = unread.findIndex(message => fits(message))
      const [found] = at === -1 ? [] : unread.splice(at, 1)
      if (found !== undefined) return Promise.resolve(found)
      const { promise, resolve, reject } = Promise.withResolvers<ParsedMessage>()
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1)
        reject(new Error(`no message${subject === undefined ? '' : ` with the subject ${String(subject)}`} came within ${within} ms`))
      }, within)
      const waiter = {
        fits,
        take(message: ParsedMessage): void {
          clearTimeout(timer)
          resolve(message)
        },
      }
      waiting.push(waiter)
      return promise
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

if (import.meta.main) {
  await using inbox = await testInbox()
  const application = createTransport({ host: '127.0.0.1', port: inbox.port, ignoreTLS: true })
  await application.sendMail({ from: 'shop@example.org', to: 'ann@inbox.test', subject: 'Your order', text: 'It is on its way.' })
  application.close()
  const { subject, text } = await inbox.next({ subject: /order/ })
  console.log(`${subject}: ${text?.trim()}`)
}
