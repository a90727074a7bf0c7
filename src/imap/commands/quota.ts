/** GETQUOTA and GETQUOTAROOT: what the account holds and may hold. RFC 9208 §4.2. */

import type { QuotaLimits, Usage } from '../../contracts/mailbox-info.ts'
import { bad, codes, no, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { AUTHENTICATED } from '../state.ts'

const UNSUPPORTED = bad('There is no quota here')

/** GETQUOTA. RFC 9208 §4.2. */
export const getQuota: Command = command({
  name: 'GETQUOTA',
  rfc: 'RFC 9208 §4.2',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    return p.astring()
  },
  async run(context, root) {
    if (context.mail.account.usage === undefined) return UNSUPPORTED
    // RFC 9208 §3.2: there is one root, and its name is empty.
    if (root !== '') return no('NONEXISTENT', 'There is no such quota root')
    await tellQuota(context)
    return ok('Told')
  },
})

/** GETQUOTAROOT. RFC 9208 §4.1.2. */
export const getQuotaRoot: Command = command({
  name: 'GETQUOTAROOT',
  rfc: 'RFC 9208 §4.1.2',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    return p.mailbox()
  },
  async run(context, name) {
    if (context.mail.account.usage === undefined) return UNSUPPORTED
    const info = await context.find(name)
    if (info === undefined) return codes.noSuchMailbox
    context.out.text('* QUOTAROOT ').mailbox(info.name, context.nameForm).text(' ""\r\n')
    await tellQuota(context)
    return ok('Told')
  },
})

async function tellQuota(context: Context): Promise<void> {
  const usage = await context.mail.account.usage?.()
  if (usage === undefined) return
  context.out.untagged(`QUOTA "" (${resources(usage, context.connection.principal?.account.quota ?? {}).join(' ')})`)
}

/** RFC 9208 §5.1: STORAGE counts units of 1,024 octets; §4.2.1: a resource without a limit is left out. */
function resources(usage: Usage, limits: QuotaLimits): string[] {
  const told: string[] = []
  if (limits.octets !== undefined) told.push(`STORAGE ${Math.ceil(usage.octets / 1024)} ${Math.floor(limits.octets / 1024)}`)
  if (limits.messages !== undefined) told.push(`MESSAGE ${usage.messages} ${limits.messages}`)
  return told
}
