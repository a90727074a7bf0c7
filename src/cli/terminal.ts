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

/** JSON leaves C1 controls and marks that turn text around as they are, and some terminals obey them (S14). */
function asciiJson(facts: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(facts).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The terminal of this process. */
export function processTerminal(json: boolean): Terminal {
  return {
    tell(words, facts) {
      process.stdout.write(`${json ? asciiJson(facts) : words}\n`)
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
