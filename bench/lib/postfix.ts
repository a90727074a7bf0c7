/** Postfix delivering to a maildir, in a folder of its own. Needs root (it drops privileges) and Debian's package `postfix`. */

import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuGroup } from './cgroup.ts'
import type { Peer } from './peer.ts'
import { freePort, listening } from './ports.ts'

const SERVICES = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

/** Starts Postfix; every message for bench.example goes to one maildir, what is for the `routes` to those ports of loopback. `settings`: more lines of main.cf. */
export async function postfix(routes: Readonly<Record<string, number>> = {}, settings: string = ''): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-postfix-'))
  chmodSync(folder, 0o755)
  const id = (name: string): number => Number(execFileSync('id', ['-u', name], { encoding: 'latin1' }))
  const port = await freePort()
  for (const name of ['queue', 'data', 'mail', 'etc']) mkdirSync(join(folder, name))
  chownSync(join(folder, 'data'), id('postfix'), 0)
  chownSync(join(folder, 'mail'), id('nobody'), 0)
  writeFileSync(
    join(folder, 'etc/transport'),
    Object.entries(routes)
      .map(([domain, to]) => `${domain} smtp:[127.0.0.1]:${to}\n`)
      .join(''),
  )
  writeFileSync(
    join(folder, 'etc/main.cf'),
    `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.bench.example
mydestination =
mynetworks = 127.0.0.0/8
transport_maps = texthash:${folder}/etc/transport
smtp_tls_security_level = may
disable_dns_lookups = yes
smtp_host_lookup = native
virtual_mailbox_domains = bench.example
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:${id('nobody')}
virtual_gid_maps = static:${id('nobody')}
virtual_minimum_uid = 100
virtual_mailbox_limit = 0
message_size_limit = 0
alias_maps =
maillog_file = ${folder}/log
maillog_file_prefixes = ${tmpdir()}
${settings}`,
  )
  writeFileSync(join(folder, 'etc/master.cf'), `127.0.0.1:${port} inet n - n - - smtpd\n${SERVICES}`)
  const group = cpuGroup()
  const child = spawn('sh', ['-c', `${group.enter}; exec postfix -c ${folder}/etc start-fg`], { stdio: 'ignore' })
  await listening(port)
  return {
    name: 'postfix-maildir',
    group,
    smtpPort: port,
    user: 'box@bench.example',
    password: '',
    delivered() {
      try {
        return readdirSync(join(folder, 'mail/box/new')).length
      } catch {
        return 0
      }
    },
    async stop() {
      child.kill('SIGTERM')
      group.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
