/**
 * Hostile mail, and what becomes of it.
 *
 *     npm run hostile                                  200 messages to a server of its own with all filters on
 *     npm run hostile -- --count 1000 --most 20000000 --seed 7
 *     npm run hostile -- --out FOLDER                  writes them as files instead
 *     npm run hostile -- --to 127.0.0.1:2525           sends them to another server: reply and time alone
 *
 * Of its own server it tells for each: the verdict, the reply, CPU of other threads, CPU of the main thread, and the longest stall of its event
 * loop. It fails when a message takes 10 s of CPU, stalls the loop for 100 ms, has no definite verdict, or is lost.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createMailServer } from 'mailwright'
import type { MailServer } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { attachments } from 'mailwright/filters/attachments'
import { bayes } from 'mailwright/filters/bayes'
import { domainBlocklist } from 'mailwright/filters/domain-blocklist'
import { reputation } from 'mailwright/filters/reputation'
import { sanity } from 'mailwright/filters/sanity'
import { score } from 'mailwright/filters/score'
import { senderAuth } from 'mailwright/filters/sender-auth'
import { memoryState, memoryStore } from 'mailwright/stores/memory'
import { fakeResolver } from 'mailwright/testing'
import { readArguments, wholeNumber } from './command-line.ts'
import { hostileMail } from './hostile-shapes.ts'

const help = `Usage: npm run hostile -- [options]

Sends hostile mail to a server of its own with all filters on, and tells of each message what it cost. Exit code 1 when one costs too much.

  --count N             messages (default 200)
  --most N              octets of the largest (default 2000000)
  --seed N              others of the same kind (default 1)
  --out FOLDER          write them as files instead
  --to HOST:PORT        send them to another server instead: reply and time alone
  --recipient ADDRESS   for --to (default ann@example.org)
  --help                this text
`

const { count, most, seed, values } = readArguments(help, () => {
  const parsed = parseArgs({
    options: {
      count: { type: 'string', default: '200' },
      most: { type: 'string', default: '2000000' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      to: { type: 'string' },
      recipient: { type: 'string', default: 'ann@example.org' },
    },
  }).values
  if (parsed.to !== undefined && !/^(.+:)?\d{1,5}$/.test(parsed.to)) throw new Error(`--to takes HOST:PORT, not "${parsed.to}"`)
  return {
    count: wholeNumber('--count', parsed.count, 1),
    most: wholeNumber('--most', parsed.most, 1000),
    seed: wholeNumber('--seed', parsed.seed, 0),
    values: parsed,
  }
})

if (values.out !== undefined) write(values.out)
else if (values.to === undefined) await tryOut()
else await send(values.to)

function write(folder: string): void {
  mkdirSync(folder, { recursive: true })
  let n = 0
  for (const { name, octets } of hostileMail(count, most, seed)) {
    writeFileSync(join(folder, `${String(++n).padStart(5, '0')}-${name.replaceAll(/[^\w]+/g, '-')}.eml`), octets)
  }
  console.log(`${n} messages in ${folder}`)
}

async function send(to: string): Promise<void> {
  const [, host = '127.0.0.1', port = ''] = /^(?:(.*):)?(\d+)$/.exec(to) ?? []
  for (const { name, octets } of hostileMail(count, most, seed)) {
    const began = performance.now()
    const reply = await delivered(host, Number(port), stuffed(octets))
    console.log(`${reply.slice(0, 60).padEnd(60)} ${(performance.now() - began).toFixed(0).padStart(6)} ms  ${octets.length} ${name}`)
  }
}

/** Everything that a personal server has, on a world of its own. */
function ownServer(hostname: string): MailServer {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const resolver = fakeResolver({
    'example.com': { txt: ['v=spf1 -all'] },
    '_dmarc.example.com': { txt: ['v=DMARC1; p=quarantine'] },
    's1._domainkey.example.com': { txt: [`v=DKIM1; k=rsa; p=${key}`] },
  })
  const state = memoryState()
  return createMailServer({
    hostname,
    store: memoryStore(),
    directory: memoryDirectory({ accounts: { 'ann@example.org': 'secret-of-ann' } }),
    host: '127.0.0.1',
    listeners: { smtp: 0 },
  })
    .use(score())
    .use(senderAuth({ resolver, hostname }))
    .use(sanity({ hostnames: [hostname] }))
    .use(domainBlocklist({ resolver, lists: [{ zone: 'dbl.example' }] }))
    .use(attachments())
    .use(bayes({ state }))
    .use(reputation({ state, authservId: hostname }))
}

async function tryOut(): Promise<void> {
  await using server = ownServer('mx.example.org')
  const errors: unknown[] = []
  let stored = 0
  const faults: string[] = []
  server.on('error', ({ error }) => void errors.push(error))
  server.on('delivered', () => void stored++)
  let verdict = ''
  server.on('message', message => {
    verdict = message.verdict.kind
    faults.push(...message.trace.flatMap(({ middleware, fault }) => (fault === undefined ? [] : `${middleware}: ${fault}`)))
  })
  await server.listen()
  const port = server.ports.smtp ?? 0
  await delivered('127.0.0.1', port, Buffer.from('From: <bob@example.com>\r\n\r\nwarm up\r\n'))
  const bad: string[] = []
  const worst = { cpu: 0, stall: 0 }
  let n = 0
  console.log('verdict    reply                               threads    main   stall  octets and shape')
  for (const { name, octets } of hostileMail(count, most, seed)) {
    n++
    // Before the clock runs: this is the client's work.
    const wire = stuffed(octets)
    await new Promise(resolve => setImmediate(resolve))
    const before = { stored, all: cpuMs(process.cpuUsage()), main: cpuMs(process.threadCpuUsage()) }
    const stallOf = watchStalls()
    verdict = 'refused'
    const reply = await delivered('127.0.0.1', port, wire)
    const stall = await stallOf()
    const main = cpuMs(process.threadCpuUsage()) - before.main
    const threads = Math.max(0, cpuMs(process.cpuUsage()) - before.all - main)
    const figures = [threads, main, stall].map(ms => `${ms.toFixed(0)} ms`.padStart(8)).join('')
    console.log(`${verdict.padEnd(10)} ${reply.slice(0, 34).padEnd(34)} ${figures}  ${octets.length} ${name}`)
    const problems = [
      ...(threads >= 10_000 ? ['10 s of CPU'] : []),
      ...(stall >= 100 ? [`the loop stood still for ${stall.toFixed(0)} ms`] : []),
      ...(/^(?:250|5\d\d) /.test(reply) ? [] : ['no definite verdict']),
      ...(reply.startsWith('250') && stored === before.stored ? ['lost'] : []),
      ...faults.splice(0),
      ...errors.splice(0).map(String),
    ]
    worst.cpu = Math.max(worst.cpu, threads)
    worst.stall = Math.max(worst.stall, stall)
    for (const problem of problems) bad.push(`${n} ${name} (${octets.length}): ${problem}`)
  }
  console.log(
    `${n} messages, ${stored - 1} delivered, most CPU of threads ${worst.cpu.toFixed(0)} ms, longest stall ${worst.stall.toFixed(0)} ms, problems ${bad.length}`,
  )
  for (const line of bad) console.log(line)
  process.exitCode = bad.length === 0 ? 0 : 1
}

function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000
}

/** The most CPU of this thread between two turns of its loop: what others do to the machine does not count. */
function watchStalls(): () => Promise<number> {
  let last = cpuMs(process.threadCpuUsage())
  let longest = 0
  let watches = true
  const beat = (): void => {
    const now = cpuMs(process.threadCpuUsage())
    longest = Math.max(longest, now - last)
    last = now
    if (watches) setImmediate(beat)
  }
  setImmediate(beat)
  return async () => {
    await new Promise(resolve => setImmediate(resolve))
    watches = false
    return longest
  }
}

/** As it is sent: lines that begin with a dot have two. RFC 5321 §4.5.2. */
function stuffed(octets: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(octets).toString('latin1').replaceAll(/^\./gm, '..'), 'latin1')
}

/** Sends one message and gives the reply to it, or to whatever was refused before. RFC 5321 §3.3. */
async function delivered(host: string, port: number, wire: Uint8Array): Promise<string> {
  const socket = connect(port, host)
  try {
    const reply = replies(socket)
    const steps = ['', 'EHLO client.example\r\n', 'MAIL FROM:<bob@example.com>\r\n', `RCPT TO:<${values.recipient}>\r\n`, 'DATA\r\n']
    for (const step of steps) {
      if (step !== '') socket.write(step)
      const answer = await reply()
      if (!/^[23]/.test(answer)) return answer
    }
    // In pieces, so that sending stalls nothing by itself.
    for (let at = 0; at < wire.length && !socket.destroyed; at += 65_536) {
      if (!socket.write(wire.subarray(at, at + 65_536))) await new Promise(resolve => socket.once('drain', resolve).once('close', resolve))
    }
    socket.write('.\r\n')
    return await reply()
  } finally {
    socket.destroy()
  }
}

/** The last line of each reply, in their order; empty when the server has left. */
function replies(socket: Socket): () => Promise<string> {
  const lines: string[] = []
  let rest = ''
  let isOver = false
  let wake = (): void => undefined
  socket.setEncoding('latin1').on('data', text => {
    const all = (rest + String(text)).split('\r\n')
    rest = all.pop() ?? ''
    lines.push(...all.filter(line => /^\d{3}(?: |$)/.test(line)))
    wake()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isOver = true
    wake()
  })
  return async () => {
    while (lines.length === 0 && !isOver) await new Promise<void>(resolve => (wake = resolve))
    return lines.shift() ?? ''
  }
}
