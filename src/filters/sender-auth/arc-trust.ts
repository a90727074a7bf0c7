/** What those who passed a message on say they saw, as far as they are trusted. RFC 8617 §5.2, §7.2; S19. */

import { arcSets, fieldValue, verifyChain } from '../../dkim/index.ts'
import type { ChainState, ReadableChain, SignableField, VerifyContext } from '../../dkim/index.ts'
import { isHostName } from './host-name.ts'
import { readResults } from './results-reader.ts'

/** The verdict on a chain, and whether it says something for the message. */
export interface ArcResult {
  readonly result: ChainState
  /** Domains that sealed, the oldest first; of a chain that passes. */
  readonly sealers: readonly string[]
  readonly reason?: string
  /** A trusted sealer, reached through trusted sealers only, that saw DMARC pass for the author. */
  readonly vouchedBy?: string
}

/** Validates the chain and asks the trusted end of it. Never rejects. */
export async function checkArc(
  chain: ReadableChain | 'none' | 'fail',
  context: VerifyContext,
  trusted: ReadonlySet<string>,
  author: string | undefined,
): Promise<ArcResult> {
  const { state, sealers, reason } = await verifyChain(context, chain)
  const names = sealers.filter(isHostName)
  if (state !== 'pass') return { result: state, sealers: [], ...(reason === undefined ? {} : { reason }) }
  const vouchedBy = author === undefined ? undefined : voucher(context.fields, sealers, trusted, author)
  return { result: state, sealers: names, ...(vouchedBy === undefined ? {} : { vouchedBy }) }
}

/** RFC 8617 §9.3: a chain says as much as its sealers can be believed, from the newest back to the first stranger. */
function voucher(
  fields: readonly SignableField[],
  sealers: readonly string[],
  trusted: ReadonlySet<string>,
  author: string,
): string | undefined {
  const sets = arcSets(fields)
  if (sets === 'fail') return undefined
  for (const { instance, results } of sets.toReversed()) {
    const sealer = sealers[instance - 1]
    if (sealer === undefined || !trusted.has(sealer)) return undefined
    const value = fieldValue(results)
    const told = readResults(value.slice(value.indexOf(';') + 1))
    const dmarc = told?.results.find(({ method }) => method === 'dmarc')
    const from = dmarc?.properties.get('header.from')
    if (dmarc?.result === 'pass' && (from === undefined || from.slice(from.lastIndexOf('@') + 1).toLowerCase() === author)) return sealer
  }
  return undefined
}
