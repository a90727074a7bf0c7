/**
 * Reading a large mailbox over IMAP, ours beside Dovecot in the same run: wall time and the server's CPU for each operation,
 * medians. "first" is after a restart with caches forgotten, "again" right after.
 */

import { median, printTable } from './lib/figures.ts'
import { dovecot } from './lib/dovecot.ts'
import { ImapClient, type ImapAccount } from './lib/imap-client.ts'
import { message } from './lib/corpus.ts'
import { mailwright } from './lib/mailwright.ts'
import type { Peer } from './lib/peer.ts'

/** Fills INBOX through APPEND: in one command where the server can, else pipelined. */
async function fill(account: ImapAccount, count: number): Promise<void> {
  const client = await ImapClient.login(account)
  const capability = (await client.run('CAPABILITY')).toString('latin1')
  const batch = 200
  for (let from = 0; from < count; from += batch) {
    const to = Math.min(count, from + batch)
    const pieces: Buffer[] = []
    const multi = capability.includes('MULTIAPPEND')
    let last = ''
    if (multi) pieces.push(Buffer.from(`m${from} APPEND INBOX`))
    for (let n = from; n < to; n++) {
      const octets = message(n)
      const flags = n % 3 === 0 ? '(\\Seen)' : '()'
      if (multi) pieces.push(Buffer.from(` ${flags} {${octets.length}+}\r\n`), octets)
      else pieces.push(Buffer.from(`m${n} APPEND INBOX ${flags} {${octets.length}+}\r\n`), octets, Buffer.from('\r\n'))
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

/** Loads, then reads, `rounds` times. */
export async function imap(rounds: number, count: number): Promise<void> {
  const own = async (): Promise<Peer> => mailwright()
  const table: string[][] = []
  for (const start of [own, () => dovecot('mdbox'), () => dovecot('maildir')]) {
    let peer = await start()
    try {
      const account = (): ImapAccount => ({ host: '127.0.0.1', port: peer.imapPort ?? 0, user: peer.user, password: peer.password })
      const loaded = await timed(peer, () => fill(account(), count))
      process.stderr.write(`${peer.name}: ${count} messages loaded in ${(loaded.wall / 1000).toFixed(1)} s\n`)
      const readings = new Map<string, Reading[]>()
      const note = (name: string, reading: Reading): void => {
        readings.set(name, [...(readings.get(name) ?? []), reading])
      }
      for (let round = 0; round < rounds; round++) {
        await peer.coldCaches?.()
        if ('restart' in peer) peer = await (peer as Awaited<ReturnType<typeof mailwright>>).restart()
        const fresh = await ImapClient.login(account())
        await fresh.run('SELECT INBOX')
        fresh.keep = false
        note('FETCH 1:* ENVELOPE BODYSTRUCTURE first', await timed(peer, () => fresh.run('FETCH 1:* (ENVELOPE BODYSTRUCTURE)')))
        note('FETCH 1:* ENVELOPE BODYSTRUCTURE again', await timed(peer, () => fresh.run('FETCH 1:* (ENVELOPE BODYSTRUCTURE)')))
        note('FETCH 1:* (UID FLAGS)', await timed(peer, () => fresh.run('FETCH 1:* (UID FLAGS)')))
        const some = Math.min(1000, count)
        note(`UID FETCH ${some} bodies`, await timed(peer, () => fresh.run(`FETCH 1:${some} (BODY.PEEK[])`)))
        note('STORE 1:* +FLAGS', await timed(peer, () => fresh.run('STORE 1:* +FLAGS (\\Flagged)')))
        note('STORE 1:* -FLAGS.SILENT', await timed(peer, () => fresh.run('STORE 1:* -FLAGS.SILENT (\\Flagged)')))
        note('SEARCH SUBJECT', await timed(peer, () => fresh.run('SEARCH SUBJECT budget')))
        note('SEARCH UNSEEN SINCE', await timed(peer, () => fresh.run('SEARCH UNSEEN SINCE 1-Feb-2024')))
        note(
          `COPY ${some}`,
          await timed(peer, async () => {
            await fresh.run(`CREATE Copy${round}`)
            await fresh.run(`COPY 1:${some} Copy${round}`)
          }),
        )
        for (let n = 0; n < 5; n++) {
          note(
            'LOGIN + SELECT',
            await timed(peer, async () => {
              const client = await ImapClient.login(account())
              await client.run('SELECT INBOX')
              client.close()
            }),
          )
        }
        fresh.close()
        process.stderr.write(`${peer.name}: round ${round + 1} of ${rounds}\n`)
      }
      for (const [operation, list] of readings) {
        table.push([operation, peer.name, median(list.map(r => r.wall)).toFixed(1), median(list.map(r => r.cpu)).toFixed(1)])
      }
    } finally {
      await peer.stop()
    }
  }
  table.sort((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''))
  console.log(`${count} messages`)
  printTable(['operation', 'server', 'wall ms', 'server CPU ms'], table)
}
