/** Sends a test message through the front door and waits until it lies in a mailbox. RFC 5321 §4.1.1; RFC 5322 §3.6. */

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Dialer } from '../../contracts/index.ts'
import type { ArrivalFacts } from './facts.ts'
import { Talk } from './talk.ts'
import type { TalkReply } from './talk.ts'

/** Looks into the mailboxes of the one who gets the message. */
export interface Lookout extends AsyncDisposable {
  /** Remembers what is there already. */
  begin(): Promise<void>
  /** Name of the mailbox that has a message with this token at its top; `undefined` while none has. */
  find(token: string): Promise<string | undefined>
}

/** Where to send, and where to look. */
export interface ArrivalOptions {
  readonly dialer: Dialer
  readonly address: string
  readonly port: number
  /** Whom to write to. */
  readonly to: string
  readonly lookout: Lookout
  /** Milliseconds until it counts as lost. Default 15,000. */
  readonly patienceMs?: number
  readonly now?: () => number
}

const PAUSE = 200

/** Throws when the server cannot be talked to. */
export async function sendAndAwait(options: ArrivalOptions): Promise<ArrivalFacts> {
  const { to, patienceMs = 15_000, now = () => performance.now() } = options
  await using lookout = options.lookout
  await lookout.begin()
  const token = randomUUID()
  const refusal = await send(options, token)
  if (refusal !== undefined) return { to, ...refusal }
  const start = now()
  for (;;) {
    const mailbox = await lookout.find(token)
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
