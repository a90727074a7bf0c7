/**
 * OpenDKIM and OpenDMARC as milters, with a DNS of their own: nsd in a namespace of networks where its port is free. Needs root and
 * Debian's packages `opendkim`, `opendmarc` and `nsd`.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuGroup, type CpuGroup } from './cgroup.ts'

/** Debian's package `publicsuffix`: without it OpenDMARC finds no policy above a domain. */
const SUFFIXES = '/usr/share/publicsuffix/public_suffix_list.dat'

/** Both milters, running. */
export interface Milters {
  /** Lines for Postfix's main.cf. */
  readonly settings: string
  /** What both have used; the DNS server is not counted. */
  readonly group: CpuGroup
  stop(): Promise<void>
}

/** Starts them; `records`: TXT records by name, of example.org and below. */
export async function milters(records: Readonly<Record<string, string>>): Promise<Milters> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-milters-'))
  chmodSync(folder, 0o755)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const texts = Object.entries(records).map(
    ([name, text]) => `${name}. 60 IN TXT ${(text.match(/.{1,250}/g) ?? []).map(part => `"${part}"`).join(' ')}`,
  )
  file(
    'zone',
    `example.org. 60 IN SOA ns.example.org. a.example.org. 1 60 60 60 60\nexample.org. 60 IN NS ns.example.org.\nns.example.org. 60 IN A 127.0.0.1\n${texts.join('\n')}\n`,
  )
  file(
    'nsd.conf',
    `server:\n  ip-address: 127.0.0.1\n  port: 53\n  username: ""\n  chroot: ""\n  zonesdir: "${folder}"\n  database: ""\n  pidfile: "${folder}/nsd.pid"\n  xfrdfile: "${folder}/xfrd"\n  zonelistfile: "${folder}/zones"\nremote-control:\n  control-enable: no\nzone:\n  name: example.org\n  zonefile: zone\n`,
  )
  const resolv = file('resolv.conf', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  const strangers = file('strangers', '192.0.2.254\n')
  file(
    'opendkim.conf',
    `Mode v\nSocket local:${folder}/dkim.sock\nUMask 000\nAuthservID mx.bench.example\nInternalHosts file:${strangers}\nNameservers 127.0.0.1\nPidFile ${folder}/opendkim.pid\nSyslog no\nTrustAnchorFile /dev/null\n`,
  )
  file(
    'opendmarc.conf',
    `Socket local:${folder}/dmarc.sock\nUMask 000\nAuthservID mx.bench.example\nTrustedAuthservIDs mx.bench.example\nIgnoreHosts ${strangers}\nSPFIgnoreResults true\nSPFSelfValidate true\nRejectFailures false\n${existsSync(SUFFIXES) ? `PublicSuffixList ${SUFFIXES}\n` : ''}PidFile ${folder}/opendmarc.pid\nSyslog false\n`,
  )
  const group = cpuGroup()
  const outside = cpuGroup()
  const begun = (own: CpuGroup, command: string): string => `sh -c '${own.enter}; exec ${command}' &`
  const script = [
    'ip link set lo up',
    `mount --bind ${resolv} /etc/resolv.conf`,
    begun(outside, `nsd -d -c ${folder}/nsd.conf`),
    'sleep 1',
    begun(group, `opendkim -f -x ${folder}/opendkim.conf`),
    begun(group, `opendmarc -f -c ${folder}/opendmarc.conf`),
    'wait',
  ].join('\n')
  // A group of its own, so that all of them end together.
  const child: ChildProcess = spawn('unshare', ['-n', '-m', 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  for (let round = 0; !(existsSync(join(folder, 'dkim.sock')) && existsSync(join(folder, 'dmarc.sock'))); round++) {
    if (round > 100) throw new Error(`the milters do not start: ${said}`)
    await sleep(100)
  }
  return {
    settings: `smtpd_milters = unix:${folder}/dkim.sock, unix:${folder}/dmarc.sock\nmilter_default_action = tempfail\n`,
    group,
    async stop() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await sleep(300)
      for (const one of [group, outside]) one.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Whether the programs are there. */
export function hasMilters(): boolean {
  return process.getuid?.() === 0 && ['opendkim', 'opendmarc', 'nsd', 'postfix'].every(name => existsSync(`/usr/sbin/${name}`))
}
