/**
 * Three filters at work: one rejects, one quarantines to Junk, one rewrites a header. Each decision is printed with its trace.
 *
 *     npx node --conditions=mailwright-source examples/filter-middleware.ts
 *
 * The server lives in memory, on a free port, until the three messages are through.
 */
import { createTransport } from 'nodemailer'
import { createMailServer, quarantine, reject } from 'mailwright'
import type { Middleware } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { memoryStore } from 'mailwright/stores/memory'

/** Rejects: the sender is told, nothing is kept. */
const noExecutables: Middleware = {
  name: 'no-executables',
  async message(context, next) {
    const { attachments } = await context.parsed()
    const program = attachments.find(({ filename }) => filename?.toLowerCase().endsWith('.exe'))
    if (program === undefined) return next()
    context.trace.note(`attachment ${program.filename}, ${program.size} octets`)
    return reject('We do not take executable files', '5.7.1')
  },
}

/** Quarantines: the sender is told nothing, the message lies in Junk. */
const lotteries: Middleware = {
  name: 'lotteries',
  async message(context, next) {
    const subject = context.header('Subject') ?? ''
    if (!/lottery|jackpot/i.test(subject)) return next()
    context.trace.note(`subject "${subject}"`)
    return quarantine('a lottery nobody took part in')
  },
}

/** Rewrites: what is below and what is stored has the new subject; what came stays readable through `context.source`. */
const outsideMark: Middleware = {
  name: 'outside-mark',
  async message(context, next) {
    if (context.envelope?.sender?.domain === 'example.org') return next()
    context.edits.replace('Subject', `[outside] ${context.header('Subject') ?? ''}`)
    context.trace.note('marked as from outside')
    return next()
  },
}

const directory = memoryDirectory()
await directory.addDomain('example.org')
await directory.addAccount({ address: 'ann@example.org', password: 'correct horse' })
const store = memoryStore()
const server = createMailServer({ hostname: 'mx.example.org', store, directory, listeners: { smtp: 0 } })

// Outermost first: a message is looked at by noExecutables, then lotteries, then outsideMark.
server.use(noExecutables, lotteries, outsideMark)

server.on('message', ({ verdict, trace }) => {
  console.log(`  decided: ${verdict.kind}`)
  for (const entry of trace) {
    const evidence = entry.evidence.length === 0 ? '' : `: ${entry.evidence.join('; ')}`
    console.log(`    ${entry.phase} / ${entry.middleware} said ${entry.verdict.kind}${evidence}`)
  }
})

await server.listen()
const client = createTransport({ host: '127.0.0.1', port: server.ports.smtp, ignoreTLS: true })

for (const [subject, attachments] of [
  ['Dinner on Friday?', []],
  ['You won the lottery', []],
  ['Your invoice', [{ filename: 'invoice.exe', content: 'MZ...' }]],
] as const) {
  console.log(`"${subject}"`)
  try {
    const { response } = await client.sendMail({
      from: 'zoe@far.example',
      to: 'ann@example.org',
      subject,
      text: 'Hello Ann',
      attachments: [...attachments],
    })
    console.log(`  the sender reads: ${response.replace(/ id .*/, '')}`)
  } catch (error) {
    console.log(`  the sender reads: ${(error as { readonly response?: string }).response}`)
  }
}
client.close()

const account = await directory.account('ann@example.org')
if (account !== undefined) {
  const mail = await store.open(account.id)
  for (const { id, name } of await mail.mailboxes()) {
    const { messages } = await mail.mailbox(id).status()
    console.log(`${name}: ${messages}`)
  }
}
await server.close()
