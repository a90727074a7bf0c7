/** Small mail for the tests of filters that learn. */
import type { MessageSource } from 'mailwright/contracts'
import { seededRandom } from 'mailwright/testing'

const SPAM =
  'winner prize lottery claim pills cheap discount casino bonus free money investment urgent transfer inheritance viagra luxury watches'.split(
    ' ',
  )
const HAM =
  'meeting minutes agenda draft review patch compile branch dinner holiday train grandma garden invoice project schedule notes budget'.split(
    ' ',
  )
const BOTH = 'the and you for with this that have from your will today please about when time more just'.split(' ')

/** The octets of a text; `\n` stands for CRLF. */
export function source(text: string): MessageSource {
  const octets = new TextEncoder().encode(text.replaceAll('\n', '\r\n'))
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

/** A message of its kind, another for each number. */
export function mail(kind: 'spam' | 'ham', number: number, from: string = `${kind}${number}@${kind}.example`): string {
  const random = seededRandom(number * 2 + (kind === 'spam' ? 1 : 0) + 100)
  const own = kind === 'spam' ? SPAM : HAM
  const word = (): string => (random.below(2) === 0 ? own : BOTH)[random.below(18)] ?? ''
  const line = (words: number): string => Array.from({ length: words }, word).join(' ')
  const head = [
    `From: <${from}>`,
    `Subject: ${line(4)}`,
    'Date: Tue, 06 Jan 2026 10:00:00 +0000',
    `Message-ID: <${kind}-${number}@${kind}.example>`,
  ]
  return `${head.join('\n')}\n\n${[1, 2, 3, 4].map(() => line(9)).join('\n')}\n`
}
