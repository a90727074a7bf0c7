/** Commands made up from a seed: valid, and about the few messages and mailboxes there are. RFC 9051 §6; RFC 3501 §6.4. */

import type { SeededRandom } from 'mailwright/testing'
import { MESSAGES } from './messages.ts'

/** Which areas a script is about. */
export type Area = 'mailboxes' | 'messages' | 'search' | 'fetch'

const NAMES = ['INBOX', 'a', 'a/b', 'b', '"two words"', 'Entw&APw-rfe', 'INBOX/x', '"a"', 'Inbox'] as const
const LEAVES = ['a/b', 'b', '"two words"', 'Entw&APw-rfe', 'new', '"b"'] as const
const PATTERNS = ['*', '%', 'a*', 'a/%', '%/b', 'INBOX', 'inbox', 'b', '"*o*"', 'a/b/%', '%/%', '""', 'x*', 'I%', 'i*'] as const
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', '\\Answered', '\\Draft', '$Forwarded', 'work', 'NonJunk'] as const
const WORDS = ['hello', 'HELLO', 'alpha', '"in the body"', 'bob', 'ann@example.org', '""', 'multi', 'o', '"line two"', 'sub'] as const
const BODY_WORDS = ['hello', 'HELLO', 'alpha', '"in the body"', 'wrote', '"line two"', 'softbreak', 'absent'] as const
const FIELDS = ['Subject', 'from', 'To', 'X-Custom', 'X-Absent', 'Received', 'message-id', 'date'] as const
const SECTIONS = [
  '',
  'HEADER',
  'TEXT',
  '1',
  '2',
  '1.1',
  '2.1',
  '1.2',
  '3',
  '1.MIME',
  '2.MIME',
  '2.HEADER',
  '2.TEXT',
  '2.1.MIME',
  '1.HEADER',
  '2.HEADER.FIELDS (Subject)',
  'HEADER.FIELDS (Subject)',
  'HEADER.FIELDS (from X-Custom subject)',
  'HEADER.FIELDS.NOT (Subject To)',
  'HEADER.FIELDS (X-Absent)',
] as const
const DAYS = ['1-Jan-2026', '"2-Jan-2026"', '31-Dec-2025', '3-Jan-2026', '01-Jan-2026', '"15-Feb-2025"'] as const

/** Makes commands; the same seed makes the same. */
export class Scripts {
  readonly #random: SeededRandom

  /** How many messages the selected mailbox has: a larger sequence number is an error (RFC 9051 §6.4.9). */
  exists = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  command(area: Area): string {
    const random = this.#random
    switch (area) {
      case 'mailboxes':
        return random.pick<() => string>([
          () => `CREATE ${this.#name()}`,
          () => `CREATE ${this.#name()}`,
          () => `DELETE ${random.pick(LEAVES)}`,
          () => `RENAME ${random.pick(LEAVES)} ${random.pick(['c', ...LEAVES])}`,
          () => `SUBSCRIBE ${random.pick(['INBOX', 'Inbox'])}`,
          () => `UNSUBSCRIBE ${this.#name()}`,
          () => `LIST "" ${this.#pattern()}`,
          () => `LIST ${random.pick(['a', 'a/', '""', 'b', 'INBOX'])} ${random.pick(['*', '%', 'b', '%b*'])}`,
          () => `LSUB "" ${this.#pattern()}`,
          () => this.#listExtended(),
          () => `STATUS ${this.#name()} (${this.#statusItems()})`,
          () => this.#append(),
          () => random.pick(['NOOP', 'NAMESPACE', 'CLOSE', 'UNSELECT', 'CHECK']),
        ])()
      case 'messages':
        return random.pick<() => string>([
          () => this.#store(),
          () => this.#store(),
          () => this.#store(),
          () => `${this.#numbered('COPY', 1)} ${this.#name()}`,
          () => `${this.#numbered('MOVE', 1)} ${this.#name()}`,
          () => this.#append(),
          () => random.pick(['EXPUNGE', 'NOOP', 'NOOP', 'CHECK']),
          () => `UID EXPUNGE ${this.#set(true)}`,
          () => `${this.#numbered('FETCH')} (UID FLAGS)`,
          () => this.search(),
          () => `SELECT ${random.pick(['INBOX', 'INBOX', 'a', 'b'])}`,
          () => random.pick(['CLOSE', 'UNSELECT', 'NOOP', 'NOOP', 'NOOP']),
          () => `STATUS ${random.pick(['INBOX', 'a', 'b'])} (${this.#statusItems()})`,
        ])()
      case 'search':
        return this.search()
      case 'fetch':
        return this.fetch()
    }
  }

  search(): string {
    const random = this.#random
    const keys = Array.from({ length: 1 + random.below(3) }, () => this.#key(0)).join(' ')
    const returns = random.pick([
      '',
      '',
      ' RETURN ()',
      ' RETURN (MIN MAX COUNT)',
      ' RETURN (ALL)',
      ' RETURN (COUNT)',
      ' RETURN (MIN)',
      ' RETURN (SAVE)',
    ])
    return `${this.#uid()}SEARCH${returns}${random.pick(['', '', ' CHARSET UTF-8', ' CHARSET US-ASCII'])} ${keys}`
  }

  fetch(): string {
    const random = this.#random
    const items = Array.from({ length: 1 + random.below(4) }, () => this.#item())
    return `${this.#numbered('FETCH')} (${items.join(' ')})`
  }

  #uid(): string {
    return this.#random.pick(['', 'UID '])
  }

  // Dovecot 2.3 says nothing for ever to some COPY and MOVE of overlapping runs.
  #numbered(command: string, most?: number): string {
    const isUid = this.#random.below(2) === 0
    return `${isUid ? 'UID ' : ''}${command} ${this.#set(isUid, most)}`
  }

  #name(): string {
    return this.#random.pick(NAMES)
  }

  #pattern(): string {
    return this.#random.pick(PATTERNS)
  }

  #set(isUid: boolean, most: number = 3): string {
    const random = this.#random
    const number = (): string => (random.below(5) === 0 ? '*' : String(1 + random.below(isUid ? 20 : Math.max(this.exists, 1))))
    const range = (): string => random.pick<() => string>([number, () => `${number()}:${number()}`, () => '1:*'])()
    return Array.from({ length: 1 + random.below(most) }, range).join(',')
  }

  #some(of: readonly [string, ...string[]], most: number): string[] {
    return [...new Set(Array.from({ length: 1 + this.#random.below(most) }, () => this.#random.pick(of)))]
  }

  #statusItems(): string {
    return [...new Set(this.#some(['MESSAGES', 'UIDNEXT', 'UNSEEN', 'SIZE'], 3))].join(' ')
  }

  #listExtended(): string {
    const random = this.#random
    const select = random.pick(['', '(SUBSCRIBED) ', '(SUBSCRIBED RECURSIVEMATCH) ', '(REMOTE) ', '() '])
    const what = random.pick([() => this.#pattern(), () => `(${this.#pattern()} ${this.#pattern()})`])()
    const returns = random.pick([
      '',
      ' RETURN (CHILDREN)',
      ' RETURN (SUBSCRIBED)',
      ' RETURN (SUBSCRIBED CHILDREN)',
      ' RETURN (STATUS (MESSAGES UIDNEXT))',
    ])
    return `LIST ${select}"" ${what}${returns}`
  }

  #store(): string {
    const random = this.#random
    const change = random.pick(['', '+', '-'])
    return `${this.#numbered('STORE')} ${change}FLAGS${random.pick(['', '.SILENT'])} (${this.#some(FLAGS, 3).join(' ')})`
  }

  #append(): string {
    const random = this.#random
    const text = random.pick(MESSAGES)
    const flags = random.pick(['', `(${this.#some(FLAGS, 2).join(' ')}) `, '() '])
    const date = `"${random.pick([' 1-Jan-2026 10:00:00 +0000', ' 2-Jan-2026 23:30:00 -0500', '15-Feb-2025 00:10:00 +0900'])}" `
    return `APPEND ${random.pick(['INBOX', 'a', 'b', 'absent'])} ${flags}${random.below(4) === 0 ? date : date}{${text.length}+}\r\n${text}`
  }

  #key(depth: number): string {
    const random = this.#random
    if (depth < 3 && random.below(4) === 0) {
      return random.pick<() => string>([
        () => `NOT ${this.#key(depth + 1)}`,
        () => `OR ${this.#key(depth + 1)} ${this.#key(depth + 1)}`,
        () => `(${this.#key(depth + 1)} ${this.#key(depth + 1)})`,
      ])()
    }
    return random.pick<() => string>([
      () =>
        random.pick([
          'ALL',
          'ANSWERED',
          'DELETED',
          'DRAFT',
          'FLAGGED',
          'SEEN',
          'UNANSWERED',
          'UNDELETED',
          'UNDRAFT',
          'UNFLAGGED',
          'UNSEEN',
        ]),
      () => `${random.pick(['KEYWORD', 'UNKEYWORD'])} ${random.pick(['work', '$Forwarded', 'absent', 'WORK'])}`,
      () => `${random.pick(['BEFORE', 'ON', 'SINCE', 'SENTON', 'SENTSINCE'])} ${random.pick(DAYS)}`,
      () => `${random.pick(['LARGER', 'SMALLER'])} ${random.pick(['0', '100', '300', '1000'])}`,
      () => `${random.pick(['FROM', 'TO', 'CC', 'BCC', 'SUBJECT'])} ${random.pick(WORDS)}`,
      () => `${random.pick(['BODY', 'TEXT'])} ${random.pick(BODY_WORDS)}`,
      () => `HEADER ${random.pick(FIELDS)} ${random.pick(WORDS)}`,
      () => `UID ${this.#set(true)}`,
      () => this.#set(false),
      () => '$',
    ])()
  }

  #item(): string {
    const random = this.#random
    const partial = random.pick(['', '', '<0.10>', `<${random.below(60)}.${1 + random.below(300)}>`, '<9999.10>'])
    return random.pick<() => string>([
      () => random.pick(['UID', 'FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE']),
      () => `BODY.PEEK[${random.pick(SECTIONS)}]${partial}`,
      () => `BODY.PEEK[${random.pick(SECTIONS)}]${partial}`,
      () => `BODY[${random.pick(SECTIONS)}]`,
      () => random.pick(['RFC822', 'RFC822.HEADER', 'RFC822.TEXT']),
      () => `BINARY.PEEK[${random.pick(['1', '2', '1.1', '2.1'])}]`,
      () => `BINARY.SIZE[${random.pick(['1', '2', '1.1', '2.1'])}]`,
    ])()
  }
}
