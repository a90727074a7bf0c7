/** What a command of the command line is, and what it is given to work with. */

import type { OptionValues, Described } from './usage.ts'
import type { Progress } from './progress.ts'
import type { Terminal } from './terminal.ts'

/** One call of a command. */
export interface Call {
  /** The words behind the command. */
  readonly words: readonly string[]
  /** The folder of the server. */
  readonly data: string
  readonly options: OptionValues
  readonly terminal: Terminal
  readonly progress: Progress
  /** Fires when the operator asks to stop. */
  readonly signal: AbortSignal
}

/** One command. */
export interface Command extends Described {
  /** Words that it takes at least and at most. */
  readonly arity: readonly [least: number, most: number]
  /** What must be in the folder already; a command with nothing here may make the folder. */
  readonly needs: readonly ('mail' | 'accounts')[]
  /** Does it; `false` when something was found that is not well. */
  run(call: Call): Promise<boolean | void>
}

/** Options that every command has. */
export const COMMON: Described['options'] = [
  { name: 'data', value: 'DIR', text: 'folder of the server (default ./data)' },
  { name: 'json', text: 'one JSON value a line instead of words' },
]
