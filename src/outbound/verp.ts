/** Envelope senders that say what a bounce is about (VERP), stamped so that a forged bounce is known. RFC 5321 §4.4. */

import { strictUtf8Text, utf8Bytes } from '../bytes/ascii.ts'
import type { Clock } from '../contracts/clock.ts'
import type { MailAddress } from '../contracts/directory.ts'
import { ConfigurationError } from '../contracts/mail-error.ts'
import { canonicalDomain } from '../mime/index.ts'
import { base32, fromBase32, stamps, type Secrets } from './stamped.ts'

/** Options of {@link bounceAddresses}. */
export interface BounceAddressesOptions {
  /** Domain of the addresses; mail to it must come here. */
  readonly domain: string
  /** At least 16 octets; of several the first is used, all are recognised. */
  readonly secret: Secrets
  /** First word of the local part. Default `bounce`. */
  readonly prefix?: string
  /** How long bounces are recognised, days. Default 30. */
  readonly lifetimeDays?: number
  readonly clock?: Pick<Clock, 'now'>
}

/** Makes addresses for bounces and reads them. */
export interface BounceAddresses {
  /**
   * An envelope sender for one message or recipient. `token` is handed back when a bounce comes: an id, or an address as
   * `ann=example.org`. Up to 45 lower-case letters, digits, `.`, `_`, `=` and `-` keep the local part within 64 octets; other tokens are
   * encoded and take more. Throws a RangeError for empty ones and for more than 120 octets.
   */
  encode(token: string): MailAddress
  /** The token of an address; `not-ours` for other addresses, `forged` where the hash is not ours, `expired` once the lifetime is over. */
  decode(address: MailAddress): { readonly token: string } | 'not-ours' | 'forged' | 'expired'
}

const PLAIN = /^[a-z0-9._=-]+$/
const STAMPED = /^([a-z2-7]{2})-([a-z2-7]{8})-(~?)(.+)$/is

/** Bounce addresses, as `bounce+dd-hhhhhhhh-token@domain`. */
export function bounceAddresses(options: BounceAddressesOptions): BounceAddresses {
  const { prefix = 'bounce', lifetimeDays = 30, clock = Date } = options
  const domain = canonicalDomain(options.domain)
  if (domain === undefined || !/^[a-z0-9]{1,20}$/.test(prefix))
    throw new ConfigurationError('MW_BOUNCE_ADDRESS', `no address for bounces: ${JSON.stringify(`${prefix}+...@${options.domain}`)}`)
  const { day, hash, isHash, isRecent } = stamps('verp', options.secret, clock)
  return {
    encode(token) {
      if (token === '' || utf8Bytes(token).length > 120) throw new RangeError('a token has 1 to 120 octets')
      const text = PLAIN.test(token) ? token : `~${base32(utf8Bytes(token))}`
      const today = day()
      return { local: `${prefix}+${today}-${hash(`${today}-${text}`)}-${text}`, domain }
    },
    decode({ local, domain: name }) {
      if (name !== domain || !local.toLowerCase().startsWith(`${prefix}+`)) return 'not-ours'
      const [, stamp = '', given = '', mark = '', text = ''] = STAMPED.exec(local.slice(prefix.length + 1)) ?? []
      if (given === '' || !isHash(given, `${stamp}-${mark}${text}`)) return 'forged'
      if (!isRecent(stamp, lifetimeDays)) return 'expired'
      if (mark === '') return { token: text.toLowerCase() }
      const octets = fromBase32(text)
      const token = octets === undefined ? undefined : strictUtf8Text(octets)
      return token === undefined ? 'forged' : { token }
    },
  }
}
