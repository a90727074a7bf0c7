/** Where commands tell what they did, and where secrets are read: never from arguments, which every user of the machine can see. */

import { createInterface } from 'node:readline'

/** Words or JSON towards whoever typed the command. */
export interface Terminal {
  /** One fact: in words, or as JSON where that was asked for. */
  tell(words: string, facts: Readonly<Record<string, unknown>>): void
  /** A remark that is no result: on stderr, so that it is in nobody's way. */
  note(words: string): void
  /** One line from stdin; asked for on stderr, without echo, when a person sits there. */
  secret(question: string): Promise<string>
}

/** The terminal of this process. */
export function processTerminal(json: boolean): Terminal {
  return {
    tell(words, facts) {
      process.stdout.write(`${json ? JSON.stringify(facts) : words}\n`)
    },
    note(words) {
      process.stderr.write(`mailwright: ${words}\n`)
    },
    async secret(question) {
      const isPerson = process.stdin.isTTY
      if (isPerson) process.stderr.write(question)
      const lines = createInterface({ input: process.stdin, terminal: isPerson })
      try {
        for await (const line of lines) return line
      } finally {
        lines.close()
        if (isPerson) process.stderr.write('\n')
      }
      throw new Error('no password came from stdin: type one, or send it with printf %s "$PASSWORD" | mailwright …')
    },
  }
}
