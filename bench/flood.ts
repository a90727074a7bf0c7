/** Ten thousand slow and half-open clients against the whole server, and fifty that want to send meanwhile (RFC 5321 §4.5.3.2, §7.8). */

import { execFileSync } from 'node:child_process'
import { printTable } from './lib/figures.ts'
import { flood } from './lib/flood.ts'
import { mailwright } from './lib/mailwright.ts'
import { residentOf } from './lib/resident.ts'

/** Runs it and prints it. `scale` is the share of the ten thousand. */
export async function floodBench(scale: number): Promise<void> {
  const attackers = Math.round(10_000 * scale)
  const files = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'latin1' }).trim())
  // Both ends of each connection are on this machine, each in a process of its own.
  if (files < attackers + 500) throw new Error(`this machine lets a process open ${files} files: give a smaller --scale`)
  const peer = await mailwright()
  try {
    const before = residentOf(peer.pid)
    let peak = before
    await peer.longestStall()
    const figures = await flood({
      ports: { smtp: peer.smtpPort ?? 0, submissions: peer.submissionsPort, imap: peer.imapPort ?? 0, pop3: peer.pop3Port ?? 0 },
      user: peer.user,
      attackers,
      honest: 50,
      messages: 40,
      progress: line => {
        peak = Math.max(peak, residentOf(peer.pid))
        process.stderr.write(`\r${line} `)
      },
    })
    process.stderr.write('\n')
    const stall = await peer.longestStall()
    printTable(
      ['what', 'figure'],
      [
        ['attackers', `${attackers}; at most ${figures.held} at once behind the greeting`],
        ['thrown out, turned away at the door', `${figures.thrownOut}, ${figures.turnedAway} times`],
        ['messages of 50 honest senders', `${figures.times.length} taken, ${figures.refused.length} refused`],
        ['refused with other than 4xx', String(figures.refused.filter(reply => !/^4\d\d /.test(reply)).length)],
        ['median, p99, longest', [0.5, 0.99, 1].map(share => `${figures.at(share).toFixed(0)} ms`).join(', ')],
        ['server', `${(peak / 1e6).toFixed(0)} MB, ${(before / 1e6).toFixed(0)} before; longest stall ${stall.toFixed(0)} ms`],
      ],
    )
  } finally {
    await peer.stop()
  }
}
