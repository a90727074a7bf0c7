/** Programs beside the server for the tests of filters that ask them: real ones, and fakes that answer what no honest one would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LiveConnection, Middleware, ScoreSymbol, TraceEntry } from 'mailwright/contracts'
import { address, connectionOf, houseOf, mailOf, spooled } from '../pipeline/house.ts'
import type { ProgramAddress } from '../../src/filters/program.ts'

export const LETTER = 'From: <bob@example.com>\nSubject: hello\n\nhow are you?\n'

/** What became of a message. */
export interface Result {
  /** `accept`, or the reply to whatever was refused first. */
  readonly answer: string
  readonly evidence: readonly string[]
  readonly symbols: readonly ScoreSymbol[]
  readonly stored: string | undefined
  readonly mailbox: 'INBOX' | 'Junk' | undefined
}

/** Sends a message through middleware; the client logs in where `login` says so. */
export async function sent(
  middleware: readonly Middleware[],
  letter: string = LETTER,
  more: Partial<LiveConnection> & { readonly sender?: string; readonly recipients?: readonly string[] } = {},
): Promise<Result> {
  const { sender = 'bob@example.com', recipients = ['ann@example.org'], ...facts } = more
  const house = houseOf({ middleware, submission: { authors: 'any' } })
  const connection = connectionOf('smtp', { remote: { address: '203.0.113.7', port: 40_000 }, ...facts })
  let answer = 'accept'
  const refused = (verdict: { readonly kind: string; readonly code?: string; readonly text?: string }): boolean => {
    if (verdict.kind === 'reject' || verdict.kind === 'defer') answer = `${verdict.kind} ${verdict.code} ${verdict.text}`
    return answer !== 'accept'
  }
  const welcome = await house.host.connect(connection)
  if (!refused(welcome)) {
    const { verdict, reception } = await house.host.receive(connection, { sender: sender === '' ? undefined : address(sender) })
    if (!refused(verdict)) {
      let taken = 0
      for (const recipient of recipients) if (!refused(await reception.recipient(address(recipient)))) taken++
      if (taken > 0) {
        const { outcomes } = await reception.message(spooled(letter))
        if (outcomes[0] !== undefined) refused(outcomes[0])
      }
    }
  }
  const errors = house.told('error').map(({ error }) => error)
  if (errors.length > 0) throw new Error('a filter was at fault', { cause: errors[0] })
  const trace = house.events.flatMap(({ event }) => (event['trace'] ?? []) as readonly TraceEntry[])
  const inbox = (await mailOf(house.store, 'ann'))[0]
  const junk = (await mailOf(house.store, 'ann', 'Junk'))[0]
  return {
    answer,
    evidence: [...new Set(trace.flatMap(({ evidence }) => evidence))],
    symbols: [...new Map(trace.flatMap(({ symbols }) => symbols ?? []).map(symbol => [symbol.name, symbol])).values()],
    stored: inbox ?? junk,
    mailbox: inbox !== undefined ? 'INBOX' : junk === undefined ? undefined : 'Junk',
  }
}

/** A fake program. */
export interface Fake extends AsyncDisposable {
  readonly at: { readonly address: string; readonly port: number }
  /** Everything that was heard, as Latin-1. */
  heard(): string
}

/** Listens; `serve` does as it likes with each connection. */
export async function fake(serve: (socket: Socket, heard: () => string) => void): Promise<Fake> {
  const sockets = new Set<Socket>()
  let all = ''
  const server = createServer(socket => {
    sockets.add(socket)
    let own = ''
    socket.on('error', () => undefined)
    socket.setEncoding('latin1').on('data', text => {
      own += String(text)
      all += String(text)
    })
    serve(socket, () => own)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    at: { address: '127.0.0.1', port },
    heard: () => all,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers octets (Latin-1) as soon as what was heard ends with `end`. */
export function answering(end: string, answer: string): (socket: Socket, heard: () => string) => void {
  return (socket, heard) => {
    let done = false
    socket.on('data', () => {
      if (done || !heard().endsWith(end)) return
      done = true
      socket.end(Buffer.from(answer, 'latin1'))
    })
  }
}

/** A folder for a program's files. */
export interface Workshop extends Disposable {
  readonly folder: string
  write(name: string, text: string): string
}

/** Makes one, which programs that change their user can read. */
export function workshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-beside-'))
  chmodSync(folder, 0o755)
  return {
    folder,
    write(name, text) {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Starts a program in the foreground and waits until it listens. */
export async function started(program: string, options: readonly string[], at: ProgramAddress): Promise<AsyncDisposable> {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => (said = (said + String(text)).slice(-4000)))
  const over = once(child, 'exit').then(() => true)
  for (let tries = 0; !(await listens(at)); tries++) {
    const ended = await Promise.race([over, new Promise<false>(resolve => setTimeout(() => resolve(false), 100))])
    if (!ended && tries < 450) continue
    child.kill('SIGKILL')
    throw new Error(`${program} does not listen: ${said}`)
  }
  return {
    async [Symbol.asyncDispose]() {
      child.kill()
      const last = setTimeout(() => child.kill('SIGKILL'), 1000)
      await over
      clearTimeout(last)
    },
  }
}

async function listens(at: ProgramAddress): Promise<boolean> {
  const socket = 'path' in at ? connect(at.path) : connect(at.port, at.address)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  const answer = await promise
  socket.destroy()
  return answer
}
