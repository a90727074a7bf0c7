/** Messages of 4 KiB to Postfix's `smtp-sink` over 1 and 10 sessions, by our client and by nodemailer's SMTPConnection, in the same run. */

import { spawn } from 'node:child_process'
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { socketDialer, systemClock } from 'mailwright/net'
import { openSession } from 'mailwright/outbound'
import type { OutgoingMessage } from 'mailwright/outbound'
import { median, printTable } from './lib/figures.ts'
import { freePort, listening } from './lib/ports.ts'

const octets: Uint8Array = new TextEncoder().encode(
  `From: <ann@us.example>\r\nTo: <bob@mx.example>\r\nSubject: four kibioctets\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(56)}`.slice(0, 4094) +
    '\r\n',
)
const wanted: OutgoingMessage = {
  envelope: { from: 'ann@us.example', eightBit: false },
  recipients: [{ address: 'bob@mx.example' }],
  content: { size: octets.length, read: (start, end) => octets.subarray(start, end) },
}

async function ours(port: number, count: number): Promise<void> {
  const opened = await openSession({
    dialer: socketDialer(),
    clock: systemClock,
    hop: { host: 'sink', address: '127.0.0.1', port, flavour: 'smtp', ehloName: 'us.example' },
    tls: { level: 'none', source: 'none', serverName: 'sink' },
  })
  if (opened.kind === 'refused') throw new Error(opened.status.text)
  for (let n = 0; n < count; n++) {
    const { outcomes } = await opened.session.send(wanted)
    if (outcomes[0]?.kind !== 'delivered') throw new Error(outcomes[0]?.status.text)
  }
  opened.session.quit()
}

async function nodemailers(port: number, count: number): Promise<void> {
  const connection = new SMTPConnection({ host: '127.0.0.1', port, name: 'us.example', ignoreTLS: true })
  await new Promise<void>((resolve, reject) => {
    connection.on('error', reject)
    connection.connect(() => resolve())
  })
  const body = Buffer.from(octets)
  for (let n = 0; n < count; n++)
    await new Promise<void>((resolve, reject) => {
      connection.send({ from: 'ann@us.example', to: ['bob@mx.example'] }, body, error => (error === null ? resolve() : reject(error)))
    })
  connection.quit()
}

const clients = { mailwright: ours, 'nodemailer SMTPConnection': nodemailers }

/** Both clients, as a table. */
export async function outboundClient(rounds: number, scale: number): Promise<void> {
  const messages = Math.ceil(4000 * scale)
  const port = await freePort()
  // Started by root, it wants to be somebody else.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const sink = spawn('smtp-sink', [...user, `127.0.0.1:${port}`, '1000'], { stdio: 'ignore' })
  try {
    await listening(port)
    const rows: string[][] = []
    for (const sessions of [1, 10]) {
      const seen = new Map<string, { readonly rate: number; readonly cpu: number }[]>()
      for (let round = 0; round <= rounds; round++)
        for (const [name, client] of Object.entries(clients)) {
          const begun = performance.now()
          const cpu = process.cpuUsage()
          await Promise.all(Array.from({ length: sessions }, () => client(port, Math.ceil(messages / sessions))))
          const { user, system } = process.cpuUsage(cpu)
          // The first round warms up.
          if (round > 0)
            seen.set(name, [
              ...(seen.get(name) ?? []),
              { rate: (messages / (performance.now() - begun)) * 1000, cpu: (user + system) / 1000 / messages },
            ])
        }
      const base = median((seen.get('nodemailer SMTPConnection') ?? []).map(one => one.cpu))
      for (const [name, figures] of seen) {
        const cpu = median(figures.map(one => one.cpu))
        rows.push([String(sessions), name, median(figures.map(one => one.rate)).toFixed(0), cpu.toFixed(3), (base / cpu).toFixed(2)])
      }
    }
    printTable(['sessions', 'client', 'messages/s', 'CPU ms/message', 'per CPU against SMTPConnection'], rows)
  } finally {
    sink.kill('SIGTERM')
  }
}
