/** SELECT and EXAMINE: a mailbox to work in. RFC 9051 §6.3.2, §6.3.3; RFC 7162 §3.1.2.1. */

import { codes, ok, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { AUTHENTICATED } from '../state.ts'
import { tellFlags } from '../updates.ts'
import { Selected } from '../view/selected.ts'
import type { Parser } from '../wire/parser.ts'

interface Arguments {
  readonly name: string
  readonly condstore: boolean
}

function parse(p: Parser): Arguments {
  p.sp()
  const name = p.mailbox()
  const parameters = p.skip(0x20) ? p.list(() => p.keyword()) : []
  const unknown = parameters.find(parameter => parameter !== 'CONDSTORE')
  return unknown === undefined ? { name, condstore: parameters.length > 0 } : p.fail('CONDSTORE')
}

/** SELECT. RFC 9051 §6.3.2. */
export const select: Command = command({
  name: 'SELECT',
  rfc: 'RFC 9051 §6.3.2',
  states: AUTHENTICATED,
  parse,
  run: (context, args) => open(context, args, 'read-write'),
})

/** EXAMINE. RFC 9051 §6.3.3. */
export const examine: Command = command({
  name: 'EXAMINE',
  rfc: 'RFC 9051 §6.3.3',
  states: AUTHENTICATED,
  parse,
  run: (context, args) => open(context, args, 'read-only'),
})

async function open(context: Context, { name, condstore }: Arguments, access: 'read-only' | 'read-write'): Promise<Completion> {
  const { out, mail } = context
  if (context.selected !== undefined) {
    // RFC 9051 §6.3.2: the mailbox before is deselected first, also when this one cannot be selected.
    context.deselect()
    out.untagged('OK [CLOSED] The mailbox before is closed')
  }
  const info = await context.find(name)
  if (info === undefined) return codes.noSuchMailbox
  const state = await mail.hub.enter(info.id, context)
  const view = new Selected(info, mail.account.mailbox(info.id), state, access)
  context.selected = view
  if (condstore) context.enabled.condstore = true
  out.untagged(`${view.count} EXISTS`)
  if (!context.enabled.rev2) tellOldCounts(context, view)
  out.untagged(`OK [UIDVALIDITY ${info.uidValidity}] UIDs are valid`)
  out.untagged(`OK [UIDNEXT ${state.uidNext}] The next UID`)
  tellFlags(out, view)
  out.untagged(`OK [HIGHESTMODSEQ ${Math.max(1, state.highestModSeq)}] The highest modification sequence`)
  if (context.enabled.rev2) out.text('* LIST () "/" ').mailbox(info.name, context.nameForm).text('\r\n')
  return access === 'read-only' ? ok('Selected', 'READ-ONLY') : ok('Selected', 'READ-WRITE')
}

/** What only IMAP4rev1 has: RECENT, and the first message without `\Seen`. RFC 3501 §6.3.1. */
function tellOldCounts({ out }: Context, view: Selected): void {
  // RFC 9051 §A: a server may always say 0.
  out.untagged('0 RECENT')
  const { state } = view
  for (let place = 0; place < view.count; place++) {
    if (state.flags.set(state.flagIds[place] ?? 0).isSeen) continue
    out.untagged(`OK [UNSEEN ${place + 1}] The first message that was not seen`)
    return
  }
}
