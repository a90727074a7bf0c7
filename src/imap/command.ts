/** What a command declares: its name, its section, where it is allowed, how it is read and what it does. RFC 9051 §6. */

import type { Completion } from './codes.ts'
import type { Context } from './context.ts'
import type { Later } from './later.ts'
import type { SessionState } from './state.ts'
import type { Parser } from './wire/parser.ts'

/** A command with arguments of type `A`. */
export interface CommandSpec<A> {
  /** In upper case; `UID FETCH` for the UID form. */
  readonly name: string
  /** The section that defines it. */
  readonly rfc: string
  /** The states in which it is allowed. RFC 9051 §3. */
  readonly states: readonly SessionState[]
  /**
   * Whether messages that are gone may be told before its completion. RFC 9051 §7.5.1 forbids it for FETCH, STORE and
   * SEARCH with sequence numbers: `keep`. Default: `tell`.
   */
  readonly expunge?: 'tell' | 'keep'
  /** Reads the arguments, the space before them included, up to the end of the command, exclusive. */
  parse(p: Parser): A
  /** Prints untagged responses and answers how it ended. */
  run(context: Context, args: A): Completion | Promise<Completion | Later>
}

/** Runs a command with its arguments. */
export type Bound = (context: Context) => Completion | Promise<Completion | Later>

/** A command whose arguments are nobody else's business. */
export interface Command extends Omit<CommandSpec<unknown>, 'parse' | 'run'> {
  /** Reads the arguments. */
  bind(p: Parser): Bound
}

/** Makes a command from what it declares. */
export function command<A>(spec: CommandSpec<A>): Command {
  return {
    name: spec.name,
    rfc: spec.rfc,
    states: spec.states,
    expunge: spec.expunge ?? 'tell',
    bind(p) {
      const args = spec.parse(p)
      p.end()
      return context => spec.run(context, args)
    },
  }
}

/** For commands without arguments. */
export function noArguments(): undefined {
  return undefined
}
