/** What the command line understands, as it is printed, and how a line is read. */

import type { CommandOption } from '../server/index.ts'

/** The command line was not understood; answered with exit code 2. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
  /** The command whose help says more, where one was recognised. */
  readonly command: string | undefined

  constructor(message: string, command?: string) {
    super(message)
    this.command = command
  }
}

/** What a command line asks for, beyond its words. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>

/** A command as its help describes it. */
export interface Described {
  /** `user add`. */
  readonly name: string
  /** Its arguments, such as `ADDRESS`. */
  readonly takes: string
  /** What it does, in a few words. */
  readonly text: string
  /** What a newcomer should know beyond that. */
  readonly more?: string
  readonly options: readonly CommandOption[]
}

const HELP: CommandOption = { name: 'help', text: 'this text' }
const WIDTH = 28

function line(left: string, text: string): string {
  return `  ${left.padEnd(WIDTH)}${left.length < WIDTH ? '' : `\n${' '.repeat(WIDTH + 2)}`}${text}\n`
}

function optionLine({ name, value, text }: CommandOption): string {
  return line(`--${name}${value === undefined ? '' : ` ${value}`}`, text)
}

/** The help of all commands, or of those that begin with one word (`user`). */
export function overview(commands: readonly Described[], noun?: string): string {
  const shown = noun === undefined ? commands : commands.filter(({ name }) => name.startsWith(`${noun} `))
  const lines = shown.map(({ name, takes, text }) => line(takes === '' ? name : `${name} ${takes}`, text)).join('')
  const usage = `Usage: mailwright ${noun === undefined ? 'COMMAND' : `${noun} COMMAND`} [options]\n\n${lines}\n`
  return noun === undefined
    ? `${usage}${line('COMMAND --help', 'what a command does and its options')}${line('--version', 'the release')}
Commands work on the folder of a server: ./data, or what --data says. With --json they tell one JSON value a line.
Exit codes: 0 done, 1 failed or something is not well, 2 wrong usage.
`
    : usage
}

/** The help of one command. */
export function helpOf({ name, takes, text, more, options }: Described): string {
  const argument = takes === '' ? '' : ` ${takes}`
  const about = more === undefined ? '' : `\n${more}\n`
  return `Usage: mailwright ${name}${argument} [options]\n\n${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.\n${about}\n${[...options, HELP].map(optionLine).join('')}`
}

/** A command line, read without knowing which command it is. */
export interface ReadLine {
  readonly words: readonly string[]
  /** Options in their order; the value is `undefined` where none came with it. */
  readonly options: readonly { readonly name: string; readonly value: string | undefined; readonly written: string }[]
}

/** Whether an option by that name has a value, in any command. */
type TakesValue = (name: string) => boolean

/** Splits a line into words and options: `--name value`, `--name=value`, `-h`; everything behind `--` is a word. */
export function readLine(args: readonly string[], takesValue: TakesValue): ReadLine {
  const words: string[] = []
  const options: { name: string; value: string | undefined; written: string }[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--') {
      words.push(...args.slice(at + 1))
      break
    }
    if (arg === '-h') options.push({ name: 'help', value: undefined, written: arg })
    else if (!arg.startsWith('-') || arg === '-') words.push(arg)
    else {
      const equals = arg.indexOf('=')
      const written = equals < 0 ? arg : arg.slice(0, equals)
      const name = written.replace(/^--?/, '')
      if (equals >= 0) options.push({ name, value: arg.slice(equals + 1), written })
      else if (takesValue(name) && args[at + 1]?.startsWith('--') === false) options.push({ name, value: args[++at], written })
      else options.push({ name, value: undefined, written })
    }
  }
  return { words, options }
}

/** The options of a line, checked against those of its command. Throws {@link UsageError} that says which there are. */
export function checkedOptions(line: ReadLine, { name: command, options: known }: Described): OptionValues {
  const values: Record<string, string | boolean> = {}
  for (const { name, value, written } of line.options) {
    const option = name === 'help' ? HELP : known.find(candidate => candidate.name === name)
    if (option === undefined || !written.startsWith(written === '-h' ? '-' : '--')) {
      const close = nearest(
        name,
        known.map(candidate => candidate.name),
      )
      const hint = close === undefined ? `it has ${known.map(candidate => `--${candidate.name}`).join(', ')}` : `did you mean --${close}?`
      throw new UsageError(`"mailwright ${command}" has no option ${written}: ${hint}`, command)
    }
    if (option.value === undefined && value !== undefined) throw new UsageError(`${written} takes no value`, command)
    if (option.value !== undefined && (value === undefined || value === '')) {
      throw new UsageError(`${written} takes a value: ${written} ${option.value}`, command)
    }
    values[name] = value ?? true
  }
  return values
}

/** A count that an option says. Throws {@link UsageError} for what is none. */
export function countOption(options: OptionValues, name: string, otherwise: number): number {
  const value = options[name]
  if (value === undefined) return otherwise
  if (typeof value !== 'string' || !/^[1-9]\d{0,8}$/.test(value))
    throw new UsageError(`--${name} takes a whole number of at least 1, not "${value}"`)
  return Number(value)
}

/** The candidate that was probably meant; `undefined` when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const steps = candidate.startsWith(word) && word.length >= 3 ? 1 : distance(word, candidate)
    if (steps < least) [best, least] = [candidate, steps]
  }
  return best
}

/** How many letters must be changed, added or left out. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
