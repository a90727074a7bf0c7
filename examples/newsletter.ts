/**
 * A newsletter to 10,000 readers: each gets a message of their own, domains are not flooded, progress is shown, and what
 * came of each is known at the end. Stopped half-way and started again, it sends only what was not sent. Run it with one command:
 *
 *     npx node --conditions=mailwright-source examples/newsletter.ts
 *
 * It sends to a server of its own on loopback, so that nobody is bothered; `sendIssue` with your smarthost and a list of your own is the real thing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createMailServer, reject } from 'mailwright'
import type { Directory, MailServer } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { memoryStore } from 'mailwright/stores/memory'
import { sqliteStore } from 'mailwright/stores/sqlite'

export interface NewsletterOptions {
  readonly readers: readonly string[]
  /** Takes all mail, `host` and `port`. */
  readonly smarthost: { readonly host: string; readonly port: number }
  /** Folder for what waits. */
  readonly data: string
  /** Stands in the idempotency key of each message: the same issue is not sent to anybody twice. */
  readonly issue: string
  readonly progress?: (line: string) => void
}

export interface NewsletterResult {
  readonly delivered: number
  readonly failed: number
  /** By domain. */
  readonly domains: ReadonlyMap<string, { readonly delivered: number; readonly failed: number }>
  readonly seconds: number
}

/** Sends an issue and waits until every reader has it or will not get it. */
export async function sendIssue(options: NewsletterOptions): Promise<NewsletterResult> {
  const { readers, smarthost, data, issue, progress = () => undefined } = options
  const began = performance.now()
  const store = sqliteStore({ path: data })
  const nobody: Directory = { serves: async () => false, resolve: async () => ({ kind: 'unknown' }) }
  const server = createMailServer({
    hostname: 'news.example.org',
    store,
    directory: nobody,
    authenticator: { verify: async () => undefined },
    listeners: {},
    outbound: {
      routes: [{ domain: '*', to: smarthost }],
      maxConcurrency: 40,
      // The big ones get more at a time; nobody gets more than 100 messages a second.
      destination: domain => ({ maxConcurrency: domain.startsWith('big') ? 20 : 5, rate: { messages: 1000, per: 10_000 } }),
    },
  })
  server.on('error', ({ error, where }) => progress(`${where}: ${String(error)}`))
  const counts = new Map<string, { delivered: number; failed: number }>()
  let settled = 0
  const count = (recipient: string, kind: 'delivered' | 'failed'): void => {
    const domain = recipient.slice(recipient.lastIndexOf('@') + 1)
    const entry = counts.get(domain) ?? { delivered: 0, failed: 0 }
    entry[kind] += 1
    counts.set(domain, entry)
    settled += 1
    if (settled % 1000 === 0 || settled === readers.length) {
      const rate = Math.round(settled / ((performance.now() - began) / 1000))
      progress(`${settled} of ${readers.length} settled, ${rate} a second`)
    }
  }
  // Asked for before anything is sent, so that no outcome is missed; those settled in an earlier run are counted from the queue.
  const { promise: done, resolve } = Promise.withResolvers<void>()
  server.on('sent', ({ recipient }) => {
    count(recipient, 'delivered')
    if (settled === readers.length) resolve()
  })
  server.on('bounced', ({ recipient }) => {
    count(recipient, 'failed')
    if (settled === readers.length) resolve()
  })
  await server.listen()
  // A few hundred at a time share the disk's work; the queue holds the rest of the worry.
  for (let at = 0; at < readers.length; at += 500) {
    await Promise.all(readers.slice(at, at + 500).map(reader => queueOne(server, reader, issue, count)))
    progress(`${Math.min(at + 500, readers.length)} of ${readers.length} queued`)
  }
  if (settled < readers.length) await done
  await server.close()
  await store.close()
  const domains = [...counts.values()]
  return {
    delivered: domains.reduce((sum, { delivered }) => sum + delivered, 0),
    failed: domains.reduce((sum, { failed }) => sum + failed, 0),
    domains: counts,
    seconds: (performance.now() - began) / 1000,
  }
}

async function queueOne(
  server: MailServer,
  reader: string,
  issue: string,
  count: (recipient: string, kind: 'delivered' | 'failed') => void,
): Promise<void> {
  const sent = await server.send({
    from: 'News <news@example.org>',
    to: reader,
    subject: `Issue ${issue}`,
    text: `Good morning ${reader},\n\nthis is issue ${issue}.\n`,
    headers: {
      'List-Unsubscribe': `<https://news.example.org/leave?reader=${encodeURIComponent(reader)}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      Precedence: 'bulk',
    },
    idempotencyKey: `${issue}:${reader}`,
    // Bounces would come to news@: the outcome is known here without them.
    notify: ['NEVER'],
  })
  if (!sent.repeated) return
  const before = await server.queue?.show(sent.id)
  const state = before?.recipients[0]?.state
  if (state === 'delivered' || state === 'failed') count(reader, state)
}

/** A server that takes mail for everybody but those who have left. */
export async function readersServer(): Promise<MailServer> {
  const directory = memoryDirectory({ accounts: { 'all@readers.example': 'correct horse' } })
  const account = await directory.account('all@readers.example')
  if (account === undefined) throw new Error('the account is not there')
  return createMailServer({
    hostname: 'mx.readers.example',
    store: memoryStore(),
    directory: {
      serves: async () => true,
      resolve: async () => ({ kind: 'account', account }),
      verify: directory.verify.bind(directory),
    },
    listeners: { smtp: 0 },
  })
    .use({
      name: 'left',
      recipient: async ({ recipient }, next) => (/^left\d+$/.test(recipient.local) ? reject('Has left', '5.1.1') : next()),
    })
    .listen()
}

/** Readers in a few big and many small domains; one in a hundred has left. */
export function readerList(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => {
    const domain = at % 3 === 0 ? `big${at % 4}.example` : `small${at % 97}.example`
    return `${at % 100 === 99 ? 'left' : 'reader'}${at}@${domain}`
  })
}

const help = `Usage: npx node --conditions=mailwright-source examples/newsletter.ts [options]

  --readers N    how many readers (default 10000)
  --issue NAME   which issue; what was sent of it is not sent again (default 7)
  --data DIR     folder for what waits (default: one that is removed at the end)
  --help         this text
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      readers: { type: 'string', default: '10000' },
      data: { type: 'string' },
      issue: { type: 'string', default: '7' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return
  }
  if (!/^[1-9]\d{0,6}$/.test(values.readers)) throw new Error(`--readers takes a number from 1 on, not "${values.readers}"`)
  const data = values.data ?? mkdtempSync(join(tmpdir(), 'newsletter-'))
  const readers = await readersServer()
  const result = await sendIssue({
    readers: readerList(Number(values.readers)),
    smarthost: { host: '127.0.0.1', port: readers.ports.smtp ?? 0 },
    data,
    issue: values.issue,
    progress: line => console.log(line),
  })
  await readers.close()
  if (values.data === undefined) rmSync(data, { recursive: true })
  const worst = [...result.domains]
    .toSorted(([, one], [, other]) => other.delivered + other.failed - one.delivered - one.failed)
    .slice(0, 6)
  for (const [domain, { delivered, failed }] of worst) console.log(`  ${domain.padEnd(18)} ${delivered} delivered, ${failed} failed`)
  console.log(`${result.delivered} delivered, ${result.failed} failed, in ${result.seconds.toFixed(1)} s`)
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(`newsletter: ${error instanceof Error ? error.message : String(error)}`)
    console.error('newsletter: --help shows the options')
    process.exitCode = 1
  })
}
