/** A personal server on free ports of this machine, for foreign clients. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ALL_UIDS } from 'mailwright/contracts'
import { personalFiles, personalServer } from 'mailwright/server'
import type { DoorName, PersonalServer } from 'mailwright/server'
import type { Transport } from './table.ts'

export const user = 'ann@home.test'
export const password = 'correct horse'

/** A server with its folder, gone when it is disposed of. */
export interface Started extends AsyncDisposable {
  readonly personal: PersonalServer
  readonly folder: string
  port(name: DoorName): number
  /** The texts of the messages in a mailbox, oldest first. */
  mail(mailbox?: string): Promise<readonly string[]>
  /** Waits until no message is arriving any more, and fails when one was left behind. */
  nothingArrives(): Promise<void>
}

/** The door of a protocol for a transport: the one with TLS at once, or the other. */
export function doorFor(protocol: 'smtp' | 'imap' | 'pop3', transport: Transport): DoorName {
  if (protocol === 'smtp') return transport === 'implicit' ? 'submissions' : 'submission'
  return transport === 'implicit' ? `${protocol}s` : protocol
}

/** Runs a foreign program; its output. Fails, with what it said, when it does. */
export function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new assert.AssertionError({ message: `${program} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}` }))
    })
    child.stdin?.end(input)
  })
}

export async function started(): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-interop-'))
  const data = join(folder, 'data')
  const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
  const personal = await personalServer({ data, domain: 'home.test', user, password, ports, allowPlaintextLogin: true })
  return {
    personal,
    folder,
    port: name => personal.server.ports[name] ?? 0,
    async mail(mailbox = 'INBOX') {
      const account = await personal.directory.account(user)
      const opened = await personal.store.open(account?.id ?? '')
      const info = (await opened.mailboxes()).find(({ name }) => name === mailbox)
      const texts: string[] = []
      for await (const page of opened.mailbox(info?.id ?? '').records(ALL_UIDS, ['source'])) {
        for (const { source } of page) {
          if (source !== undefined) texts.push(new TextDecoder('latin1').decode(await source.read(0, source.size)))
        }
      }
      return texts
    },
    async nothingArrives() {
      for (let waited = 0; readdirSync(personalFiles(data).spool).length > 0; waited += 20) {
        assert.ok(waited < 60_000, 'a message that was cut off is forgotten')
        await sleep(20)
      }
    },
    async [Symbol.asyncDispose]() {
      await personal.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
