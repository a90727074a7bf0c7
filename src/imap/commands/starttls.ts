/** STARTTLS: from here on nobody listens in. RFC 9051 §6.2.1. */

import { Disconnected } from '../../engine/sliced-work.ts'
import { bad, ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { NOT_AUTHENTICATED } from '../state.ts'

/** STARTTLS. RFC 9051 §6.2.1. */
export const starttls: Command = command({
  name: 'STARTTLS',
  rfc: 'RFC 9051 §6.2.1',
  states: NOT_AUTHENTICATED,
  parse: noArguments,
  async run(context) {
    const { transport, connection, input, out, tag } = context
    if (!transport.canStartTls) return bad('TLS cannot begin here')
    // RFC 9051 §6.2.1: "the server MUST … discard any information … received before TLS": what an attacker put behind
    // this command in the clear must not run as if it came through TLS.
    input.dropBuffered()
    out.completion(tag, ok('Begin TLS now'))
    void out.flush()
    try {
      await transport.startTls()
    } catch {
      throw new Disconnected()
    }
    input.dropBuffered()
    connection.tls = transport.tls
    // The completion is out already.
    return ok('')
  },
})
