/** Sends a test message through the front door and waits until it lies in a mailbox. RFC 5321 §4.1.1; RFC 5322 §3.6. */

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { latin1Text } from '../../bytes/index.ts'
import { ALL_UIDS } from '../../contracts/index.ts'
import type { Dialer, MailAccount, MailStore, UidRange } from '../../contracts/index.ts'
import type { ArrivalFacts } from './facts.ts'
import { Talk } from './talk.ts'
import type { TalkReply } from './talk.ts'

/** Where to send, and where to look. */
export interface ArrivalOptions {
  readonly dialer: Dialer
  readonly address: string
  readonly port: number
  /** Whom to write to. */
  readonly to: string
  readonly account: string
  /** The store that the server delivers to. */
  readonly store: MailStore
  /** Milliseconds until it counts as lost. Default 15,000. */
  readonly patienceMs?: number
  readonly now?: () => number
}

/** Octets of a message in which its token is looked for: it stands at the top. */
const HEAD = 16_384
const PAUSE = 200

/** Throws when the server cannot be talked to. */
export async function sendAndAwait(options: ArrivalOptions): Promise<ArrivalFacts> {
  const { store, to, patienceMs = 15_000, now = () => performance.now() } = options
  const account = await store.open(options.account)
  const before = await heights(account)
  const token = randomUUID()
  const refusal = await send(options, token)
  if (refusal !== undefined) return { to, ...refusal }
  const start = now()
  for (;;) {
    const mailbox = await find(account, before, token)
    const ms = Math.round(now() - start)
    if (mailbox !== undefined || ms > patienceMs) return { to, mailbox, ms }
    await wait(PAUSE)
  }
}

type Refusal = { readonly refused: string; readonly forNow: boolean } | undefined

/** Sends; answers what was refused, if anything was. */
async function send({ dialer, address, port, to }: ArrivalOptions, token: string): Promise<Refusal> {
  const talk = await Talk.begin(dialer, address, port, 30_000)
  try {
    const steps: readonly (readonly [step: string, wanted: number, ask: () => Promise<TalkReply>])[] = [
      ['the connection', 220, () => talk.reply()],
      ['EHLO', 250, () => talk.ask(`EHLO ${talk.literal}`)],
      // The null sender: nothing comes back to anybody, and no policy of a domain is broken.
      ['the null sender', 250, () => talk.ask('MAIL FROM:<>')],
      ['the recipient', 250, () => talk.ask(`RCPT TO:<${to}>`)],
      ['DATA', 354, () => talk.ask('DATA')],
      ['the message', 250, () => talk.ask([...testMessage(to, token), '.'].join('\r\n'))],
    ]
    for (const [step, wanted, ask] of steps) {
      const { code, lines } = await ask()
      if (code !== wanted) return { refused: `${step} with ${code} ${lines.join(' ')}`, forNow: code < 500 }
    }
    return undefined
  } finally {
    await talk.leave('QUIT')
  }
}

function testMessage(to: string, token: string): readonly string[] {
  return [
    'From: mailwright doctor <doctor@doctor.invalid>',
    `To: <${to}>`,
    'Subject: Test message of the doctor',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${token}@doctor.invalid>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This message was sent by "mailwright doctor" to see whether mail arrives.',
    'It did. You can delete it.',
  ]
}

/** The next UID of each mailbox: only what comes after it can be the message. */
async function heights(account: MailAccount): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const { id } of await account.mailboxes()) found.set(id, (await account.mailbox(id).status()).uidNext)
  return found
}

async function find(account: MailAccount, before: ReadonlyMap<string, number>, token: string): Promise<string | undefined> {
  const [all] = ALL_UIDS
  if (all === undefined) return undefined
  for (const { id, name } of await account.mailboxes()) {
    const mailbox = account.mailbox(id)
    const first = (before.get(id) ?? 1) as UidRange['first']
    if ((await mailbox.status()).uidNext <= first) continue
    for await (const page of mailbox.records([{ first, last: all.last }], ['source'])) {
      for (const { source } of page) {
        if (source === undefined) continue
        if (latin1Text(await source.read(0, HEAD)).includes(token)) return name
      }
    }
  }
  return undefined
}
