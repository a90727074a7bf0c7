/** What two IMAP servers answered, in a form that can be compared: order, spelling and what either may choose are gone. RFC 9051 §7. */

/** A token of an answer: a text, a list, or nothing. */
export type Token = string | null | readonly Token[]

/** What a server said to one command. */
export interface Answer {
  /** `OK`, `NO` or `BAD`, and the response code where both must give the same. */
  readonly completion: string
  /** The untagged answers, each in its comparable form, sorted. */
  readonly untagged: readonly string[]
  readonly raw: string
}

/** Splits what a server sent into responses; literals stay in them. */
export function responses(text: string): string[] {
  const found: string[] = []
  let start = 0
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at)
    if (end === -1) return found
    const literal = /\{(\d+)\}$/.exec(text.slice(start, end).slice(-20))
    if (literal !== null) {
      at = end + 2 + Number(literal[1])
      continue
    }
    found.push(text.slice(start, end))
    start = at = end + 2
  }
}

/** Reads the tokens of a response from `at`, until its end or the end of the list. */
export function tokens(text: string, at: { i: number }): Token[] {
  const found: Token[] = []
  while (at.i < text.length) {
    const c = text.charAt(at.i)
    if (c === ' ') at.i++
    else if (c === ')') {
      at.i++
      return found
    } else if (c === '(') {
      at.i++
      found.push(tokens(text, at))
    } else if (c === '"') {
      let value = ''
      for (at.i++; text.charAt(at.i) !== '"'; at.i++) {
        if (text.charAt(at.i) === '\\') at.i++
        value += text.charAt(at.i)
      }
      at.i++
      found.push(value)
    } else if (c === '{' || (c === '~' && text.charAt(at.i + 1) === '{')) {
      const head = /~?\{(\d+)\}\r\n/y
      head.lastIndex = at.i
      const size = Number(head.exec(text)?.[1])
      found.push(text.slice(head.lastIndex, head.lastIndex + size))
      at.i = head.lastIndex + size
    } else found.push(atom(text, at))
  }
  return found
}

/** An atom; what is within brackets belongs to it, spaces and lists too (`BODY[HEADER.FIELDS (To)]<0>`). */
function atom(text: string, at: { i: number }): Token {
  let depth = 0
  const from = at.i
  for (; at.i < text.length; at.i++) {
    const c = text.charAt(at.i)
    if (c === '[') depth++
    else if (c === ']') depth--
    else if (depth === 0 && (c === ' ' || c === ')' || c === '(')) break
  }
  const word = text.slice(from, at.i)
  return word === 'NIL' ? null : word
}

/** Response codes that both must give. */
const CODES: ReadonlySet<string> = new Set([
  'ALREADYEXISTS',
  'APPENDUID',
  'BADCHARSET',
  'COPYUID',
  'EXPUNGEISSUED',
  'MODIFIED',
  'NONEXISTENT',
  'READ-ONLY',
  'READ-WRITE',
  'TRYCREATE',
  'UIDNEXT',
])

/** Codes that begin with a UIDVALIDITY, which is each server's own. */
const DATED: ReadonlySet<string> = new Set(['APPENDUID', 'COPYUID'])

/** What stands in brackets after OK or NO, as far as it must be the same. */
function code(text: string): string {
  const inner = /^\[([^\]]*)\]/.exec(text)?.[1]
  if (inner === undefined) return ''
  const [name = '', ...rest] = inner.split(' ')
  if (!CODES.has(name)) return ''
  return [name, ...(DATED.has(name) ? rest.slice(1) : rest)].join(' ')
}

/** The answer to the command with this tag. */
export function answerOf(raw: string, tag: string): Answer {
  let completion = ''
  const untagged: string[] = []
  for (const response of responses(raw)) {
    if (response.startsWith(`${tag} `)) {
      const [, status = '', text = ''] = /^\S+ (\S+) ?(.*)$/s.exec(response) ?? []
      completion = `${status} ${code(text)}`.trim()
    } else if (response.startsWith('* ')) {
      const form = untaggedForm(response.slice(2))
      if (form !== undefined) untagged.push(form)
    } else if (!response.startsWith('+')) untagged.push(`unexpected ${response}`)
  }
  return { completion, untagged: untagged.sort(), raw }
}

function untaggedForm(text: string): string | undefined {
  const condition = /^(OK|NO|BAD|BYE|PREAUTH) (.*)$/s.exec(text)
  if (condition !== null) {
    const known = code(condition[2] ?? '')
    return known === '' ? undefined : `${condition[1] ?? ''} ${known}`
  }
  const parsed = tokens(text, { i: 0 })
  const [first, second, ...rest] = parsed
  if (second === 'RECENT') return undefined
  if (second === 'FETCH') return `${String(first)} FETCH ${fetchForm(rest[0])}`
  switch (String(first)) {
    case 'FLAGS':
      return undefined
    case 'LIST':
    case 'LSUB':
      return `${String(first)} ${JSON.stringify([flags(second), ...rest])}`
    case 'STATUS':
      return `STATUS ${String(second).replace(/^inbox$/i, 'INBOX')} ${pairs(rest[0], new Set(['UIDVALIDITY', 'RECENT', 'HIGHESTMODSEQ']))}`
    case 'SEARCH':
      return `SEARCH ${parsed
        .slice(1)
        .map(Number)
        .filter(number => !Number.isNaN(number))
        .sort((a, b) => a - b)
        .join(' ')}`
    case 'ESEARCH':
      return `ESEARCH ${JSON.stringify(parsed.slice(2))}`
    default:
      return JSON.stringify(parsed)
  }
}

/** Attributes that a server may add unasked, or that the next revision took away. */
const IGNORED: ReadonlySet<string> = new Set(['\\recent', '\\marked', '\\unmarked', '\\haschildren', '\\hasnochildren', '\\noinferiors'])

function flags(list: Token | undefined): Token {
  if (!Array.isArray(list)) return list ?? null
  const names: string[] = list.map(flag => String(flag).toLowerCase())
  return names.filter(flag => !IGNORED.has(flag)).sort()
}

function pairs(list: Token | undefined, dropped: ReadonlySet<string>): string {
  if (!Array.isArray(list)) return JSON.stringify(list)
  const found: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = String(list[i]).toUpperCase()
    if (!dropped.has(name)) found.push(`${name} ${JSON.stringify(list[i + 1])}`)
  }
  return found.sort().join('; ')
}

function fetchForm(list: Token | undefined): string {
  if (!Array.isArray(list)) return JSON.stringify(list)
  const items: Token[] = []
  const seen = new Set<string>()
  for (let i = 0; i < list.length; i += 2) {
    const name = String(list[i]).toUpperCase()
    const raw = (list[i + 1] ?? null) as Token
    const value = name.includes('[') ? (raw ?? '') : raw
    // Asked for twice is answered twice by some.
    if (seen.has(name)) continue
    seen.add(name)
    if (/\[\d\.1|BINARY\S*\[2/.test(name)) continue
    items.push(
      name,
      name === 'FLAGS'
        ? flags(value)
        : name === 'INTERNALDATE'
          ? String(value).replace(/^[ 0]/, '')
          : name.startsWith('BODYSTRUCTURE') || name === 'BODY'
            ? lowered(value)
            : value,
    )
  }
  return pairs(items, new Set(['MODSEQ', 'UID']))
}

/** Types, subtypes, parameter names and encodings are the same in any case; values are lowered with them, which hides little. */
function lowered(value: Token): Token {
  if (Array.isArray(value) && value.length === 2 && value[0] === 'charset' && value[1] === 'us-ascii') return null
  return Array.isArray(value) ? (value as readonly Token[]).map(lowered) : typeof value === 'string' ? value.toLowerCase() : value
}
