/**
 * The Sender Rewriting Scheme: the envelope sender under which a forwarded message leaves is ours, so that SPF holds for it (RFC 7208
 * §10.3), and a bounce finds its way back. `SRS0=hash=day=domain=local`, and `SRS1=hash=first==...` for what was rewritten before us.
 */

import type { Clock } from '../contracts/clock.ts'
import type { MailAddress } from '../contracts/directory.ts'
import { ConfigurationError } from '../contracts/mail-error.ts'
import { canonicalDomain } from '../mime/index.ts'
import { stamps, type Secrets } from './stamped.ts'

/** Options of {@link senderRewriting}. */
export interface SenderRewritingOptions {
  /** Domain of the rewritten addresses; mail to it must come here. */
  readonly domain: string
  /** At least 16 octets; of several the first is used, all are recognised. */
  readonly secret: Secrets
  /** Senders in these domains are left as they are. Default: those in `domain`. */
  readonly isOurs?: (domain: string) => boolean
  /** How long bounces are let through, days. Default 21. */
  readonly lifetimeDays?: number
  readonly clock?: Pick<Clock, 'now'>
}

/** Rewrites senders and takes them back. */
export interface SenderRewriting {
  /** The sender under which a message is sent on. */
  forward(sender: MailAddress): MailAddress
  /**
   * Where a bounce to one of our rewritten addresses goes: the original sender or, behind another forwarder, the first of them.
   * `not-rewritten` for other addresses, `forged` where the hash is not ours, `expired` once the lifetime is over. Let only bounces (null
   * senders) through.
   */
  reverse(address: MailAddress): MailAddress | 'not-rewritten' | 'forged' | 'expired'
}

/** Case of the words is folded by some systems, the first separator was `+` or `-` in old ones. */
const REWRITTEN = /^SRS([01])([=+-])(.+)$/is
const FIRST = /^([a-z2-7]{8})=([a-z2-7]{2})=([^=]+)=(.+)$/is
const AGAIN = /^([a-z2-7]{8})=([^=]+)=([=+-].+)$/is
/** What another forwarder wrote behind `SRS1=`: its hash, the first forwarder, and the rest of the first one's address. */
const FOREIGN_AGAIN = /^[^=]*=([^=]+)=([=+-].+)$/is

/** A rewriter. Addresses grow by some thirty octets: a local part may pass the 64 of RFC 5321 §4.5.3.1.1, as all SRS does. */
export function senderRewriting(options: SenderRewritingOptions): SenderRewriting {
  const domain = canonicalDomain(options.domain)
  if (domain === undefined) throw new ConfigurationError('MW_SRS_DOMAIN', `not a domain: ${JSON.stringify(options.domain)}`)
  const { isOurs = name => name === domain, lifetimeDays = 21, clock = Date } = options
  const { day, hash, isHash, isRecent } = stamps('srs', options.secret, clock)
  const again = (first: string, rest: string): MailAddress => ({ local: `SRS1=${hash(`${first}${rest}`)}=${first}=${rest}`, domain })
  return {
    forward(sender) {
      if (isOurs(sender.domain)) return sender
      const [, kind, separator = '', rest = ''] = REWRITTEN.exec(sender.local) ?? []
      // One more rewriting must not make the address longer each time: the first forwarder and its part are all that is kept.
      if (kind === '0') return again(sender.domain, `${separator}${rest}`)
      const [, first, opaque] = kind === '1' ? (FOREIGN_AGAIN.exec(rest) ?? []) : []
      if (first !== undefined && opaque !== undefined) return again(first, opaque)
      const stamped = `${day()}=${sender.domain}=${sender.local}`
      return { local: `SRS0=${hash(stamped)}=${stamped}`, domain }
    },
    reverse(address) {
      const [, kind, , rest = ''] = address.domain === domain ? (REWRITTEN.exec(address.local) ?? []) : []
      if (kind === '0') {
        const [, given, stamp = '', name = '', local = ''] = FIRST.exec(rest) ?? []
        if (given === undefined || !isHash(given, `${stamp}=${name}=${local}`)) return 'forged'
        return isRecent(stamp, lifetimeDays) ? { local, domain: name.toLowerCase() } : 'expired'
      }
      if (kind === undefined) return 'not-rewritten'
      const [, given, first = '', opaque = ''] = AGAIN.exec(rest) ?? []
      if (given === undefined || !isHash(given, `${first}${opaque}`)) return 'forged'
      return { local: `SRS0${opaque}`, domain: first.toLowerCase() }
    },
  }
}
