/** From an address in an envelope to the accounts behind it. RFC 5321 §3.6, §3.9, §5.1. */

import type { Account, Directory, MailAddress, Resolution } from '../contracts/directory.ts'
import type { SpecialUse } from '../contracts/mailbox-info.ts'
import { reject } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { parseAddress, printedAddress } from './addresses.ts'

/** Aliases of aliases are followed so far; what lies deeper counts as a loop. */
const MAX_DEPTH = 10
/** Addresses that one recipient may stand for. */
const MAX_TARGETS = 1000

/** One account that a recipient leads to. */
export interface Target {
  readonly account: Account
  /** The address that led there, after all aliases. */
  readonly address: string
  readonly mailbox: string | { readonly specialUse: SpecialUse } | undefined
}

/** Where a recipient leads. */
export interface ResolvedRecipient {
  /** With `remotes` empty too, nobody takes mail for this address; `refusal` says why then. */
  readonly targets: readonly Target[]
  /** Addresses on other servers that it stands for. */
  readonly remotes: readonly MailAddress[]
  /** The address given is itself on another server: no alias of ours led there. */
  readonly elsewhere: boolean
  /** The address is one that this server is a gateway for. */
  readonly relayed: boolean
  readonly refusal: Verdict
  /** Members of a group that were passed over, in words for the operator. */
  readonly passedOver: readonly string[]
}

const NO_SUCH_USER: Verdict = reject('No such user here', '5.1.1')
const DISABLED: Verdict = reject('This mailbox is disabled', '5.2.1')
const LOOP: Verdict = reject('The address leads in a circle', '5.4.6')

/** How addresses are followed. */
export interface ResolveOptions {
  readonly signal: AbortSignal
}

/**
 * Follows an address through aliases and groups to accounts; each account comes once. Throws what the directory throws.
 *
 * A group takes mail as long as one member does: members that are unknown or disabled are passed over. Whether mail may go to
 * other servers is not decided here.
 */
export async function resolveRecipient(directory: Directory, address: MailAddress, options: ResolveOptions): Promise<ResolvedRecipient> {
  const targets = new Map<string, Target>()
  const seen = new Set<string>([printedAddress(address)])
  const passedOver: string[] = []
  const remotes: MailAddress[] = []
  let refusal: Verdict | undefined
  let level: readonly MailAddress[] = [address]
  for (let depth = 0; level.length > 0; depth++) {
    const following: MailAddress[] = []
    for (const step of level) {
      const printed = printedAddress(step)
      const resolution = await directory.resolve(step, { signal: options.signal })
      if (resolution.kind === 'remote') {
        if (depth === 0) return { targets: [], remotes: [step], elsewhere: true, relayed: false, refusal: NO_SUCH_USER, passedOver }
        remotes.push(step)
        continue
      }
      if (resolution.kind === 'relay') {
        if (depth === 0) return { targets: [], remotes: [step], elsewhere: false, relayed: true, refusal: NO_SUCH_USER, passedOver }
        remotes.push(step)
        continue
      }
      if (resolution.kind === 'alias') {
        for (const target of resolution.targets) {
          const next = parseAddress(target)
          if (next === undefined) passedOver.push(`${printed} names ${JSON.stringify(target)}, which is no address`)
          else if (depth === MAX_DEPTH || seen.size >= MAX_TARGETS) refusal ??= LOOP
          else if (!seen.has(printedAddress(next))) {
            seen.add(printedAddress(next))
            following.push(next)
          } else refusal ??= LOOP
        }
        continue
      }
      const problem = problemOf(resolution)
      if (problem !== undefined) {
        refusal ??= problem
        if (depth > 0) passedOver.push(`${printed} is ${resolution.kind === 'unknown' ? 'unknown' : 'disabled'}`)
        continue
      }
      if (resolution.kind !== 'account' || targets.has(resolution.account.id)) continue
      targets.set(resolution.account.id, { account: resolution.account, address: printed, mailbox: resolution.mailbox })
    }
    level = following
  }
  return { targets: [...targets.values()], remotes, elsewhere: false, relayed: false, refusal: refusal ?? NO_SUCH_USER, passedOver }
}

function problemOf(resolution: Resolution): Verdict | undefined {
  if (resolution.kind === 'unknown') return NO_SUCH_USER
  return resolution.kind === 'account' && resolution.account.disabled ? DISABLED : undefined
}
