/** Filling a mailbox over IMAP, ours beside Dovecot in the same run: one APPEND after the other, pipelined, and MULTIAPPEND. */

import { median, printTable } from './lib/figures.ts'
import { dovecot } from './lib/dovecot.ts'
import { ImapClient, type ImapAccount } from './lib/imap-client.ts'
import { message } from './lib/corpus.ts'
import { mailwright } from './lib/mailwright.ts'
import type { Peer } from './lib/peer.ts'

/** How `append` is run. */
export interface AppendBench {
  readonly rounds: number
  readonly messages: number
}

type Way = 'in turn' | 'pipelined' | 'MULTIAPPEND'

/** Messages that are sent before an answer is waited for. */
const BATCH = 200

async function fill(client: ImapClient, way: Way, numbers: { readonly from: number; readonly count: number }): Promise<void> {
  const end = numbers.from + numbers.count
  const batch = way === 'in turn' ? 1 : BATCH
  for (let from = numbers.from; from < end; from += batch) {
    const pieces: Buffer[] = way === 'MULTIAPPEND' ? [Buffer.from('m APPEND INBOX')] : []
    for (let n = from; n < Math.min(end, from + batch); n++) {
      const octets = message(n)
      const tag = n === Math.min(end, from + batch) - 1 ? 'm' : 'x'
      const start = way === 'MULTIAPPEND' ? '' : `${tag} APPEND INBOX`
      pieces.push(Buffer.from(`${start} {${octets.length}+}\r\n`), octets)
      if (way !== 'MULTIAPPEND') pieces.push(Buffer.from('\r\n'))
    }
    if (way === 'MULTIAPPEND') pieces.push(Buffer.from('\r\n'))
    const answer = await client.raw(Buffer.concat(pieces), 'm')
    if (/ (?:NO|BAD) /.test(answer.toString('latin1'))) throw new Error(`APPEND was refused: ${answer.toString('latin1').slice(0, 200)}`)
  }
}

/** Fills a mailbox of each server in each way it can, `rounds` times. */
export async function append({ rounds, messages }: AppendBench): Promise<void> {
  const servers: readonly (() => Promise<Peer>)[] = [() => mailwright(), () => dovecot('mdbox'), () => dovecot('maildir')]
  const table: string[][] = []
  for (const start of servers) {
    const peer = await start()
    try {
      const account: ImapAccount = { host: '127.0.0.1', port: peer.imapPort ?? 0, user: peer.user, password: peer.password }
      const client = await ImapClient.login(account)
      const canMany = (await client.run('CAPABILITY')).toString('latin1').includes('MULTIAPPEND')
      const ways: readonly Way[] = canMany ? ['in turn', 'pipelined', 'MULTIAPPEND'] : ['in turn', 'pipelined']
      let next = 0
      const measured = new Map<Way, { readonly rate: number; readonly cpu: number }[]>()
      // The first round warms up and is not counted.
      for (let round = 0; round <= rounds; round++) {
        for (const way of ways) {
          const [cpu, began] = [peer.group.seconds(), performance.now()]
          await fill(client, way, { from: next, count: messages })
          next += messages
          const rate = messages / ((performance.now() - began) / 1000)
          const spent = ((peer.group.seconds() - cpu) * 1000 * 1000) / messages
          if (round > 0) measured.set(way, [...(measured.get(way) ?? []), { rate, cpu: spent }])
        }
        process.stderr.write(`${peer.name}: round ${round} of ${rounds}\n`)
      }
      client.close()
      for (const [way, list] of measured) {
        table.push([way, peer.name, median(list.map(({ rate }) => rate)).toFixed(0), median(list.map(({ cpu }) => cpu)).toFixed(0)])
      }
    } finally {
      await peer.stop()
    }
  }
  table.sort((one, other) => (one[0] ?? '').localeCompare(other[0] ?? ''))
  console.log(`${messages} messages each time, medians of ${rounds}`)
  printTable(['APPEND', 'server', 'messages/s', 'server CPU µs/message'], table)
}
