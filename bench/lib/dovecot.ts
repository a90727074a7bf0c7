/** Dovecot with LMTP, IMAP and POP3 in a folder of its own. Needs root and Debian's packages dovecot-core, -imapd, -lmtpd, -pop3d. */

import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuGroup } from './cgroup.ts'
import { countOverImap } from './imap-client.ts'
import type { Peer } from './peer.ts'
import { freePort, listening } from './ports.ts'

/** Starts Dovecot with one account in the given mailbox format; in a folder of its own that goes when it stops, or in one that stays. */
export async function dovecot(format: 'maildir' | 'mdbox' | 'sdbox', kept?: string): Promise<Peer> {
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'bench-dovecot-'))
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o755)
  const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'latin1' }))
  const [lmtpPort, imapPort, pop3Port] = [await freePort(), await freePort(), await freePort()]
  for (const name of ['run', 'state', 'home']) if (!existsSync(join(folder, name))) mkdirSync(join(folder, name))
  chownSync(join(folder, 'home'), nobody, nobody)
  const location = format === 'maildir' ? 'maildir:~/Maildir' : `${format}:~/mail`
  writeFileSync(
    join(folder, 'dovecot.conf'),
    `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap lmtp pop3
ssl = no
disable_plaintext_auth = no
mail_location = ${location}
first_valid_uid = 1
default_process_limit = 2000
default_client_limit = 4000
mail_max_userip_connections = 2000
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    address = 127.0.0.1
    port = ${pop3Port}
  }
  inet_listener pop3s {
    port = 0
  }
}
service imap {
  process_limit = 2000
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtpPort}
  }
}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${nobody} gid=${nobody} home=${folder}/home
}
`,
  )
  const group = cpuGroup()
  const child = spawn('sh', ['-c', `${group.enter}; exec dovecot -F -c ${folder}/dovecot.conf`], { stdio: 'ignore' })
  await listening(imapPort)
  const user = 'box@bench.example'
  const imap = { host: '127.0.0.1', port: imapPort, user, password: 'secret' }
  return {
    name: `dovecot-${format}`,
    group,
    lmtpPort,
    imapPort,
    pop3Port,
    user,
    password: 'secret',
    delivered: () => (format === 'maildir' ? maildirCount(folder) : countOverImap(imap)),
    async coldCaches() {
      execFileSync('find', [join(folder, 'home'), '-name', 'dovecot.index.cache*', '-delete'])
    },
    async stop() {
      child.kill('SIGTERM')
      group.remove()
      if (kept === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function maildirCount(folder: string): number {
  let count = 0
  for (const name of ['new', 'cur']) {
    try {
      count += readdirSync(join(folder, 'home/Maildir', name)).length
    } catch {
      // Not made yet.
    }
  }
  return count
}
