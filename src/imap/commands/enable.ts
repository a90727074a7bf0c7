/** ENABLE: the client knows these extensions, so they may show. RFC 9051 §6.3.1; RFC 5161. */

import { ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { AUTHENTICATED } from '../state.ts'

/** ENABLE. RFC 9051 §6.3.1. */
export const enable: Command = command({
  name: 'ENABLE',
  rfc: 'RFC 9051 §6.3.1',
  states: AUTHENTICATED,
  parse(p) {
    const wanted: string[] = []
    do {
      p.sp()
      wanted.push(p.keyword())
    } while (p.peek() === 0x20)
    return wanted
  },
  run(context, wanted) {
    const { enabled } = context
    const now: string[] = []
    if (wanted.includes('IMAP4REV2') && !enabled.rev2) {
      enabled.rev2 = true
      now.push('IMAP4rev2')
    }
    if (wanted.includes('UTF8=ACCEPT') && !enabled.utf8) {
      enabled.utf8 = true
      now.push('UTF8=ACCEPT')
    }
    if (wanted.includes('CONDSTORE') && !enabled.condstore) {
      context.enableCondstore()
      now.push('CONDSTORE')
    }
    // RFC 5161 §3.2: ENABLED is sent even when nothing new was enabled.
    context.out.untagged(['ENABLED', ...now].join(' '))
    return ok('Enabled')
  },
})
