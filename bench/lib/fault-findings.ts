/** Looks at what a store became after a call to the disk failed under it: what was acknowledged must be there, and nothing else. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_UIDS, type Mailbox, type MessageSource } from 'mailwright/contracts'
import { fileSpool, sqliteStore, type SqliteStore } from 'mailwright/stores/sqlite'
import { connect } from '../../src/stores/sqlite/database.ts'
import { inspect } from '../../src/stores/sqlite/inspection.ts'
import { type FaultReport, faultsOf, lastWords } from './fault-report.ts'
import type { CallFault, Ending } from './nth-call.ts'

/** Problems that a run showed, none when all is as it must be. */
export async function storeFindings(
  folder: string,
  report: unknown,
  ending: Ending,
  fault: CallFault | undefined,
): Promise<readonly string[]> {
  const problems: string[] = []
  if (ending.ended !== 0) problems.push(`the process ended with ${ending.ended}: ${lastWords(ending.stderr)}`)
  if (report === undefined) return [...problems, 'there is no report']
  const facts = report as FaultReport
  if (!facts.isOver && facts.attempts.some(({ name, fault: told }) => name === 'open' && told === undefined)) {
    problems.push('the process did not come to its end')
  }
  problems.push(...faultsOf(facts.attempts, fault))
  try {
    problems.push(...(await look(folder, facts)))
  } catch (error) {
    problems.push(`afterwards: ${error instanceof Error ? error.stack : String(error)}`)
  }
  return problems
}

async function look(folder: string, facts: FaultReport): Promise<readonly string[]> {
  const mail = join(folder, 'mail')
  const problems: string[] = []
  fileSpool({ directory: join(folder, 'spool') })
  const store = sqliteStore({ path: mail, compactEvery: 0 })
  try {
    problems.push(...(await lookAtMail(store, facts)), ...(await lookAtQueue(store, facts)))
    await store.compact({ grace: 0 })
    problems.push(...damageIn(mail))
    const copy = join(folder, 'copy')
    if (facts.backup === undefined && !existsSync(join(copy, 'mail.sqlite'))) await store.backup(copy)
    problems.push(...(await lookAtCopy(copy, facts.backup ?? [])))
  } finally {
    await store.close()
  }
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    if (!/^(?:mail|copy|spool|mail\/incoming|(?:mail|copy)\/(?:segments(?:\/\d+\.seg)?|mail\.sqlite))$/.test(name))
      problems.push(`${name} stays`)
  }
  return problems
}

/** What `verify` finds, without a thread of its own. */
function damageIn(folder: string): readonly string[] {
  const sql = connect(folder, { busyTimeout: 5000, writable: false })
  try {
    return [...inspect(sql, folder, true)].flatMap(finding => (finding.kind === 'problem' ? [`verify: ${finding.problem.text}`] : []))
  } finally {
    sql.close()
  }
}

async function namesIn(box: Mailbox): Promise<Map<number, { readonly name: string; readonly flags: string }>> {
  const found = new Map<number, { readonly name: string; readonly flags: string }>()
  for await (const page of box.records(ALL_UIDS, ['source'])) {
    for (const { uid, flags, source } of page) found.set(uid, { name: await nameOf(source), flags: flags.toSorted().join(' ') })
  }
  return found
}

/** The name that a whole message tells. */
async function nameOf(source: MessageSource | undefined): Promise<string> {
  const text = Buffer.from((await source?.read(0, source.size)) ?? []).toString('latin1')
  const [, name = '?', sum, body = ''] = /^Subject: (.*)\r\nX-Sum: (.*)\r\n\r\n([^]*)$/.exec(text) ?? []
  return createHash('sha256').update(body).digest('hex') === sum ? name : 'damaged'
}

async function lookAtMail(store: SqliteStore, { kept, gone, maybe, boxes }: FaultReport): Promise<readonly string[]> {
  const problems: string[] = []
  for (const [name, ids] of Object.entries(boxes)) {
    const account = await store.open(name)
    for (const id of ids) {
      const box = account.mailbox(id)
      const found = await namesIn(box)
      const here = kept.filter(({ mailbox }) => mailbox === id)
      for (const { uid, name: own, flags, isUnsure } of here) {
        const now = found.get(uid)
        found.delete(uid)
        if (now === undefined && isUnsure !== true) problems.push(`lost: UID ${uid} (${own}) of ${id}`)
        else if (now !== undefined && now.name !== own) problems.push(`UID ${uid} of ${id} is ${now.name}, not ${own}`)
        else if (now !== undefined && !flags.some(set => set.toSorted().join(' ') === now.flags))
          problems.push(`flags of UID ${uid} of ${id} are ${now.flags}`)
      }
      const left = gone.filter(({ mailbox }) => mailbox === id)
      for (const [uid, now] of found) {
        if (left.some(one => one.uid === uid)) problems.push(`back: UID ${uid} (${now.name}) of ${id}`)
        else if (!maybe.includes(now.name)) problems.push(`UID ${uid} (${now.name}) of ${id} came from nowhere`)
      }
      const octets = new TextEncoder().encode('Subject: new\r\n\r\n')
      const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
      const { uids } = await box.append([{ content, summary: octets, flags: [], internalDate: 0 }])
      const most = Math.max(0, ...[...here, ...left].map(({ uid }) => uid))
      if ((uids[0] ?? 0) <= most) problems.push(`UID ${uids[0]} of ${id} was given again`)
    }
  }
  return problems
}

async function lookAtQueue({ queue }: SqliteStore, { queued }: FaultReport): Promise<readonly string[]> {
  const problems: string[] = []
  for (const { id, name, settled } of queued) {
    const entry = await queue.show(id)
    const states = entry?.recipients.map(({ state }) => state) ?? []
    if (entry === undefined) problems.push(`lost: ${id} of the queue`)
    for (const index of settled) if (states[index] !== 'delivered') problems.push(`lost: recipient ${index} of ${id} is ${states[index]}`)
    if (states.every(state => state === 'delivered')) continue
    const own = await nameOf(await queue.content(id))
    if (own !== name) problems.push(`${id} of the queue is ${own}, not ${name}`)
  }
  return problems
}

async function lookAtCopy(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = []
  const copy = sqliteStore({ path: folder, compactEvery: 0 })
  try {
    const found = new Set<string>()
    for (const id of await copy.accounts()) {
      const account = await copy.open(id)
      for (const box of await account.mailboxes()) {
        for (const { name } of (await namesIn(account.mailbox(box.id))).values()) found.add(`${id} ${name}`)
      }
    }
    for (const name of names) if (!found.has(name)) problems.push(`the backup lacks ${name}`)
    // A segment of an earlier try that failed stays until the copy is compacted.
    problems.push(...damageIn(folder).filter(text => !/belongs to nothing/.test(text)))
  } finally {
    await copy.close()
  }
  return problems
}
