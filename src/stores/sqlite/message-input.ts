/** A new message as the writer takes it. */

import { latin1Text } from '../../bytes/ascii.ts'
import type { NewMessage } from '../../contracts/message.ts'
import type { Parcel } from './house.ts'
import type { MessageInput } from './operation.ts'

/** The message, its content replaced by its place in the parcel. */
export function messageInput({ content, prefix, summary, flags, internalDate }: NewMessage, parcel: Parcel): MessageInput {
  return {
    content: parcel.indexOf(content),
    prefix: prefix === undefined || prefix.length === 0 ? undefined : latin1Text(prefix),
    summary: latin1Text(summary),
    flags: [...new Set(flags)],
    date: Math.floor(internalDate / 1000),
  }
}
