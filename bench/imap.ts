/**
 * Reading a large mailbox over IMAP, ours beside Dovecot in the same run: wall time and the server's CPU for each operation,
 * medians. "first" is after a restart with caches forgotten, "again" right after. Every server first serves the same commands on
 * another mailbox, so that what is measured is a server that has been running and not the compilation of its code.
 */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, printTable } from './lib/figures.ts'
import { dovecot } from './lib/dovecot.ts'
import { ImapClient, type ImapAccount } from './lib/imap-client.ts'
import { message } from './lib/corpus.ts'
import { mailwright, type OwnPeer } from './lib/mailwright.ts'
import type { Peer } from './lib/peer.ts'

/** The mailbox for warming up, the messages in it, and how often everything is done with it before it counts. */
const WARM = 'Warm'
const WARM_MESSAGES = 5000
const WARM_ROUNDS = 12

/** Fills a mailbox through APPEND: in one command where the server can, else pipelined. */
async function fill(account: ImapAccount, mailbox: string, numbers: { readonly from: number; readonly count: number }): Promise<void> {
  const client = await ImapClient.login(account)
  const capability = (await client.run('CAPABILITY')).toString('latin1')
  const batch = 200
  const end = numbers.from + numbers.count
  for (let from = numbers.from; from < end; from += batch) {
    const to = Math.min(end, from + batch)
    const pieces: Buffer[] = []
    const multi = capability.includes('MULTIAPPEND')
    let last = ''
    if (multi) pieces.push(Buffer.from(`m${from} APPEND ${mailbox}`))
    for (let n = from; n < to; n++) {
      const octets = message(n)
      const flags = n % 3 === 0 ? '(\\Seen)' : '()'
      if (multi) pieces.push(Buffer.from(` ${flags} {${octets.length}+}\r\n`), octets)
      else pieces.push(Buffer.from(`m${n} APPEND ${mailbox} ${flags} {${octets.length}+}\r\n`), octets, Buffer.from('\r\n'))
      last = multi ? `m${from}` : `m${n}`
    }
    if (multi) pieces.push(Buffer.from('\r\n'))
    await client.raw(Buffer.concat(pieces), last)
  }
  client.close()
}

interface Reading {
  readonly wall: number
  readonly cpu: number
}

/** Times one piece of work. */
async function timed(peer: Peer, work: () => Promise<unknown>): Promise<Reading> {
  const cpu = peer.group.seconds()
  const start = performance.now()
  await work()
  const wall = performance.now() - start
  return { wall, cpu: (peer.group.seconds() - cpu) * 1000 }
}

/** What is measured, in this order. "first" and "again" differ in nothing but that. */
function operations(count: number): readonly (readonly [name: string, command: string])[] {
  const some = Math.min(1000, count)
  return [
    ['FETCH 1:* ENVELOPE BODYSTRUCTURE first', 'FETCH 1:* (ENVELOPE BODYSTRUCTURE)'],
    ['FETCH 1:* ENVELOPE BODYSTRUCTURE again', 'FETCH 1:* (ENVELOPE BODYSTRUCTURE)'],
    ['FETCH 1:* (UID FLAGS)', 'FETCH 1:* (UID FLAGS)'],
    [`FETCH ${some} bodies`, `FETCH 1:${some} (BODY.PEEK[])`],
    ['STORE 1:* +FLAGS', 'STORE 1:* +FLAGS (\\Flagged)'],
    ['STORE 1:* -FLAGS.SILENT', 'STORE 1:* -FLAGS.SILENT (\\Flagged)'],
    ['SEARCH SUBJECT', 'SEARCH SUBJECT budget'],
    ['SEARCH UNSEEN SINCE', 'SEARCH UNSEEN SINCE 1-Feb-2024'],
    [`COPY ${some}`, `COPY 1:${some} Copy`],
  ]
}

/** Makes the mailbox that is copied to; a run that was cut short may have left one. */
async function emptyCopy(client: ImapClient): Promise<void> {
  await client.run('DELETE Copy').catch(() => undefined)
  await client.run('CREATE Copy')
}

/** Runs everything on a mailbox that is not measured. */
async function warmUp(account: ImapAccount): Promise<void> {
  const client = await ImapClient.login(account)
  client.keep = false
  await emptyCopy(client)
  for (let round = 0; round < WARM_ROUNDS; round++) {
    await client.run(`SELECT ${WARM}`)
    for (const [, command] of operations(WARM_MESSAGES)) await client.run(command)
  }
  await client.run('DELETE Copy')
  client.close()
}

type Note = (name: string, reading: Reading) => void

/** One round: a client that selects the mailbox and runs it all. */
async function round(peer: Peer, account: ImapAccount, count: number, note: Note): Promise<void> {
  const client = await ImapClient.login(account)
  await emptyCopy(client)
  await client.run('SELECT INBOX')
  client.keep = false
  for (const [name, command] of operations(count)) note(name, await timed(peer, () => client.run(command)))
  for (let n = 0; n < 5; n++) {
    const select = async (): Promise<void> => {
      const another = await ImapClient.login(account)
      await another.run('SELECT INBOX')
      another.close()
    }
    note('LOGIN + SELECT', await timed(peer, select))
  }
  await client.run('DELETE Copy')
  client.close()
}

/** How `imap` is run. */
export interface ImapBench {
  readonly rounds: number
  readonly messages: number
  /** Where the loaded mailboxes stay from one run to the next; without it each run loads them anew. */
  readonly data?: string | undefined
  /** Only load. */
  readonly prepare: boolean
}

/** Loads where that is still to be done, then reads, `rounds` times. */
export async function imap({ rounds, messages, data, prepare }: ImapBench): Promise<void> {
  const place = (name: string): string | undefined => (data === undefined ? undefined : join(data, `${name}-${messages}`))
  const servers: readonly (readonly [name: string, start: (folder: string | undefined) => Promise<Peer>])[] = [
    ['mailwright', folder => mailwright(folder)],
    ['mdbox', folder => dovecot('mdbox', folder)],
    ['maildir', folder => dovecot('maildir', folder)],
  ]
  if (data !== undefined) mkdirSync(data, { recursive: true })
  const table: string[][] = []
  const stalls: number[] = []
  for (const [name, start] of servers) {
    const folder = place(name)
    const loaded = folder === undefined ? undefined : `${folder}.loaded`
    let peer = await start(folder)
    try {
      const account = (): ImapAccount => ({ host: '127.0.0.1', port: peer.imapPort ?? 0, user: peer.user, password: peer.password })
      if (loaded === undefined || !existsSync(loaded)) {
        const reading = await timed(peer, () => load(account(), messages))
        process.stderr.write(`${peer.name}: ${messages} messages loaded in ${(reading.wall / 1000).toFixed(1)} s\n`)
        if (loaded !== undefined) writeFileSync(loaded, '')
      }
      const readings = new Map<string, Reading[]>()
      for (let n = 0; n < (prepare ? 0 : rounds); n++) {
        await peer.coldCaches?.()
        if (isOwn(peer)) peer = await peer.restart()
        await warmUp(account())
        if (isOwn(peer)) await peer.longestStall()
        await round(peer, account(), messages, (operation, reading) =>
          readings.set(operation, [...(readings.get(operation) ?? []), reading]),
        )
        if (isOwn(peer)) stalls.push(await peer.longestStall())
        process.stderr.write(`${peer.name}: round ${n + 1} of ${rounds}\n`)
      }
      for (const [operation, list] of readings) {
        table.push([operation, peer.name, median(list.map(r => r.wall)).toFixed(1), median(list.map(r => r.cpu)).toFixed(1)])
      }
    } finally {
      await (folder !== undefined && isOwn(peer) ? peer.stopKeeping() : peer.stop())
    }
  }
  if (prepare) return
  table.sort((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''))
  console.log(`${messages} messages; each server first did the same ${WARM_ROUNDS} times with another mailbox of ${WARM_MESSAGES} messages`)
  printTable(['operation', 'server', 'wall ms', 'server CPU ms'], table)
  console.log(`longest stall of our event loop in each round: ${stalls.map(ms => `${ms.toFixed(1)} ms`).join(', ')}`)
}

function isOwn(peer: Peer): peer is OwnPeer {
  return 'restart' in peer
}

async function load(account: ImapAccount, messages: number): Promise<void> {
  const client = await ImapClient.login(account)
  await client.run(`CREATE ${WARM}`)
  client.close()
  await fill(account, WARM, { from: 10_000_000, count: WARM_MESSAGES })
  await fill(account, 'INBOX', { from: 0, count: messages })
}
