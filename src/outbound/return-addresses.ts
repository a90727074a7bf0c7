/** Addresses that we made for answers, as part of a directory: bounces to rewritten senders, and bounces to what we sent ourselves. RFC 5321 §3.6.3, §4.5.5. */

import type { Directory } from '../contracts/directory.ts'
import type { Middleware } from '../contracts/middleware.ts'
import { reject } from '../contracts/verdict.ts'
import { printAddress } from '../mime/index.ts'
import type { SenderRewriting } from './srs.ts'
import type { BounceAddresses } from './verp.ts'

/** Options of {@link returnAddresses}. */
export interface ReturnAddressesOptions {
  /** Mail to a sender that we rewrote goes on to the original one. */
  readonly rewriting?: SenderRewriting
  /** Mail to addresses that we made for bounces ... */
  readonly bounces?: BounceAddresses
  /** ... goes here, `local@domain`. */
  readonly bouncesTo?: string
}

/**
 * A directory that knows our return addresses before it asks the one behind it. What only looks like one (forged, expired) is an
 * unknown recipient, so that nobody relays by it.
 */
export function returnAddresses<D extends Directory>(directory: D, options: ReturnAddressesOptions): D {
  const { rewriting, bounces, bouncesTo } = options
  const resolve: Directory['resolve'] = async (address, call) => {
    const original = rewriting?.reverse(address) ?? 'not-rewritten'
    if (typeof original === 'object') return { kind: 'alias', targets: [printAddress(original)] }
    if (original !== 'not-rewritten') return { kind: 'unknown' }
    const token = bouncesTo === undefined ? 'not-ours' : (bounces?.decode(address) ?? 'not-ours')
    if (typeof token === 'object' && bouncesTo !== undefined) return { kind: 'alias', targets: [bouncesTo] }
    return token === 'not-ours' ? directory.resolve(address, call) : { kind: 'unknown' }
  }
  return new Proxy(directory, {
    get(target, name) {
      if (name === 'resolve') return resolve
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

const ONLY_BOUNCES = reject('This address takes notifications only', '5.7.1')

/**
 * Middleware that lets only null senders to rewritten senders: everybody who saw one in a `Return-Path` could send whatever they like
 * by us to the one behind it (S9). RFC 5321 §4.5.5.
 */
export function onlyBounces(rewriting: SenderRewriting): Middleware {
  return {
    name: 'only-bounces',
    recipient: async ({ sender, recipient }, next) =>
      sender !== undefined && typeof rewriting.reverse(recipient) === 'object' ? ONLY_BOUNCES : next(),
  }
}
