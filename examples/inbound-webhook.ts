/**
 * Hands every message as JSON to an HTTP endpoint, at least once.
 *
 *     npx node --conditions=mailwright-source examples/inbound-webhook.ts https://app.example/inbound example.org
 *
 * Nothing is kept here: a message is accepted only once the endpoint has answered 2xx, and put off otherwise, so that the server
 * that sent it keeps it and tries again. When an answer gets lost the endpoint sees a message twice, with the same `key`.
 */
import { createHash } from 'node:crypto'
import { createMailServer, defer, discard, reject } from 'mailwright'
import type { MailServer, MessageContext } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { memoryStore } from 'mailwright/stores/memory'

/** What the endpoint gets. */
export interface InboundMessage {
  /** The same whenever the same message comes again. */
  readonly key: string
  readonly from: string | null
  readonly to: readonly string[]
  readonly subject: string | null
  readonly text: string | null
  readonly html: string | null
  readonly attachments: readonly { readonly filename: string | null; readonly contentType: string; readonly base64: string }[]
}

/** A server that takes mail for a domain and hands it to an endpoint; not listening yet. */
export async function webhookServer(endpoint: string, domain: string, port = 0): Promise<MailServer> {
  const directory = memoryDirectory()
  await directory.addDomain(domain)
  await directory.addAccount({ address: `inbound@${domain}` })
  await directory.setAlias(`@${domain}`, [`inbound@${domain}`])
  return createMailServer({ hostname: 'localhost', store: memoryStore(), directory, listeners: { smtp: port } }).use({
    name: 'webhook',
    async message(context) {
      const response = await post(endpoint, await inbound(context), context.signal)
      context.trace.note(response === undefined ? 'the endpoint was not reached' : `the endpoint answered ${response}`)
      if (response !== undefined && response >= 200 && response < 300) return discard('handed to the endpoint')
      return response === 422 ? reject('This message is not taken here', '5.6.0') : defer('Please try again later', '4.3.0')
    },
  })
}

async function post(endpoint: string, message: InboundMessage, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { status } = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': message.key },
      body: JSON.stringify(message),
      signal,
    })
    return status
  } catch {
    return undefined
  }
}

async function inbound(context: MessageContext): Promise<InboundMessage> {
  const { sender, recipients = [] } = context.envelope ?? {}
  const to = recipients.map(address => `${address.local}@${address.domain}`)
  const hash = createHash('sha256').update(to.join('\n'))
  for (let at = 0; at < context.source.size; at += 65_536) hash.update(await context.source.read(at, at + 65_536))
  const { subject, text, html, attachments } = await context.parsed()
  return {
    key: hash.digest('base64url'),
    from: sender === undefined ? null : `${sender.local}@${sender.domain}`,
    to,
    subject: subject ?? null,
    text: text ?? null,
    html: html ?? null,
    attachments: attachments.map(({ filename, contentType, content }) => ({
      filename: filename ?? null,
      contentType,
      base64: Buffer.from(content).toString('base64'),
    })),
  }
}

if (import.meta.main) {
  const [endpoint = '', domain = 'example.org'] = process.argv.slice(2)
  if (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) {
    const server = await (await webhookServer(endpoint, domain)).listen()
    console.log(`mail for ${domain} on port ${server.ports.smtp} goes to ${endpoint}`)
    process.once('SIGINT', () => void server.close())
  } else {
    console.error('Usage: inbound-webhook.ts URL [DOMAIN], such as https://app.example/inbound example.org')
    process.exitCode = endpoint === '--help' ? 0 : 1
  }
}
