/** What a message that came back, or a complaint, tells. RFC 3464 §2; RFC 5965 §3. */

import type { BounceAddresses } from '../verp.ts'
import type { BounceClass } from './bounce-class.ts'
import type { DeliveryAction } from './wishes.ts'

/** One recipient that a bounce tells of. All of it is what somebody wrote: escape it before it is shown. */
export interface BouncedRecipient {
  /** As the reporting server knew it; absent where it could not be read. */
  readonly address?: string
  /** As we gave it (ORCPT), without its type. */
  readonly originalRecipient?: string
  readonly action: DeliveryAction
  /** `5.1.1`. */
  readonly status?: string
  /** Reply of SMTP. */
  readonly reply?: number
  /** What the remote server said, one line. */
  readonly text?: string
  /** Name of the server that said so. */
  readonly remote?: string
  /** Absent for successes. */
  readonly reason?: BounceClass
  /** Trying again is no use. */
  readonly permanent: boolean
}

/** What the stamped envelope sender (VERP) of the bounced message told: its token, or why there is none. */
export type BounceToken = ReturnType<BounceAddresses['decode']>

/** A notification about mail of ours. */
export interface BounceReport {
  readonly kind: 'bounce'
  /** `standard` is RFC 3464; the others are read as well as can be. */
  readonly form: 'standard' | 'qmail' | 'exim' | 'text'
  /** ENVID as we gave it. */
  readonly envelopeId?: string
  readonly reportingServer?: string
  /** `Message-ID` of the message that came back. */
  readonly originalMessageId?: string
  readonly token?: BounceToken
  readonly recipients: readonly BouncedRecipient[]
}

/** A complaint about mail of ours. */
export interface ComplaintReport {
  readonly kind: 'complaint'
  /** `abuse`, `fraud`, `virus`, `not-spam`, `auth-failure`, `opt-out` ...; lower case. */
  readonly type: string
  readonly userAgent?: string
  readonly sourceIp?: string
  /** ENVID as we gave it. */
  readonly envelopeId?: string
  /** Envelope sender of the message. */
  readonly originalSender?: string
  /** Envelope recipients, where the reporter tells them. */
  readonly originalRecipients: readonly string[]
  readonly originalMessageId?: string
  readonly reportedDomains: readonly string[]
  readonly token?: BounceToken
}

/** A report about mail of ours. */
export type MailReport = BounceReport | ComplaintReport
