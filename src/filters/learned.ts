/** What was learned already, so that a message that is moved about, or told of by two processes, is learned once. */

import { createHash } from 'node:crypto'
import type { CallOptions, MessageSource, StateTable } from '../contracts/index.ts'
import { headerFields } from '../mime/index.ts'

/** What a message was to somebody. */
export type Lesson = 'spam' | 'ham'

/** How a lesson came in: `learned`, `changed` from the other, or `known` before. */
export type LearningResult = 'learned' | 'changed' | 'known'

/** Octets of a message that make it this message. */
const LOOKED_AT = 96 * 1024
/** Fields that stay the same from the first server to the last. */
const LASTING: ReadonlySet<string> = new Set(['message-id', 'date', 'from', 'subject', 'to'])
/** A lesson is remembered for so long. */
const REMEMBERED_MS = 400 * 86_400_000

/** Names a message by what no server changes: fields of its writer, and the beginning of its body. The same as it arrived and as it is stored. */
export async function messageDigest(source: MessageSource): Promise<string> {
  const octets = await source.read(0, Math.min(source.size, LOOKED_AT))
  const hash = createHash('sha256')
  let headerEnd = 0
  for (const { name, raw, value } of headerFields(octets)) {
    headerEnd = raw.byteOffset - octets.byteOffset + raw.length
    const key = name.toLowerCase()
    if (LASTING.has(key)) hash.update(`${key}:${value}\n`)
  }
  // Less than all that was read: further fields on top of the stored message must not push text out of sight.
  hash.update(octets.subarray(headerEnd, headerEnd + LOOKED_AT / 3))
  return hash.digest('base64url').slice(0, 22)
}

/** Takes the lesson on: `known` for all but one of those who bring the same. Undone by {@link release}. */
export async function claim(
  state: StateTable,
  space: string,
  digest: string,
  lesson: Lesson,
  now: number,
  options?: CallOptions,
): Promise<LearningResult> {
  const expiresAt = now + REMEMBERED_MS
  const spam = lesson === 'spam'
  const [row] = await state.add(space, [{ key: digest, [spam ? 'first' : 'second']: 1, expiresAt }], options)
  const own = (spam ? row?.first : row?.second) ?? 1
  const other = (spam ? row?.second : row?.first) ?? 0
  if (own > 1) {
    await state.add(space, [{ key: digest, [spam ? 'first' : 'second']: -1 }], options)
    return 'known'
  }
  if (other === 0) return 'learned'
  await state.add(space, [{ key: digest, [spam ? 'second' : 'first']: -1 }], options)
  return 'changed'
}

/** What a message was learned as, if it was. */
export async function lessonOf(state: StateTable, space: string, digest: string, options?: CallOptions): Promise<Lesson | undefined> {
  const row = (await state.read(space, [digest], options)).get(digest)
  return row === undefined ? undefined : row.first > 0 ? 'spam' : row.second > 0 ? 'ham' : undefined
}

/** Forgets that a lesson was taken on. */
export async function release(state: StateTable, space: string, digest: string): Promise<void> {
  await state.drop(space, [digest])
}
