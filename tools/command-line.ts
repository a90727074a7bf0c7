/** The command lines of the tools and benchmarks that people run: a page of help, and one line about what was not understood. */

/** Prints the page where it is asked for; what `read` throws is told in one line, and the exit code is 2. */
export function readArguments<T>(help: string, read: () => T): T {
  if (process.argv.slice(2).some(argument => argument === '--help' || argument === '-h')) {
    process.stdout.write(help)
    process.exit(0)
  }
  try {
    return read()
  } catch (error) {
    // The first sentence: what parseArgs adds about words that begin with a dash helps nobody here.
    const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s/)
    console.error(`${said}; --help shows what there is`)
    process.exit(2)
  }
}

/** The whole number that an option says. Throws, with what it takes, for anything else. */
export function wholeNumber(option: string, text: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new Error(`${option} takes a whole number ${range}, not "${text}"`)
}
