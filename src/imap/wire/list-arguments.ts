/** Arguments of LIST, plain and extended. RFC 9051 §6.3.9; RFC 5258 §3; RFC 5819 §2; RFC 6154 §2. */

import { PATTERNS } from '../limits.ts'
import { statusItems, type StatusItem } from '../status.ts'
import type { Parser } from './parser.ts'

/** What LIST was asked. */
export interface ListArguments {
  readonly reference: string
  readonly patterns: readonly string[]
  /** Whether the extended syntax was used: then an empty pattern is a pattern like another. */
  readonly isExtended: boolean
  readonly subscribedOnly: boolean
  readonly recursiveMatch: boolean
  readonly specialUseOnly: boolean
  readonly returnSubscribed: boolean
  readonly status: readonly StatusItem[]
}

/** The arguments of LIST, the space before them included. */
export function listArguments(p: Parser): ListArguments {
  p.sp()
  const selection = p.isOpen() ? selectOptions(p) : undefined
  if (selection !== undefined) p.sp()
  const reference = p.astring()
  p.sp()
  const several = p.isOpen()
  const patterns = several ? p.list(() => p.listMailbox()) : [p.listMailbox()]
  if (patterns.length > PATTERNS) p.fail('fewer patterns')
  const options = p.skip(0x20) ? returnOptions(p) : undefined
  return {
    reference,
    patterns,
    isExtended: selection !== undefined || several || options !== undefined,
    subscribedOnly: selection?.has('SUBSCRIBED') ?? false,
    recursiveMatch: selection?.has('RECURSIVEMATCH') ?? false,
    specialUseOnly: selection?.has('SPECIAL-USE') ?? false,
    returnSubscribed: options?.subscribed ?? false,
    status: options?.status ?? [],
  }
}

const SELECT_OPTIONS: readonly string[] = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']

function selectOptions(p: Parser): ReadonlySet<string> {
  const options = new Set(
    p.list(
      () => {
        const option = p.keyword()
        return SELECT_OPTIONS.includes(option) ? option : p.fail('a selection option')
      },
      { empty: true },
    ),
  )
  // RFC 9051 §9: a list-select-mod-opt needs a list-select-base-opt beside it.
  if (options.has('RECURSIVEMATCH') && !options.has('SUBSCRIBED')) p.fail('SUBSCRIBED beside RECURSIVEMATCH')
  return options
}

function returnOptions(p: Parser): { readonly subscribed: boolean; readonly status: readonly StatusItem[] } {
  if (!p.skipWord('return')) p.fail('RETURN')
  p.sp()
  let subscribed = false
  let status: readonly StatusItem[] = []
  p.list(
    () => {
      switch (p.keyword()) {
        case 'SUBSCRIBED':
          subscribed = true
          return
        case 'CHILDREN':
        case 'SPECIAL-USE':
          // Told without being asked.
          return
        case 'STATUS':
          p.sp()
          status = statusItems(p)
          return
        default:
          p.fail('a return option')
      }
    },
    { empty: true },
  )
  return { subscribed, status }
}
