/** Dovecot's IMAP as a child that is logged in already: octets in, octets out, no port and no rights. */

import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Where packages put the program that serves one IMAP connection. */
const PROGRAMS = ['/usr/lib/dovecot/imap', '/usr/libexec/dovecot/imap']

/** The program, or undefined when Dovecot is not installed. */
export function dovecotImap(): string | undefined {
  return PROGRAMS.find(path => existsSync(path))
}

/** A client's end of a connection. */
export interface Session {
  /** Sends a whole command, literals and all, and answers everything until its tagged completion. */
  say(tag: string, command: string): Promise<string>
  end(): void
}

/** A mail account of Dovecot, in a folder that goes with it. */
export class Dovecot implements Disposable {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'mailwright-dovecot-'))
  readonly #program: string

  constructor(program: string) {
    this.#program = program
    const { uid, gid } = userInfo()
    // As root it serves nobody but root's own name; it wants a user of its own.
    const owner = uid === 0 ? { uid: 65_534, gid: 65_534 } : { uid, gid }
    for (const name of ['run', 'state', 'home']) mkdirSync(join(this.#folder, name))
    writeFileSync(
      join(this.#folder, 'dovecot.conf'),
      [
        `base_dir = ${this.#folder}/run`,
        `state_dir = ${this.#folder}/state`,
        `log_path = ${this.#folder}/log`,
        'ssl = no',
        `mail_location = sdbox:${this.#folder}/home/mail`,
        'stats_writer_socket_path =',
        `mail_uid = ${owner.uid}`,
        `mail_gid = ${owner.gid}`,
        'first_valid_uid = 1',
        '',
      ].join('\n'),
    )
    if (uid === 0) for (const name of ['', 'run', 'state', 'home']) chownSync(join(this.#folder, name), owner.uid, owner.gid)
  }

  async open(): Promise<Session> {
    // It takes a socket as its standard input for a super-server's, and refuses; what Node calls a pipe is a socket, what a shell makes is none.
    const child = spawn('sh', ['-c', 'cat | "$1" -c "$2" | cat', 'sh', this.#program, join(this.#folder, 'dovecot.conf')], {
      // It tells days and times in its own zone.
      env: { ...process.env, TZ: 'UTC', USER: 'ann', HOME: join(this.#folder, 'home') },
    })
    const session = new ChildSession(child)
    await session.greeting()
    return session
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

class ChildSession implements Session {
  readonly #child: ChildProcessWithoutNullStreams
  #heard = ''
  #over = false
  #wake: () => void = () => undefined

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    child.stdout.setEncoding('latin1')
    child.stdout.on('data', text => {
      this.#heard += String(text)
      this.#wake()
    })
    child.on('close', () => {
      this.#over = true
      this.#wake()
    })
    child.stdin.on('error', () => undefined)
  }

  greeting(): Promise<string> {
    return this.#until(text => text.includes('\r\n'))
  }

  say(tag: string, command: string): Promise<string> {
    this.#child.stdin.write(`${tag} ${command}\r\n`, 'latin1')
    return this.#until(text => new RegExp(`(^|\\n)${tag} [^\\n]*\\n$`).test(text))
  }

  end(): void {
    this.#child.stdin.end()
  }

  async #until(done: (text: string) => boolean): Promise<string> {
    while (!done(this.#heard)) {
      if (this.#over) throw new Error(`Dovecot ended after ${JSON.stringify(this.#heard)}`)
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
    const heard = this.#heard
    this.#heard = ''
    return heard
  }
}
