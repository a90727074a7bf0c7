/** What a command is: a row of the table. RFC 1939 §9. */

import type { Context } from './context.ts'
import type { Reply } from './replies.ts'
import type { SessionState } from './state.ts'
import type { Parser } from './wire/parser.ts'

/** The reply, or nothing when the command has printed its answer itself. */
export type Outcome = Reply | undefined

/** A command, ready for the table. */
export interface Command {
  /** The keyword, in upper case. */
  readonly name: string
  /** Where it is specified. */
  readonly rfc: string
  readonly states: readonly SessionState[]
  /** Reads the arguments; what it answers runs the command. Throws `SyntaxFault`. */
  bind(p: Parser): (context: Context) => Outcome | Promise<Outcome>
}

/** A command as its file writes it. */
export interface CommandDefinition<Arguments> {
  readonly name: string
  readonly rfc: string
  readonly states: readonly SessionState[]
  readonly parse: (p: Parser) => Arguments
  readonly run: (context: Context, given: Arguments) => Outcome | Promise<Outcome>
}

/** Makes the row of a definition. */
export function command<Arguments>(definition: CommandDefinition<Arguments>): Command {
  const { name, rfc, states, parse, run } = definition
  return {
    name,
    rfc,
    states,
    bind(p) {
      const given = parse(p)
      return context => run(context, given)
    },
  }
}

/** `parse` of commands without arguments. */
export function noArguments(p: Parser): void {
  p.end()
}
