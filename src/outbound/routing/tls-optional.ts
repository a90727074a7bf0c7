/** Whether a message shall go even where TLS cannot be as its recipient's domain wants it. RFC 8689 §3, §4.1. */

import type { MessageSource } from '../../contracts/index.ts'
import { headerFields } from '../../mime/index.ts'

/** Octets at the beginning in which the field is looked for. */
const LOOKED_AT = 65_536

/** The message has one `TLS-Required` field, and it says `No`. */
export async function isTlsOptional(content: MessageSource): Promise<boolean> {
  const octets = await content.read(0, Math.min(content.size, LOOKED_AT))
  const values: string[] = []
  for (const { name, value } of headerFields(octets)) if (name.toLowerCase() === 'tls-required') values.push(value.trim().toLowerCase())
  return values.length === 1 && values[0] === 'no'
}
