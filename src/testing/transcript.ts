/** The transcript runner: plays a written dialogue against an engine and says where the two part ways. */

import { AssertionError } from 'node:assert'
import { Stage } from './transcript-stage.ts'
import { parseScript } from './script.ts'
import type { TranscriptSource, TranscriptSubject } from './transcript-subject.ts'

const REPLAYS: readonly { readonly name: string; readonly octetsPerRead?: number }[] = [
  { name: 'whole' },
  { name: 'octet by octet', octetsPerRead: 1 },
  { name: 'in threes', octetsPerRead: 3 },
]

/**
 * Plays a dialogue against an engine, three times: what the client says arrives whole (lines that follow one another are
 * pipelined), octet by octet, and in threes. The dialogue must be the script each time. Give a function when the dialogue
 * changes something, so that each replay begins in a fresh world.
 *
 * The notation, one step a line, indented as you like; empty lines and lines beginning with `#` are passed over:
 *
 * - `C: text` the client says a line; CRLF is added. `C~ text` the client sends octets as they are, without CRLF; `\r`,
 *   `\n`, `\t`, `\\` and `\xHH` stand for octets.
 * - `S: text` the server must say this line next. `*` matches any run of characters, but a `*` before a space at the very
 *   beginning stands for itself (IMAP's untagged responses). `S: ...` passes over lines up to the one that follows in the
 *   script; `S: (nothing)` the server has nothing to say; `S: (closed)` the server ends the connection.
 * - Several clients: any other capital letter names one. `A: text` and `A~ octets` it says, `A< text` it must hear. A
 *   client connects where it is first named. (`S:` is short for `C<`.)
 * - `C: (tls)` the client does the handshake that the engine has asked for, `C: (tls fails)` it fails it; `C: (end)` it
 *   sends nothing more; `C: (gone)` it vanishes; `C: (connect)` it connects, or connects again; `C: (stops reading)`,
 *   `C: (reads again)`.
 * - `T: 31 minutes` the clock moves (`ms`, `seconds`, `minutes`, `hours`, `days`).
 * - `H: name` the host does what `steps` calls by that name.
 *
 * A literal is its octet count and then lines: `C: a1 LOGIN {3}`, `S: + *`, `C: ann {6}` ...
 *
 * Every line that the server says must be in the script; when it is over, the clients vanish and the engine must let go.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { fakeClock, transcript } from 'mailwright/testing'
 * import type { Engine } from 'mailwright/contracts'
 *
 * declare const engine: Engine
 *
 * test('QUIT ends the session (RFC 1939 §6)', () => transcript(engine, `
 *   S: +OK *
 *   C: QUIT
 *   S: +OK *
 *   S: (closed)
 * `))
 * ```
 */
export async function transcript(source: TranscriptSource, script: string): Promise<void> {
  const steps = parseScript(script)
  for (const replay of REPLAYS) {
    const subject = await subjectOf(source)
    const stage = new Stage(subject, replay.octetsPerRead)
    try {
      for (const step of steps) await stage.play(step)
      await stage.leave()
    } catch (error) {
      stage.abandon()
      throw new AssertionError({ message: failure(replay.name, stage.dialogue, error), stackStartFn: transcript })
    } finally {
      await subject.close?.()
    }
  }
}

async function subjectOf(source: TranscriptSource): Promise<TranscriptSubject> {
  const made = typeof source === 'function' ? await source() : source
  return 'engine' in made ? made : { engine: made }
}

function failure(replay: string, dialogue: readonly string[], error: unknown): string {
  const told = dialogue.map(line => `    ${line}`).join('\n')
  const why = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error && error.cause !== undefined ? `\n${describe(error.cause)}` : ''
  return `The dialogue left its script (input ${replay}):\n${told}\n  ${why}${cause}`
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
