/** Messages and keys for the tests of DKIM. */
import { createHash, createPrivateKey, sign } from 'node:crypto'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import type { SeededRandom } from 'mailwright/testing'
import {
  bodyRequest,
  BodyHasher,
  parseSignature,
  readSignableHeader,
  signedField,
  unsignedSignature,
  verifySignature,
  type BodyHashRequest,
  type Canonicalization,
  type GeneratedKey,
  type KeyCache,
  type SignatureResult,
} from 'mailwright/dkim'

/** Text of octets with `\n` as octets with CRLF. */
export function octets(text: string): Uint8Array {
  return latin1Bytes(text.replaceAll('\n', '\r\n'))
}

/** The hash of a body given in slices of a size. */
export function hashOf(body: Uint8Array, requests: readonly BodyHashRequest[], slice: number = body.length): (string | undefined)[] {
  const hasher = new BodyHasher(requests)
  for (let at = 0; at < body.length; at += slice) hasher.push(body.subarray(at, at + slice))
  const answer = hasher.finish()
  return requests.map(request => answer(request).digest)
}

/** The verdicts on all signatures of a message, keys from a table of records. */
export async function verdicts(
  message: Uint8Array,
  records: Readonly<Record<string, string | readonly string[]>>,
  options: { readonly keys?: KeyCache; readonly now?: number } = {},
): Promise<SignatureResult[]> {
  const { fields, bodyStart } = readSignableHeader(message)
  const signatures = fields.filter(field => field.key === 'dkim-signature').map(field => parseSignature(field))
  const hasher = new BodyHasher(signatures.flatMap(signature => ('fault' in signature ? [] : [bodyRequest(signature)])))
  hasher.push(message.subarray(bodyStart))
  const bodyHash = hasher.finish()
  const lookup = (name: string): Promise<readonly string[]> => Promise.resolve([records[name] ?? []].flat())
  return Promise.all(signatures.map(signature => verifySignature(signature, { fields, bodyHash, lookup, ...options })))
}

const WORDS: readonly [string, ...string[]] = [
  ' ',
  '  ',
  '\t',
  ' \t ',
  '\r\n',
  '\r\n',
  '\r\n\r\n',
  ' \r\n',
  '\t\r\n',
  '\r',
  'a',
  'word',
  'Übung',
  '.',
  '--',
  'x'.repeat(70),
]

/** A body with every odd use of white space that a line can have. */
export function oddBody(random: SeededRandom): string {
  const kind = random.below(8)
  if (kind === 0) return ''
  if (kind === 1) return '\r\n'.repeat(random.below(5))
  let body = ''
  for (let left = random.below(60); left > 0; left--) body += random.pick(WORDS)
  if (kind < 4) return body.replace(/[\r\n]+$/, '')
  return kind < 6 ? `${body}\r\n` : `${body}\r\n\r\n \r\n`
}

/** A header with folds, white space at odd places, and fields that occur twice. */
export function oddHeader(random: SeededRandom): string {
  const spaces: readonly [string, ...string[]] = ['', ' ', '  ', '\t', '\r\n ', ' \r\n\t', '\r\n  \t ']
  const space = (): string => random.pick(spaces)
  const value = (): string =>
    Array.from({ length: 1 + random.below(4) }, () => random.pick(['ann', 'b', 'Grüße', 'c;d', '=?utf-8?q?x?='])).join(
      random.pick(spaces.slice(1) as [string, ...string[]]),
    )
  const names: readonly [string, ...string[]] = [
    'Subject',
    'TO',
    'cc',
    'Date',
    'Message-ID',
    'X-Odd',
    'Subject',
    'Received',
    'MIME-Version',
    'Content-Type',
  ]
  let header = `From:${space()}ann@example.org${space()}\r\n`
  for (let left = random.below(8); left > 0; left--) {
    header += `${random.pick(names)}${random.pick(['', '', '', ' '])}:${space()}${value()}${random.pick(['', ' ', '\t'])}\r\n`
  }
  return header
}

/** Signs with our own parts; `names` as they go into `h=`. */
export function signedMessage(
  message: Uint8Array,
  key: GeneratedKey,
  names: readonly string[],
  header: Canonicalization,
  body: Canonicalization,
): Uint8Array {
  const { fields, bodyStart } = readSignableHeader(message)
  const [bodyHash = ''] = hashOf(message.subarray(bodyStart), [{ canonicalization: body }], 777)
  const unsigned = unsignedSignature(
    {
      key: key.type,
      domain: 'example.org',
      selector: key.type,
      headerCanonicalization: header,
      bodyCanonicalization: body,
      names,
      bodyHash,
      timestamp: 1_700_000_000,
    },
    fields,
  )
  const privateKey = createPrivateKey(key.privateKey)
  const signature =
    key.type === 'rsa'
      ? sign('sha256', unsigned.input, privateKey)
      : sign(undefined, createHash('sha256').update(unsigned.input).digest(), privateKey)
  return Buffer.concat([latin1Bytes(signedField(unsigned, signature)), message])
}

/** One change that a message may meet on its way. */
export function changed(message: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(message.length)
  const text = latin1Text(message)
  // Neither half of a line end nor white space in front of all: mailauth mends both, we take them for what they are.
  const halvesLineEnd = text.slice(at, at + 2) === '\r\n' || text.slice(at - 1, at + 1) === '\r\n'
  switch (random.below(6)) {
    case 0:
      return latin1Bytes(`Subject: added\r\n${text}`)
    case 1:
      return latin1Bytes(`${text}\r\n`)
    case 2:
      return latin1Bytes(`${text} more`)
    case 3:
      return latin1Bytes(text.replace('example.org', 'example.com'))
    case 4:
      return halvesLineEnd ? message : latin1Bytes(text.slice(0, at) + text.slice(at + 1))
    default:
      return halvesLineEnd || at === 0 ? message : latin1Bytes(`${text.slice(0, at)} ${text.slice(at)}`)
  }
}
