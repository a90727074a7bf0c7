/**
 * Durable delivery: messages accepted over SMTP or LMTP until they lie in the mailbox, ours beside Postfix and Dovecot in the
 * same run, with `smtp-source` (Debian's postfix package) as the load. Rates are medians; CPU is the server's alone.
 */

import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { dovecot } from './lib/dovecot.ts'
import { median, printTable } from './lib/figures.ts'
import { mailwright, type OwnPeer } from './lib/mailwright.ts'
import type { Peer } from './lib/peer.ts'
import { postfix } from './lib/postfix.ts'

const run = promisify(execFile)

/** Before the messages that are counted, this many times as many that are not: what is measured is a server that has been running. */
const WARM_UP = 3

/** Messages of any size until no more of our code is being compiled: after 15,000 a message still takes a tenth more than after 25,000. */
const COMPILED = 25_000

interface Cell {
  readonly sessions: number
  readonly size: number
  readonly messages: number
}

interface Row {
  readonly rate: number
  readonly cpuPer1000: number
  readonly resident: number
}

/** One run: load until everything is delivered. */
async function once(peer: Peer, cell: Cell, lmtp: boolean): Promise<Row> {
  const before = await peer.delivered()
  const cpu = peer.group.seconds()
  const start = performance.now()
  const words = [
    '-s',
    String(cell.sessions),
    '-m',
    String(cell.messages),
    '-l',
    String(cell.size),
    '-d',
    '-f',
    'load@elsewhere.example',
    '-t',
    peer.user,
  ]
  if (lmtp) words.push('-L')
  await run('smtp-source', [...words, `inet:127.0.0.1:${lmtp ? peer.lmtpPort : peer.smtpPort}`])
  for (;;) {
    // Read before the count, which is a login with its password's hash where it goes over IMAP: that is no part of delivering.
    const seconds = (performance.now() - start) / 1000
    const spent = peer.group.seconds() - cpu
    if ((await peer.delivered()) >= before + cell.messages)
      return { rate: cell.messages / seconds, cpuPer1000: (spent / cell.messages) * 1000, resident: peer.group.resident() }
    if (seconds > 300) throw new Error(`${peer.name} did not deliver everything in 5 minutes`)
    await sleep(20)
  }
}

/** What the middle of the runs was, for each figure. */
function middle(runs: readonly Row[]): Omit<Row, 'resident'> {
  return { rate: median(runs.map(row => row.rate)), cpuPer1000: median(runs.map(row => row.cpuPer1000)) }
}

const isOurs = (name: string): boolean => name.startsWith('mailwright')

/** The best figure of each kind among the servers beside ours, whichever of them it is. */
function bestOfOthers(rows: ReadonlyMap<string, readonly Row[]>): Omit<Row, 'resident'> {
  const others = [...rows].filter(([name]) => !isOurs(name)).map(([, runs]) => middle(runs))
  return { rate: Math.max(...others.map(({ rate }) => rate)), cpuPer1000: Math.min(...others.map(({ cpuPer1000 }) => cpuPer1000)) }
}

/** Runs every cell on every peer, one round after another, so that all meet the same noise. */
export async function receive(rounds: number, scale: number, only: readonly string[]): Promise<void> {
  const all: Cell[] = [
    { sessions: 10, size: 4096, messages: 5000 },
    { sessions: 50, size: 4096, messages: 5000 },
    { sessions: 10, size: 102_400, messages: 2000 },
    { sessions: 50, size: 102_400, messages: 2000 },
  ]
  const cells = all.filter(cell => only.length === 0 || only.includes(`${cell.sessions}x${cell.size}`))
  const contenders: readonly { readonly start: () => Promise<Peer | OwnPeer>; readonly lmtp: boolean; readonly share: number }[] = [
    { start: () => mailwright(), lmtp: false, share: 1 },
    { start: () => mailwright(), lmtp: true, share: 1 },
    { start: () => postfix(), lmtp: false, share: 0.3 },
    { start: () => dovecot('maildir'), lmtp: true, share: 0.3 },
    { start: () => dovecot('mdbox'), lmtp: true, share: 0.3 },
  ]
  const table: string[][] = []
  const stalls: number[] = []
  for (const cell of cells) {
    const rows = new Map<string, Row[]>()
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) {
        const peer = await contender.start()
        const name = `${peer.name} ${contender.lmtp ? 'lmtp' : 'smtp'}`
        try {
          const messages = Math.max(50, Math.round(cell.messages * contender.share * scale))
          const before = Math.round(COMPILED * scale) - messages * WARM_UP
          if (isOurs(peer.name) && before > 0) await once(peer, { ...cell, size: 4096, messages: before }, contender.lmtp)
          await once(peer, { ...cell, messages: messages * WARM_UP }, contender.lmtp)
          if ('longestStall' in peer) await peer.longestStall()
          const row = await once(peer, { ...cell, messages }, contender.lmtp)
          if ('longestStall' in peer) stalls.push(await peer.longestStall())
          rows.set(name, [...(rows.get(name) ?? []), row])
          process.stderr.write(
            `${cell.sessions} sessions, ${cell.size} octets, round ${round + 1}: ${name} ${row.rate.toFixed(0)}/s, ${row.cpuPer1000.toFixed(2)} CPU s/1000\n`,
          )
        } finally {
          await peer.stop()
        }
      }
    }
    const best = bestOfOthers(rows)
    for (const [name, runs] of rows) {
      const { rate, cpuPer1000 } = middle(runs)
      table.push([
        `${cell.sessions} x ${cell.size}`,
        name,
        rate.toFixed(0),
        runs.map(row => row.rate.toFixed(0)).join(', '),
        cpuPer1000.toFixed(2),
        (median(runs.map(row => row.resident)) / 1e6).toFixed(0),
        isOurs(name) ? `${(rate / best.rate).toFixed(1)}x, ${(cpuPer1000 / best.cpuPer1000).toFixed(2)}` : '',
      ])
    }
  }
  printTable(
    ['sessions x octets', 'server', 'delivered/s', 'runs', 'server CPU s per 1000', 'RSS MB', 'of the best other: rate, CPU'],
    table,
  )
  console.log(`longest stall of our event loop in each run: ${stalls.map(ms => `${ms.toFixed(1)} ms`).join(', ')}`)
}
