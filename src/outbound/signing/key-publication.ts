/** Whether others can look up a key: what DNS shows under its name. RFC 6376 §3.6.2, §6.1.2. */

import type { CallOptions } from '../../contracts/call.ts'
import type { Resolver } from '../../contracts/resolver.ts'
import { parseKeyRecord } from '../../dkim/index.ts'

/** What DNS shows: the key, nothing, or something else (another key, a broken record, several records). */
export type KeyPublication = 'published' | 'missing' | 'different'

/**
 * Looks a key up as a verifier would. Spelling does not count, the key does. Throws `unavailable` when DNS cannot tell, which is not
 * `missing`.
 *
 * @example
 * ```ts
 * import { stubResolver } from 'mailwright/dns'
 * import { dkimKeys, keyPublication } from 'mailwright/outbound'
 *
 * const resolver = stubResolver({ servers: ['127.0.0.1'] })
 * const keys = await dkimKeys({
 *   folder: './data/dkim',
 *   domains: ['example.org'],
 *   published: async record => (await keyPublication(resolver, record)) === 'published',
 * })
 * ```
 */
export async function keyPublication(
  resolver: Pick<Resolver, 'txt'>,
  { name, text }: { readonly name: string; readonly text: string },
  options?: CallOptions,
): Promise<KeyPublication> {
  const { records } = await resolver.txt(name, options)
  const [only] = records
  if (only === undefined) return 'missing'
  const [shown, own] = [parseKeyRecord(only), parseKeyRecord(text)]
  // RFC 6376 §3.6.2.2: with several records the results are undefined.
  if (records.length > 1 || typeof shown === 'string' || typeof own === 'string') return 'different'
  return shown.publicKey.equals(own.publicKey) ? 'published' : 'different'
}
