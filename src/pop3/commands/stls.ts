/** STLS: TLS from here on, and nothing that was said before. RFC 2595 §4. */

import { Disconnected } from '../../engine/sliced-work.ts'
import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import { negative, positive } from '../replies.ts'
import { AUTHORIZATION } from '../state.ts'

/** STLS. */
export const stls: Command = command({
  name: 'STLS',
  rfc: 'RFC 2595 §4',
  states: AUTHORIZATION,
  parse: noArguments,
  async run(context) {
    const { transport, out, framer, connection } = context
    if (transport.tls !== undefined) return negative('TLS is on already')
    if (!transport.canStartTls) return negative('[SYS/PERM] There is no TLS here')
    // RFC 6856 §2.1: "Clients MUST NOT issue the STLS command after issuing UTF8".
    if (context.utf8) return negative('STLS comes before UTF8')
    out.reply(positive('Begin TLS now'))
    const pressure = out.flush()
    if (pressure !== undefined) await pressure
    // What came in the same breath was said in the clear, perhaps by somebody else: it never runs (P12).
    framer.dropBuffered()
    try {
      await transport.startTls()
    } catch {
      throw new Disconnected()
    }
    framer.dropBuffered()
    connection.tls = transport.tls
    return undefined
  },
})
