/** IDLE: the client waits, and is told of every change as it happens. RFC 9051 §6.3.13; RFC 2177. */

import { startsWithFolded } from '../../bytes/ascii.ts'
import { Disconnected } from '../../engine/sliced-work.ts'
import { bad, ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { AUTHENTICATED } from '../state.ts'

/** IDLE. RFC 9051 §6.3.13. */
export const idle: Command = command({
  name: 'IDLE',
  rfc: 'RFC 9051 §6.3.13',
  states: AUTHENTICATED,
  parse: noArguments,
  async run(context) {
    context.out.text('+ idling\r\n')
    context.tellUpdates('tell')
    // One closure for as long as the client idles.
    context.onChange = pusher(context)
    try {
      const { heartbeat, autologout } = context.house.settings
      for (let silent = 0; ;) {
        const within = Math.min(heartbeat, autologout - silent)
        const line = await context.input.line(within)
        if (line === 'end') throw new Disconnected()
        if (line === 'timeout') {
          silent += within
          if (silent >= autologout) {
            context.out.untagged('BYE You were silent for too long')
            context.isEnding = true
            return ok('')
          }
          // Outlook takes a silent server for a dead one; so do address translators.
          context.out.untagged('OK Still here')
          continue
        }
        if (line?.length === 4 && startsWithFolded(line, 0, 'done')) return ok('Idled')
        // As with any faulty line: whether a command or a literal follows cannot be known.
        if (line === undefined) return { ...bad('Expected DONE'), bye: 'The next command cannot be found' }
        // RFC 9051 §6.3.13: only DONE may come. Apple Mail has been seen to send its next command without it, and to wait for
        // the answer for ever: the command counts as DONE and is run.
        context.input.putBack(line)
        return ok('Idled, without DONE')
      }
    } finally {
      context.onChange = undefined
    }
  },
})

/** Tells changes as they come: once for all that happen in one turn, and not while the client does not read. */
function pusher(context: Context): () => void {
  let isDue = false
  const push = (): void => {
    isDue = false
    if (context.onChange === undefined) return
    context.tellUpdates('tell')
    const pressure = context.out.flush()
    if (pressure === undefined) return
    isDue = true
    void pressure.then(push)
  }
  return () => {
    if (isDue) return
    isDue = true
    void Promise.resolve().then(push)
  }
}
