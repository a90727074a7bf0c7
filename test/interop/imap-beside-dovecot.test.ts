/** Commands made up from a seed, to our engine and to Dovecot: the answers are the same, but for what each may choose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'mailwright/testing'
import { requireProgram } from '../support/programs.ts'
import { answerOf, responses } from './beside/answers.ts'
import type { Answer } from './beside/answers.ts'
import { Dovecot, dovecotImap } from './beside/dovecot.ts'
import type { Session } from './beside/dovecot.ts'
import { MESSAGES } from './beside/messages.ts'
import { Ours } from './beside/ours.ts'
import { Scripts } from './beside/scripts.ts'
import type { Area } from './beside/scripts.ts'

const skip = requireProgram('dovecot')

const FLAGS_AT_FIRST = ['(\\Seen)', '()', '(\\Deleted work)', '()'] as const

const SETUP: readonly string[] = [
  ...['a', 'b', 'a/b', '"two words"', 'INBOX/x'].map(name => `CREATE ${name}`),
  ...['a', 'a/b', '"two words"', 'INBOX/x'].map(name => `SUBSCRIBE ${name}`),
  ...MESSAGES.map(
    (text, i) => `APPEND INBOX ${FLAGS_AT_FIRST[i % 4] ?? '()'} " ${1 + (i % 3)}-Jan-2026 1${i}:00:00 +0000" {${text.length}+}\r\n${text}`,
  ),
  'SELECT INBOX',
]

/** Why two answers that are not the same are both right. */
function excused(command: string, ours: Answer, theirs: Answer): boolean {
  // RFC 9051 §6.4.7: we look for the mailbox even when there is nothing to copy into it.
  if (theirs.raw.includes('No messages found')) return true
  // RFC 9051 §6.4.6: STORE answers with the flags as they are; Dovecot with those that it changed.
  return /^(UID )?STORE/.test(command) && sameEnd(ours, theirs) && theirs.untagged.every(form => ours.untagged.includes(form))
}

/** OK or NO alike; the codes too where both have some, and not why a command failed: several reasons may hold. */
function sameEnd(ours: Answer, theirs: Answer): boolean {
  const [[status = '', ...code], [other = '', ...otherCode]] = [ours.completion.split(' '), theirs.completion.split(' ')]
  return status === other && (status === 'NO' || code.length === 0 || otherCode.length === 0 || code.join() === otherCode.join())
}

class Pair {
  readonly #sessions: readonly [Session, Session]
  #tags = 0
  exists = 0

  constructor(ours: Session, theirs: Session) {
    this.#sessions = [ours, theirs]
  }

  async say(command: string): Promise<void> {
    const tag = `t${this.#tags++}`
    const [ours, theirs] = [
      answerOf(await this.#sessions[0].say(tag, command), tag),
      answerOf(await this.#sessions[1].say(tag, command), tag),
    ]
    for (const response of responses(ours.raw)) {
      const [, number = '', what] = /^\* (\d+) (EXISTS|EXPUNGE)/.exec(response) ?? []
      if (what !== undefined) this.exists = what === 'EXISTS' ? Number(number) : this.exists - 1
    }
    if (excused(command, ours, theirs)) return
    assert.deepEqual(ours.untagged, theirs.untagged, command)
    assert.ok(sameEnd(ours, theirs), `${command}: ${ours.completion}, and Dovecot ${theirs.completion}`)
  }
}

async function compare(area: Area, seed: number, steps: number): Promise<void> {
  using dovecot = new Dovecot(dovecotImap() ?? '')
  const ours = await Ours.make()
  const [mine, its] = [await ours.open(), await dovecot.open()]
  try {
    const pair = new Pair(mine, its)
    const scripts = new Scripts(seededRandom(seed))
    for (const command of SETUP) await pair.say(command)
    for (let step = 0; step < steps; step++) {
      scripts.exists = pair.exists
      await pair.say(scripts.command(area))
    }
  } finally {
    mine.end()
    its.end()
  }
}

for (const [area, seeds, steps] of [
  ['fetch', 20, 60],
  ['search', 20, 80],
  ['messages', 30, 60],
  ['mailboxes', 30, 50],
] as const) {
  test(`${seeds * steps} commands about ${area} are answered as Dovecot answers them (RFC 9051 §6.3, §6.4)`, { skip }, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        await compare(area, seed, steps)
      } catch (error) {
        throw new Error(`${area}, seed ${seed}`, { cause: error })
      }
    }
  })
}
