/** What connections and large messages cost in memory, and how long the event loop ever stood still meanwhile. */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as tlsConnect } from 'node:tls'
import { printTable } from './lib/figures.ts'
import { ImapClient } from './lib/imap-client.ts'
import { roomy, type OwnPeer } from './lib/mailwright.ts'
import { residentOf } from './lib/resident.ts'

function resident(peer: OwnPeer): number {
  return residentOf(peer.pid)
}

/** Idle, logged-in IMAP connections. */
async function idle(count: number, secure: boolean, flag?: string): Promise<string[]> {
  const peer = await withFlag(flag, roomy)
  try {
    const clients: { destroy(): void }[] = []
    const open = async (): Promise<void> => {
      const socket = secure
        ? tlsConnect({ port: peer.imapsPort, host: '127.0.0.1', rejectUnauthorized: false })
        : connect({ port: peer.imapPort ?? 0, host: '127.0.0.1' })
      clients.push(socket)
      const expect = (text: string): Promise<void> =>
        new Promise((resolve, reject) => {
          let seen = ''
          const take = (chunk: Buffer): void => {
            seen += chunk.toString('latin1')
            if (!seen.includes(text)) return
            socket.off('data', take)
            resolve()
          }
          socket.on('data', take)
          socket.once('error', reject)
        })
      await expect('* OK')
      const ok = expect('a OK')
      socket.write(`a LOGIN ${peer.user} ${peer.password}\r\n`)
      await ok
      const idling = expect('+')
      socket.write('b IDLE\r\n')
      await idling
    }
    const openMore = async (): Promise<string> => {
      const before = resident(peer)
      for (let n = 0; n < count; n++) await open()
      await sleep(5000)
      return `${((resident(peer) - before) / count / 1024).toFixed(1)} KB each`
    }
    for (let n = 0; n < 50; n++) await open()
    await sleep(3000)
    // The first thousand makes the engine enlarge the part of its heap for new objects, once; the next shows what a connection takes.
    const first = await openMore()
    const next = await openMore()
    const server = resident(peer)
    for (const client of clients) client.destroy()
    return [
      `${count} idle IMAP connections${secure ? ' with TLS' : ''}${flag === undefined ? '' : `, node ${flag}`}`,
      first,
      `the next ${count}: ${next}; server ${(server / 1e6).toFixed(0)} MB`,
    ]
  } finally {
    await peer.stop()
  }
}

/** Starts a server that runs with one more flag of Node. */
async function withFlag(flag: string | undefined, start: () => Promise<OwnPeer>): Promise<OwnPeer> {
  const before = process.env['NODE_OPTIONS']
  if (flag !== undefined) process.env['NODE_OPTIONS'] = `${before ?? ''} ${flag}`
  try {
    return await start()
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  }
}

/** Large messages arriving at once over LMTP: on a server that was just started, and again once its heap has its size. */
async function large(count: number, octets: number): Promise<string[][]> {
  const peer = await roomy()
  try {
    const client = await ImapClient.login({ host: '127.0.0.1', port: peer.imapPort ?? 0, user: peer.user, password: peer.password })
    await client.run('SELECT INBOX')
    await deliverLarge(peer, 1_000_000)
    const rows: string[][] = []
    for (const when of ['first', 'again']) {
      await sleep(2000)
      const { each, seconds, longest } = await burst(peer, client, count, octets)
      rows.push([
        `${count} messages of ${octets / 1e6} MB at once, ${when}`,
        `${(each / 1e6).toFixed(2)} MB each over idle`,
        `${seconds.toFixed(1)} s, longest NOOP meanwhile ${longest.toFixed(0)} ms`,
      ])
    }
    client.close()
    return rows
  } finally {
    await peer.stop()
  }
}

async function burst(
  peer: OwnPeer,
  client: ImapClient,
  count: number,
  octets: number,
): Promise<{ readonly each: number; readonly seconds: number; readonly longest: number }> {
  const before = resident(peer)
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, resident(peer))), 20)
  let longest = 0
  let done = false
  const probe = (async () => {
    while (!done) {
      const start = performance.now()
      await client.run('NOOP').catch(() => undefined)
      longest = Math.max(longest, performance.now() - start)
      await sleep(5)
    }
  })()
  const start = performance.now()
  await Promise.all(Array.from({ length: count }, () => deliverLarge(peer, octets)))
  const seconds = (performance.now() - start) / 1000
  done = true
  await probe
  clearInterval(watch)
  return { each: (peak - before) / count, seconds, longest }
}

async function deliverLarge(peer: OwnPeer, octets: number): Promise<void> {
  const socket = connect({ port: peer.lmtpPort ?? 0, host: '127.0.0.1' })
  let seen = ''
  let wake: (() => void) | undefined
  socket.on('data', chunk => {
    seen += chunk.toString('latin1')
    wake?.()
  })
  const reply = async (code: string): Promise<void> => {
    while (!new RegExp(`^${code} [^\n]*\n`, 'm').test(seen)) {
      await new Promise<void>(resolve => (wake = resolve))
      if (/^[45]\d\d /m.test(seen)) throw new Error(seen)
    }
    seen = ''
  }
  await reply('220')
  for (const [line, code] of [
    ['LHLO bench.example', '250'],
    ['MAIL FROM:<load@elsewhere.example>', '250'],
    [`RCPT TO:<${peer.user}>`, '250'],
    ['DATA', '354'],
  ] as const) {
    socket.write(`${line}\r\n`)
    await reply(code)
  }
  const block = Buffer.from(`${'x'.repeat(74)}\r\n`.repeat(860))
  socket.write('From: load@elsewhere.example\r\nSubject: large\r\n\r\n')
  for (let sent = 0; sent < octets; sent += block.length) {
    if (!socket.write(block)) await new Promise(resolve => socket.once('drain', resolve))
  }
  socket.write('.\r\n')
  await reply('250')
  socket.end('QUIT\r\n')
}

/** Runs all of it and prints it. */
export async function memory(): Promise<void> {
  const rows = [
    await idle(1000, false),
    await idle(1000, false, '--max-semi-space-size=4'),
    await idle(1000, true),
    ...(await large(20, 50_000_000)),
  ]
  printTable(['what', 'memory', 'besides'], rows)
}
