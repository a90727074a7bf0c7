/** Whether a chain holds: the newest message signature, then every seal. RFC 8617 §5.2 steps 4 to 7, §5.2.1. */

import { latin1Bytes } from '../bytes/ascii.ts'
import { readChain, sealInput, type ChainState, type ReadableChain } from './arc-chain.ts'
import { signed, usableKeys, verifySignature, type VerifyContext } from './verify.ts'

/** The verdict on a chain. */
export interface ChainResult {
  readonly state: ChainState
  /** Domains that sealed, the oldest first; those of a chain that fails are only claimed. */
  readonly sealers: readonly string[]
  /** What failed, for the trace. */
  readonly reason?: string
}

/**
 * Validates the chain of a message. `context` as for its signatures; the body's hash must have been asked for with
 * `chain.messageSignatures.map(bodyRequest)` of {@link readChain}. Never throws for what a message holds: failures of DNS are
 * failures too (RFC 8617 §5.2.1).
 */
export async function verifyChain(
  context: VerifyContext,
  chain: ReadableChain | 'none' | 'fail' = readChain(context.fields),
): Promise<ChainResult> {
  if (chain === 'none') return { state: 'none', sealers: [] }
  if (chain === 'fail') return { state: 'fail', sealers: [], reason: 'the sets make no chain' }
  const sealers = chain.seals.map(({ domain }) => domain)
  const results = await Promise.all(chain.messageSignatures.map(signature => verifySignature(signature, context)))
  if (!results.some(({ result }) => result === 'pass'))
    return { state: 'fail', sealers, reason: `ARC-Message-Signature of set ${chain.sets.length}: ${results[0]?.reason ?? ''}` }
  for (let count = chain.sets.length; count > 0; count--) {
    const seal = chain.seals[count - 1]
    if (seal === undefined) continue
    await context.pause?.()
    const { signature, key } = seal
    const keys = await usableKeys(seal, context)
    const input = latin1Bytes(sealInput(chain.sets.slice(0, count)))
    if (!keys.some(({ type, publicKey }) => type === key && signed(type, publicKey, input, signature)))
      return { state: 'fail', sealers, reason: `ARC-Seal of set ${count}` }
  }
  return { state: 'pass', sealers }
}
