/** A personal server on free ports of this machine, for foreign clients. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { personalServer } from 'mailwright/server'
import type { PersonalServer } from 'mailwright/server'

export const user = 'ann@home.test'
export const password = 'correct horse'

/** A server with its folder, gone when it is disposed of. */
export interface Started extends AsyncDisposable {
  readonly personal: PersonalServer
  readonly folder: string
  port(name: keyof PersonalServer['server']['ports']): number
}

export async function started(): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-interop-'))
  const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
  const personal = await personalServer({
    data: join(folder, 'data'),
    domain: 'home.test',
    user,
    password,
    ports,
    allowPlaintextLogin: true,
  })
  return {
    personal,
    folder,
    port: name => personal.server.ports[name] ?? 0,
    async [Symbol.asyncDispose]() {
      await personal.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
